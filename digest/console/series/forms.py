"""The forms of series and steps. The rules are checked where the values are saved."""

from typing import Any

from django import forms
from django.db.models import QuerySet

from digest.console.fields import offer_rows
from digest.core import clock
from digest.issues.models import Issue
from digest.issues.window import issues_for_everyone
from digest.newsletters.audiences.models import Segment
from digest.newsletters.models import Newsletter
from digest.series.models import LONGEST_DELAY, LONGEST_NAME, Series, Step
from digest.tenancy.scope import PublicationScope

_UNITS = {"minutes": 1, "hours": 60, "days": 24 * 60}
_MOST_ISSUES = 30  # that can be chosen


class NewForm(forms.Form):
    """A new series: its steps and all else come later."""

    newsletter = forms.ModelChoiceField(Newsletter.objects.none(), empty_label=None)
    name = forms.CharField(max_length=LONGEST_NAME, initial="Welcome")
    trigger = forms.ChoiceField(label="Begins when", choices=Series.Trigger)

    def __init__(self, newsletters: QuerySet[Newsletter], data: Any = None) -> None:
        super().__init__(data)
        offer_rows(self, "newsletter", newsletters.order_by("name"))


class SettingsForm(forms.Form):
    """A series: when its steps may go out, and when somebody leaves it."""

    name = forms.CharField(max_length=LONGEST_NAME)
    goal = forms.ChoiceField(
        label="Subscribers who reach the goal leave the series", choices=Series.Goal, required=False
    )
    goal_segment = forms.ModelChoiceField(
        Segment.objects.none(), label="Segment", required=False, empty_label="None"
    )
    hour_from = forms.IntegerField(
        label="From hour",
        required=False,
        min_value=0,
        max_value=23,
        help_text="Of each subscriber's day. Empty: at any hour. A mail without a delay always "
        "goes out at once.",
    )
    hour_until = forms.IntegerField(
        label="Until hour", required=False, min_value=1, max_value=24, help_text="24 is midnight."
    )
    avoids_issues = forms.BooleanField(
        label="Wait for a day without an issue of the newsletter",
        required=False,
        help_text="If there is no such day within a week, the mail goes out all the same.",
    )
    includes_imported = forms.BooleanField(
        label="Imported subscribers enter it too", required=False
    )

    def __init__(self, series: Series, scope: PublicationScope, data: Any = None) -> None:
        super().__init__(data, initial={name: getattr(series, name) for name in self.base_fields})
        _offer_segments(self, "goal_segment", series.newsletter, scope, series.goal_segment_id)
        if series.trigger != Series.Trigger.SIGN_UP:
            del self.fields["includes_imported"]


class StepForm(forms.Form):
    """A step: when it goes out, to whom, and whose stories it shows."""

    delay = forms.IntegerField(label="Wait", min_value=0, max_value=LONGEST_DELAY)
    unit = forms.ChoiceField(label="Unit", choices=[(name, name) for name in _UNITS])
    condition = forms.ChoiceField(label="Only for", choices=Step.Condition, required=False)
    tag = forms.CharField(required=False, max_length=60, help_text="For a condition about a tag.")
    segment = forms.ModelChoiceField(
        Segment.objects.none(),
        required=False,
        empty_label="None",
        help_text="For a condition about a segment.",
    )
    otherwise = forms.ChoiceField(label="All others", choices=Step.Otherwise)
    stories = forms.ChoiceField(
        label="Stories of an issue",
        choices=Step.Stories,
        required=False,
        help_text="They fill the first block of stories of the mail.",
    )
    shown_issue = forms.ModelChoiceField(
        Issue.objects.none(), label="Issue", required=False, empty_label="None"
    )

    def __init__(self, step: Step, scope: PublicationScope, data: Any = None) -> None:
        names = ("condition", "tag", "segment", "otherwise", "stories", "shown_issue")
        initial = {name: getattr(step, name) for name in names}
        super().__init__(data, initial=initial | _delay_values(step.delay_minutes))
        newsletter = step.series.newsletter
        _offer_segments(self, "segment", newsletter, scope, step.segment_id)
        field: Any = self.fields["shown_issue"]
        sent = issues_for_everyone([newsletter.pk]).exclude(subject="")
        latest = sent.order_by("-slot").values_list("pk", flat=True)[:_MOST_ISSUES]
        field.queryset = Issue.objects.filter(pk__in=[*latest, step.shown_issue_id or 0])
        zone = clock.zone(newsletter.publication.timezone)
        field.label_from_instance = lambda row: (
            f"{row.subject} ({row.goes_at.astimezone(zone):%-d %b %Y})"
        )

    def values(self) -> dict[str, Any]:
        """Return what the form holds, as `series.editing.change_step` takes it."""
        values = dict(self.cleaned_data)
        values["delay_minutes"] = values.pop("delay") * _UNITS[values.pop("unit")]
        return values


def _delay_values(minutes: int) -> dict[str, Any]:
    """Return a delay as a number of the largest unit that it is a multiple of."""
    name, size = next(
        (name, size) for name, size in reversed(_UNITS.items()) if minutes % size == 0
    )
    return {"delay": minutes // size, "unit": name if minutes else "days"}


def delay_in_words(minutes: int) -> str:
    """Return a delay as people say it: `3 days`; "at once" for none."""
    if not minutes:
        return "at once"
    values = _delay_values(minutes)
    number, unit = values["delay"], values["unit"]
    return f"{number} {unit[:-1] if number == 1 else unit}"


def _offer_segments(
    form: forms.Form,
    name: str,
    newsletter: Newsletter,
    scope: PublicationScope,
    segment_id: int | None,
) -> None:
    """Offer the segments of the publication that are in scope, and the one that is chosen."""
    segments = Segment.objects.filter(publication=newsletter.publication_id)
    offered = scope.filter(segments) | segments.filter(pk=segment_id or 0)
    offer_rows(form, name, offered.order_by("name"))
