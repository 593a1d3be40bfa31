"""Who is where in a series, and what became of each step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet

from digest.analytics.statistics.totals import Numbers, numbers_of, together
from digest.series.models import Enrolment, Outcome, Passage, Series, Step, Version
from digest.subscribers.models import Subscriber

State = Enrolment.State


@dataclass(frozen=True, slots=True)
class StepNumbers:
    """A step in numbers: of all the versions of its mail together."""

    step: Step
    waiting: int  # subscribers for whom it is next
    skipped: int  # for whom its condition did not hold
    numbers: Numbers

    @property
    def summary(self) -> dict[str, int | str]:
        """The step and its counts, by the names that programs get."""
        return {
            "number": self.step.number,
            "subject": str(self.step),
            "delay_minutes": self.step.delay_minutes,
            "waiting": self.waiting,
            "skipped": self.skipped,
            "sent": self.numbers.sent,
            "delivered": self.numbers.delivered,
            "clickers": self.numbers.clickers,
            "unsubscribes": self.numbers.unsubscribes,
        }


@dataclass(frozen=True, slots=True)
class SeriesNumbers:
    """A series in numbers."""

    states: dict[str, int]  # enrolments by Enrolment.State
    steps: Sequence[StepNumbers]  # in order

    @property
    def entered(self) -> int:
        """How many have ever entered it."""
        return sum(self.states.values())


def numbers_in(series: Series) -> SeriesNumbers:
    """Return who is where in a series, and what became of its steps."""
    steps = list(series.steps.select_related("draft", "version").order_by("position"))
    waiting = _counted(series.enrolments.filter(state=State.ACTIVE).values_list("next_step"))
    passages = Passage.objects.filter(step__in=steps, outcome=Outcome.SKIPPED)
    skipped = _counted(passages.values_list("step"))
    issues = _issues_by_step(steps)
    numbers = numbers_of([pk for ids in issues.values() for pk in ids])
    return SeriesNumbers(
        states=counts_by_state(series),
        steps=[
            StepNumbers(
                step,
                waiting.get(step.pk, 0),
                skipped.get(step.pk, 0),
                together(numbers[pk] for pk in issues.get(step.pk, ())),
            )
            for step in steps
        ],
    )


def counts_by_state(series: Series) -> dict[str, int]:
    """Return how many enrolments a series has in each state."""
    counts = _counted(series.enrolments.values_list("state"))
    return {state.value: counts.get(state.value, 0) for state in State}


def enrolments_of(subscriber: Subscriber) -> Sequence[Enrolment]:
    """Return the series that a subscriber is or was in, the latest first."""
    rows = Enrolment.objects.filter(subscriber=subscriber).order_by("-entered_at", "-pk")
    return list(rows.select_related("series__newsletter__publication", "next_step__draft"))


def passages_of(enrolment: Enrolment) -> Sequence[Passage]:
    """Return the steps that a subscriber is past, in the order of time."""
    rows = Passage.objects.filter(
        subscriber=enrolment.subscriber_id, step__series=enrolment.series_id
    )
    return list(rows.select_related("step__draft", "issue").order_by("at", "pk"))


def _issues_by_step(steps: Sequence[Step]) -> dict[int, list[int]]:
    issues: dict[int, list[int]] = {}
    for step, issue in Version.objects.filter(step__in=steps).values_list("step", "issue"):
        issues.setdefault(step, []).append(issue)
    return issues


def _counted(rows: QuerySet[Any, Any]) -> dict[Any, int]:
    return dict(rows.order_by().annotate(Count("pk")))
