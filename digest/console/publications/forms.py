"""What is typed about a publication. Whether a thing can be is asked where the thing is made."""

from typing import Any

from django import forms

from digest.console.setup.forms import AddressField, PublicationForm, offer
from digest.console.setup.forms import SenderForm as SetupForm

_OF_SETUP = PublicationForm.base_fields
NARROWEST, WIDEST = 40, 520  # CSS px of a logo, as mail shows it


class NameForm(forms.Form):
    """What subscribers know it by."""

    name = _OF_SETUP["name"]
    tagline = forms.CharField(
        required=False,
        max_length=300,
        help_text="A line about it, under its name.",
        widget=forms.TextInput(attrs={"placeholder": "News from the coast"}),
    )
    url = _OF_SETUP["url"]
    postal_address = _OF_SETUP["postal_address"]


class LooksForm(forms.Form):
    """How its mail looks."""

    logo_url = _OF_SETUP["logo_url"]
    logo_width = forms.IntegerField(
        label="Width of the logo",
        min_value=NARROWEST,
        max_value=WIDEST,
        help_text=f"In pixels, as it stands in the mail: {NARROWEST} to {WIDEST}.",
    )
    accent = _OF_SETUP["accent"]
    accent_dark = _OF_SETUP["accent_dark"]


class SenderForm(forms.Form):
    """Who its mail comes from."""

    sender_name = SetupForm.base_fields["sender_name"]
    sender_email = SetupForm.base_fields["sender_email"]
    reply_to = AddressField(
        label="Replies go to", required=False, help_text="Empty: to the address above."
    )


class PlaceForm(forms.Form):
    """Which language it speaks, and whose clock it goes by."""

    language = _OF_SETUP["language"]
    timezone = _OF_SETUP["timezone"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in ("language", "timezone"):
            offer(self, name)
