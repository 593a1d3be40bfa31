"""Switch a series on and off. What would mail many people at once has to be confirmed.

While a series is off, whoever is in it waits, and nobody enters it; deliveries that are planned and
have not gone out wait too. Switched on, it goes on with all that became due meanwhile.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from digest.core import jobs
from digest.core.database.limits import within
from digest.issues.models import Issue
from digest.sending import control
from digest.sending.models import Chunk, Delivery
from digest.series import conditions, enrolling, signs, versions
from digest.series.errors import ManyMailsError, SeriesError
from digest.series.models import Enrolment, Series
from digest.subscribers import growth

State = Issue.State

# How long the inactive are counted, in milliseconds: longer where it decides, so that it is not
# more than a page has shown.
ON_A_PAGE, WHILE_SWITCHING = 500, 20_000


@dataclass(frozen=True, slots=True)
class Forecast:
    """What switching a series on would do."""

    problems: tuple[str, ...]  # why it cannot be switched on
    due: int  # subscribers in it whose next mail would go out at once
    entering: int  # who would enter it now: existing subscribers, or inactive ones

    @property
    def mails(self) -> int:
        """How many mails somebody has to agree to."""
        return self.due + self.entering


def forecast(
    series: Series, now: datetime, *, existing: bool = False, patience: int = ON_A_PAGE
) -> Forecast:
    """Return what switching a series on at `now` would do.

    `existing`: whether those who subscribe already enter it too. Where counting the inactive takes
    longer than `patience` (milliseconds), these are at most all subscribers of the newsletter.
    """
    problems = tuple(problems_of(series, now))
    due = series.enrolments.filter(state=Enrolment.State.ACTIVE, due_at__lte=now).count()
    entering = 0
    if series.trigger == Series.Trigger.SIGN_UP:
        entering = enrolling.outside(series, now).count() if existing else 0
    elif not problems:
        entering = _inactive_outside(series, now, patience)
    return Forecast(problems, due + _waiting_deliveries(series), entering)


def problems_of(series: Series, now: datetime) -> list[str]:
    """Return why a series cannot run; nothing if it can."""
    steps = list(
        series.steps.select_related("version", "segment__publication").order_by("position")
    )
    problems = [] if steps else ["The series has no step."]
    problems += filter(None, (versions.problem_of(step) for step in steps))
    problems += conditions.problems_of(series, steps, now)
    if series.trigger == Series.Trigger.INACTIVE:
        problems += filter(None, [signs.obstacle(series.newsletter, now), _rival(series)])
    return problems


def switch_on(
    series: Series, now: datetime, *, agreed: int | None = None, existing: bool = False
) -> None:
    """Switch a series on; on already, nothing changes.

    Where it mails people at once, somebody has to have `agreed` to at least so many mails. With
    `existing` everybody who subscribes now enters it too. Raises SeriesError where it cannot run,
    and ManyMailsError.
    """
    with transaction.atomic():
        locked = Series.objects.select_for_update(of=("self",)).get(pk=series.pk)
        locked.newsletter = series.newsletter
        if not locked.active:
            expected = forecast(locked, now, existing=existing, patience=WHILE_SWITCHING)
            _require_agreement(expected, agreed)
            Series.objects.filter(pk=series.pk).update(active=True, switched_at=now)
            if existing and locked.trigger == Series.Trigger.SIGN_UP:
                enrolling.enrol_existing(locked, now)
            for version in _versions(series).filter(state=State.PAUSED, reason=versions.OFF):
                control.resume(version)
    series.refresh_from_db()
    jobs.enqueue(jobs.PLAN_SERIES)
    jobs.enqueue(jobs.ASK_INACTIVE)


@transaction.atomic
def switch_off(series: Series, now: datetime) -> None:
    """Switch a series off: nothing of it is sent any more, from this second on."""
    Series.objects.filter(pk=series.pk, active=True).update(active=False, switched_at=now)
    for version in _versions(series).filter(state=State.SENDING):
        control.pause_with_reason(version, versions.OFF)
    series.refresh_from_db()


def _require_agreement(expected: Forecast, agreed: int | None) -> None:
    if expected.problems:
        raise SeriesError(" ".join(expected.problems))
    if expected.mails > (agreed or 0):
        raise ManyMailsError(expected.mails, agreed)


def _versions(series: Series) -> QuerySet[Issue]:
    return Issue.objects.filter(version_of__step__series=series).order_by("pk")


def _waiting_deliveries(series: Series) -> int:
    """Return how many mails wait in versions that were paused when the series was switched off."""
    paused = _versions(series).filter(state=State.PAUSED, reason=versions.OFF)
    untried = sum(Chunk.objects.filter(issue__in=paused).values_list("size", flat=True))
    rows = Delivery.objects.filter(issue__in=paused, state__in=Delivery.DUE)
    return untried + rows.count()


def _inactive_outside(series: Series, now: datetime, patience: int) -> int:
    inactive = signs.inactive(series.newsletter, now)
    outside = inactive.filter(pk__in=enrolling.outside(series, now).values("pk"))
    number = within(patience, outside.count)
    if number is None:
        return growth.list_sizes([series.newsletter_id])[series.newsletter_id]
    return number


def _rival(series: Series) -> str:
    rivals = series.newsletter.series.filter(active=True, trigger=series.trigger)
    rival = rivals.exclude(pk=series.pk).first()
    return f"“{rival}” is on already, for the same inactive subscribers." if rival else ""
