"""What is typed about a newsletter. Whether a thing can be is asked where the thing is made."""

from typing import Any

from django import forms
from django.conf import settings

from digest.articles.models import Source
from digest.console.setup.forms import zones
from digest.newsletters import sections
from digest.newsletters.checks import OFFERED
from digest.newsletters.models import Cadence, Newsletter, Publication, Section
from digest.newsletters.reading import DAYS

BY_DAYS, BY_CRON, BY_HAND = "days", "cron", "hand"
_LONGEST = 10_000  # characters of a template
_OF_PUBLICATION = ("", "The publication's own")


def _text(rows: int, placeholder: str = "") -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "placeholder": placeholder})


def _number(label: str, least: int, most: int, help_text: str = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=least, max_value=most, help_text=help_text)


def _tick(label: str, help_text: str = "") -> forms.BooleanField:
    return forms.BooleanField(label=label, required=False, help_text=help_text)


class NewForm(forms.Form):
    """A newsletter to begin with; the rest has defaults."""

    publication = forms.ModelChoiceField(Publication.objects.none(), empty_label=None)
    name = forms.CharField(
        max_length=200, widget=forms.TextInput(attrs={"placeholder": "The Morning Tide"})
    )


class NameForm(forms.Form):
    """What it is called."""

    name = forms.CharField(max_length=200)
    description = forms.CharField(
        required=False,
        max_length=1000,
        widget=_text(2),
        help_text="Subscribers see it where they subscribe and in their preferences.",
    )
    language = forms.ChoiceField(
        required=False, choices=lambda: [_OF_PUBLICATION, *settings.LANGUAGES]
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        choice: Any = self.fields["language"]
        there = self.initial.get("language")
        if there and there not in {key for key, _ in choice.choices}:
            choice.choices = [*choice.choices, (there, there)]


class ScheduleForm(forms.Form):
    """When it goes out."""

    way = forms.ChoiceField(
        label="It goes out",
        widget=forms.RadioSelect,
        choices=[
            (BY_DAYS, "On days of the week"),
            (BY_CRON, "By a cron line"),
            (BY_HAND, "By hand only"),
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
        label="Cron line",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"placeholder": "0 7 1 * *"}),
        help_text="Minute, hour, day of the month, month, weekday.",
    )
    timezone = forms.ChoiceField(label="Time zone", choices=zones)
    send_in_local_time = _tick(
        "At that time by each subscriber's own clock",
        "Otherwise it goes to all at the same moment.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        choice: Any = self.fields["timezone"]
        there = self.initial.get("timezone")
        if there and there not in {key for key, _ in choice.choices}:
            choice.choices = [(there, there), *choice.choices]

    def clean(self) -> dict[str, Any]:
        """Ask for what the chosen way needs, and forget what belongs to the others."""
        given = super().clean() or {}
        way = given.get("way")
        if way == BY_DAYS and not given.get("days") and "days" not in self.errors:
            self.add_error("days", "Choose a day, at least one.")
        if way == BY_DAYS and not given.get("at") and "at" not in self.errors:
            self.add_error("at", "Say at what time.")
        if way == BY_CRON and not given.get("cron"):
            self.add_error("cron", "Write one, or choose days.")
        return given | ({} if way == BY_DAYS else {"days": [], "at": None})


class SelectionForm(forms.Form):
    """How stories are picked."""

    max_stories = _number("Stories at most", 1, 100)
    min_stories = _number("Stories at least", 0, 100)
    look_back_hours = _number("As old as, in hours", 1, 24 * 366, "Older ones are left out.")
    thin = forms.ChoiceField(label="With fewer than that", choices=Newsletter.Thin)
    widen_hours = _number("Then as old as, in hours", 1, 24 * 366, "Where it looks further back.")
    catch_up = forms.ChoiceField(
        label="After downtime", choices=Newsletter.CatchUp, help_text="When its time has passed."
    )
    late_minutes = _number("Late by, in minutes at most", 0, 60 * 24 * 31)


class WordsForm(forms.Form):
    """How it reads around the stories: templates in Jinja."""

    subject = forms.CharField(max_length=_LONGEST, widget=_text(2))
    preheader = forms.CharField(
        required=False,
        max_length=_LONGEST,
        widget=_text(2),
        help_text="Mail programs show it behind the subject.",
    )
    intro = forms.CharField(
        label="Words before the stories", required=False, max_length=_LONGEST, widget=_text(3)
    )


class DeskForm(forms.Form):
    """Who looks at an issue, and what happens when something is unclear."""

    approval = forms.ChoiceField(label="Before it goes out", choices=Newsletter.Approval)
    review_minutes = _number(
        "On the desk before its time, in minutes",
        0,
        60 * 24 * 7,
        "So long it can be looked at and changed.",
    )
    undo_seconds = _number("“Send” can be undone for, in seconds", 0, 3600)
    uncertain = forms.ChoiceField(
        label="When a relay's word was lost",
        choices=Newsletter.InDoubt,
        help_text="A line that breaks at the wrong moment leaves open whether a mail arrived.",
    )
    redirect_links = _tick(
        "Link stories by way of this installation",
        "The link of a story that is taken back then leads to a note. Nobody's clicks are noted.",
    )


class OfferForm(forms.Form):
    """What subscribers may choose."""

    listed = _tick("Anybody may subscribe on the public pages")
    cadences = forms.MultipleChoiceField(
        label="Besides every issue, subscribers may choose",
        required=False,
        choices=[(one.value, Cadence(one).label) for one in OFFERED],
        widget=forms.CheckboxSelectMultiple,
    )
    welcome_with_latest = _tick("The welcome mail brings the latest issue")


class SourcesForm(forms.Form):
    """Where its stories come from."""

    sources = forms.ModelMultipleChoiceField(
        Source.objects.none(), required=False, label="Carried", widget=forms.CheckboxSelectMultiple
    )
    url = forms.CharField(
        label="One more",
        required=False,
        max_length=2000,
        widget=forms.TextInput(
            attrs={"inputmode": "url", "placeholder": "https://courier.example"}
        ),
        help_text="The address of a site or a feed; the feed is found.",
    )


class SectionForm(forms.Form):
    """A part of it."""

    kind = forms.ChoiceField(label="It holds", choices=Section.Kind)
    title = forms.CharField(max_length=sections.LONGEST_TITLE)
    topics = forms.CharField(
        required=False,
        max_length=5000,
        widget=forms.TextInput(attrs={"placeholder": "Harbour, Weather"}),
        help_text="For stories of some topics: sections or tags, parted by commas.",
    )
    max_stories = _number("Stories at most", 1, sections.LARGEST)

    def __init__(self, *args: Any, there: Section | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        if there:
            self.fields["kind"].disabled = True
            self.initial["kind"] = there.kind
            if there.kind != Section.Kind.TOPIC:
                del self.fields["topics"]

    def clean_topics(self) -> list[str]:
        """Take them apart."""
        return sections.parse_topics(self.cleaned_data["topics"])
