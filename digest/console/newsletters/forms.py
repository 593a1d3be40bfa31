"""The forms of a newsletter's page. The rules are checked where the values are saved."""

from typing import Any

from django import forms
from django.conf import settings

from digest.articles.models import Source
from digest.console.fields import KeyField, PlaceField
from digest.console.setup.forms import zones
from digest.newsletters import layout
from digest.newsletters.audiences.models import Segment
from digest.newsletters.checks import OFFERED
from digest.newsletters.choices import (
    STORY_KINDS,
    Approval,
    BlockKind,
    CatchUp,
    Design,
    Thin,
    TopicLinks,
    UncertainPolicy,
)
from digest.newsletters.models import (
    Cadence,
    LayoutBlock,
    Publication,
)
from digest.newsletters.publicity.archive_access import LONGEST_PASSWORD, ArchiveAccess
from digest.newsletters.reading import DAYS

WEEKDAYS, CRON, MANUAL = "days", "cron", "manual"
_MAX_LENGTH = 10_000  # characters of a template
_OF_PUBLICATION = ("", "Same as publication")


def _text(rows: int, placeholder: str = "") -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "placeholder": placeholder})


def _number(label: str, least: int, most: int, help_text: str = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=least, max_value=most, help_text=help_text)


def _checkbox(label: str, help_text: str = "") -> forms.BooleanField:
    return forms.BooleanField(label=label, required=False, help_text=help_text)


class NewForm(forms.Form):
    """A new newsletter: everything else has defaults."""

    publication = forms.ModelChoiceField(Publication.objects.none(), empty_label=None)
    name = forms.CharField(
        max_length=200, widget=forms.TextInput(attrs={"placeholder": "The Morning Tide"})
    )


class DesignForm(forms.Form):
    """How its stories are laid out."""

    design = forms.ChoiceField(choices=Design, widget=forms.RadioSelect)
    share_links = _checkbox("Links to share an issue in the footer")
    reading_time = _checkbox("Reading time of stories", "Where a source carries the whole article.")
    topic_links = forms.ChoiceField(
        label="More or less like this",
        choices=TopicLinks,
        required=False,
        help_text="Subscribers can ask for more or less of a topic.",
    )
    contents_from = _number(
        "List of headlines at the top, from so many stories on", 0, 100, "0: no list."
    )

    def clean_topic_links(self) -> str:
        """Return the choice; nowhere, if a form has no such field."""
        return str(self.cleaned_data["topic_links"] or TopicLinks.NONE)


