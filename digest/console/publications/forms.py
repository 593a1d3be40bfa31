"""The forms of a publication's page. The rules are checked where the values are saved."""

from typing import Any

from django import forms

from digest.console.fields import WebAddressField
from digest.console.setup.forms import AddressField, PublicationForm, offer
from digest.console.setup.forms import SenderForm as SetupForm
from digest.newsletters import choices
from digest.newsletters.models import LONGEST_HALF_LIFE, Tracking

_OF_SETUP = PublicationForm.base_fields
MIN_WIDTH, MAX_WIDTH = 40, 520  # CSS px of a logo, as mail shows it


class NameForm(forms.Form):
    """The name and addresses that subscribers see."""

    name = _OF_SETUP["name"]
    tagline = forms.CharField(
        required=False,
        max_length=300,
        help_text="One line, shown below the name.",
        widget=forms.TextInput(attrs={"placeholder": "News from the coast"}),
    )
    url = _OF_SETUP["url"]
    postal_address = _OF_SETUP["postal_address"]


class LooksForm(forms.Form):
    """The design of its mail."""

    logo_url = _OF_SETUP["logo_url"]
    logo_dark_url = WebAddressField(
        label="Logo URL in dark mode",
        required=False,
        help_text="Shown on a dark background instead of the logo.",
    )
    logo_width = forms.IntegerField(
        label="Logo width (pixels)",
        min_value=MIN_WIDTH,
        max_value=MAX_WIDTH,
        help_text=f"As shown in the mail: {MIN_WIDTH} to {MAX_WIDTH}.",
    )
    accent = _OF_SETUP["accent"]
    accent_dark = _OF_SETUP["accent_dark"]
    background = forms.ChoiceField(choices=choices.Background)
    fonts = forms.ChoiceField(
        choices=choices.Fonts,
        help_text="Fonts that mail programs have, and a similar one for the rest.",
    )
    corner = forms.ChoiceField(label="Corners", choices=choices.Corner)
    density = forms.ChoiceField(label="Spacing", choices=choices.Density)
    is_derived = forms.BooleanField(
        label="Derive it from the colour",
        required=False,
        help_text="The colour is made lighter until it can be read on a dark background.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if not self.initial.get("accent_dark"):
            derived = {"is_derived": True, "accent_dark": self.initial.get("accent", "")}
            self.initial = {**self.initial, **derived}

    def clean(self) -> dict[str, Any]:
        """Return the fields of Publication: a derived colour is stored as none."""
        values = super().clean() or {}
        if values.pop("is_derived", False):
            values["accent_dark"] = ""
        return values


class PicturesForm(forms.Form):
    """Where the pictures of its stories are."""

    host_pictures = forms.BooleanField(
        label="Host pictures of stories",
        required=False,
        help_text="Fetched once, cropped and served from here. Otherwise mails link to your site.",
    )


class TrackingForm(forms.Form):
    """What is counted of its mail."""

    tracking = forms.ChoiceField(
        label="Count",
        choices=Tracking,
        help_text=(
            "Without knowing whose: all subscribers get the same links, and no click is stored "
            "with a subscriber. Of each subscriber: links name the subscriber, and forms say so. "
            "Nothing: links lead directly to their pages. Emails sent before keep their links."
        ),
    )
    track_opens = forms.BooleanField(
        label="Count opens too",
        required=False,
        help_text=(
            "By an invisible image. Many mail programs load it for everybody or for nobody, so the "
            "number says little. Needs clicks to be counted."
        ),
    )


class PopularityForm(forms.Form):
    """How quickly what was popular is forgotten."""

    popularity_half_life = forms.IntegerField(
        label="Half-life (hours)",
        min_value=1,
        max_value=LONGEST_HALF_LIFE,
        help_text="A click or page view counts half after this time, a quarter after twice that.",
    )


class SenderForm(forms.Form):
    """The sender of its mail."""

    sender_name = SetupForm.base_fields["sender_name"]
    sender_email = SetupForm.base_fields["sender_email"]
    reply_to = AddressField(
        label="Reply-to", required=False, help_text="Leave empty to use the sender's address."
    )


class PlaceForm(forms.Form):
    """Its language and time zone."""

    language = _OF_SETUP["language"]
    timezone = _OF_SETUP["timezone"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in ("language", "timezone"):
            offer(self, name)