class NameForm(forms.Form):
    """Its name and description."""

    name = forms.CharField(max_length=200)
    description = forms.CharField(
        required=False,
        max_length=1000,
        widget=_text(2),
        help_text="Shown on the sign-up page and in preferences.",
    )
    language = forms.ChoiceField(
        required=False, choices=lambda: [_OF_PUBLICATION, *settings.LANGUAGES]
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        choice: Any = self.fields["language"]
        language = self.initial.get("language")
        if language and language not in {key for key, _ in choice.choices}:
            choice.choices = [*choice.choices, (language, language)]


class ScheduleForm(forms.Form):
    """When it is sent."""

    way = forms.ChoiceField(
        label="Send",
        widget=forms.RadioSelect,
        choices=[
            (WEEKDAYS, "On weekdays"),
            (CRON, "Custom (cron)"),
            (MANUAL, "Manual only"),
        ],
    )
    days = forms.TypedMultipleChoiceField(
        label="Days",
        required=False,
        coerce=int,
        choices=[(number, day.capitalize()) for number, day in enumerate(DAYS)],
        widget=forms.CheckboxSelectMultiple,
    )
    at = forms.TimeField(
        label="Time",
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    cron = forms.CharField(
        label="Cron expression",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"placeholder": "0 7 1 * *"}),
        help_text="Minute, hour, day of the month, month, day of the week.",
    )
    timezone = forms.ChoiceField(label="Time zone", choices=zones)
    send_in_local_time = _checkbox(
        "Send in each subscriber's time zone",
        "Otherwise all subscribers receive it at the same moment.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        choice: Any = self.fields["timezone"]
        zone = self.initial.get("timezone")
        if zone and zone not in {key for key, _ in choice.choices}:
            choice.choices = [(zone, zone), *choice.choices]

    def clean(self) -> dict[str, Any]:
        """Require the fields of the chosen kind of schedule, and drop those of the others."""
        values = super().clean() or {}
        way = values.get("way")
        if way == WEEKDAYS and not values.get("days") and "days" not in self.errors:
            self.add_error("days", "Choose at least one day.")
        if way == WEEKDAYS and not values.get("at") and "at" not in self.errors:
            self.add_error("at", "Enter a time.")
        if way == CRON and not values.get("cron"):
            self.add_error("cron", "Enter a cron expression.")
        return values | ({} if way == WEEKDAYS else {"days": [], "at": None})


class SelectionForm(forms.Form):
    """How stories are selected."""

    max_stories = _number("Maximum stories", 1, 100)
    min_stories = _number("Minimum stories", 0, 100)
    look_back_hours = _number("Maximum age (hours)", 1, 24 * 366, "Older stories are not included.")
    thin = forms.ChoiceField(label="If there are too few stories", choices=Thin)
    widen_hours = _number(
        "Extended maximum age (hours)", 1, 24 * 366, "Used when older stories are included."
    )
    catch_up = forms.ChoiceField(
        label="If sending was missed",
        choices=CatchUp,
        help_text="For example while the server was down.",
    )
    late_minutes = _number("Maximum delay (minutes)", 0, 60 * 24 * 31)


class TextsForm(forms.Form):
    """The texts around the stories: templates in Jinja."""

    subject = forms.CharField(max_length=_MAX_LENGTH, widget=_text(2))
    preheader = forms.CharField(
        label="Preview text",
        required=False,
        max_length=_MAX_LENGTH,
        widget=_text(2),
        help_text="Shown after the subject in the inbox.",
    )


class ApprovalForm(forms.Form):
    """Who approves an issue, and how sending deals with uncertain deliveries."""

    approval = forms.ChoiceField(label="Approval", choices=Approval)
    review_minutes = _number(
        "Ready for review (minutes before sending)",
        0,
        60 * 24 * 7,
        "How long the issue can be checked and changed before it is sent.",
    )
    undo_seconds = _number("Undo window (seconds)", 0, 3600, "How long “Send” can be undone.")
    uncertain = forms.ChoiceField(
        label="If delivery is uncertain",
        choices=UncertainPolicy,
        help_text="When the connection breaks before the mail server confirms a message.",
    )
    redirect_links = _checkbox(
        "Track links (so that a retracted story's link can be changed)",
        "The link of a retracted story then leads to your note. Clicks are not recorded.",
    )


class OfferForm(forms.Form):
    """What subscribers can choose."""

    cadences = forms.MultipleChoiceField(
        label="Other frequencies",
        required=False,
        choices=[(cadence.value, Cadence(cadence).label.capitalize()) for cadence in OFFERED],
        widget=forms.CheckboxSelectMultiple,
    )
    welcome_with_latest = _checkbox("Include the latest issue in the welcome mail")


class MembersForm(forms.Form):
    """For whom it is, and who may read its past issues."""

    segment = forms.ModelChoiceField(
        Segment.objects.none(),
        label="Only for segment",
        required=False,
        empty_label="Everyone who subscribes",
        help_text="For example “Tier is paid”. Others can sign up, and receive it once they belong "
        "to the segment.",
    )
    membership_url = PlaceField(
        label="Where to become a member",
        required=False,
        example="https://…",
        help_text="The sign-up page, preferences and protected issues link to it.",
    )
    archive_access = forms.ChoiceField(
        label="Who may read past issues",
        choices=ArchiveAccess,
        help_text="Others see the subject and a teaser. An issue may differ: see its page. With a "
        "new segment, “Everyone” becomes “Subscribers only”; you can change it again afterwards.",
    )
    password = KeyField(
        label="Password of the archive",
        required=False,
        max_length=LONGEST_PASSWORD,
        help_text="Leave blank to keep the present one.",
    )


class SourcesForm(forms.Form):
    """The sources of its stories."""

    sources = forms.ModelMultipleChoiceField(
        Source.objects.none(),
        required=False,
        label="Included sources",
        widget=forms.CheckboxSelectMultiple,
    )
    url = PlaceField(
        label="Add source",
        required=False,
        example="https://courier.example",
        help_text="The URL of a site or a feed. Digest finds the feed of a site.",
    )


class LayoutBlockForm(forms.Form):
    """A block of the newsletter's layout."""

    kind = forms.ChoiceField(label="Type", choices=BlockKind)
    title = forms.CharField(required=False, max_length=layout.LONGEST_TITLE)
    topics = forms.CharField(
        required=False,
        max_length=5000,
        widget=forms.TextInput(attrs={"placeholder": "Harbour, Weather"}),
        help_text="For the type “Stories by topic”: sections or tags, separated by commas.",
    )
    max_stories = _number("Maximum stories", 1, layout.LARGEST)
    source_ids = forms.TypedMultipleChoiceField(
        label="Only from these sources",
        required=False,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        help_text="None selected: from all of the newsletter.",
    )

    def __init__(self, *args: Any, block: LayoutBlock | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        if block is None:
            del self.fields["source_ids"]
            return
        choice: Any = self.fields["source_ids"]
        choice.choices = [(row.pk, str(row)) for row in block.newsletter.sources.all()]
        self.fields["kind"].disabled = True
        self.initial["kind"] = block.kind
        if block.kind != BlockKind.TOPIC:
            del self.fields["topics"]
        if block.kind == BlockKind.LEAD or block.kind not in STORY_KINDS:
            del self.fields["max_stories"]
            del self.fields["source_ids"]

    def clean_topics(self) -> list[str]:
        """Return the topics as a list."""
        return layout.parse_topics(self.cleaned_data["topics"])
