"""Plan the steps that are due: each subscriber into the version of the step that is sent now.

    who may not be mailed has left; who paused waits until they resume, and who is not a member yet
    who has reached the goal has converted; for whom the condition does not hold, goes on or stops
    it is not their hour, or there is an issue on this day: later
    all excluded: planned for, as for an issue, and moved to the next step

Each batch is one transaction: a delivery in the ledger, and the next step for its subscriber, or
neither. After a worker that is killed the next one finds what is due; two at once take different
rows. What the ledger then promises of an issue, it promises of a step.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Case, Exists, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from digest.core import clock, jobs
from digest.core.database.locks import Purpose, share_lock
from digest.core.database.statements import execute
from digest.issues import agenda
from digest.issues.models import Issue
from digest.newsletters.models import Appeal, Newsletter
from digest.newsletters.publicity.states import SENDING
from digest.newsletters.zones import Times
from digest.sending.planning import caps, inserting
from digest.sending.planning.inserting import Plan
from digest.series import conditions, enrolling, moments, versions
from digest.series.models import Enrolment, Outcome, Passage, Series, Step
from digest.series.moments import ANY_HOUR, Hours
from digest.subscribers import audience
from digest.subscribers.models import Subscription

BATCH = 5_000  # subscribers in a transaction

State = Enrolment.State
_NO_ISSUE = (Issue.State.SKIPPED, Issue.State.CANCELLED)
# Who has waited for less than this is looked at again after that; all others the next day.
_LOOK_AGAIN = (
    (timedelta(days=1), timedelta(minutes=10)),
    (timedelta(days=7), timedelta(hours=1)),
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """A step that is due, with what is the same for all its subscribers."""

    step: Step
    version: Issue
    capped: Sequence[Appeal]
    hours: Hours
    issues: Sequence[datetime]  # when the next ones go out, if no step may on the same day
    now: datetime


def plan_due(now: datetime | None = None) -> int:
    """Plan every step that is due of the series that are on; return how many mails that makes.

    A step that fails is logged, hinders no other, and is tried again.
    """
    now = now or clock.now()
    mails = sum(_plan_step(step, now) for step in _due_steps(now))
    if mails:
        jobs.enqueue(jobs.SEND_DELIVERIES)
    return mails


def _due_steps(now: datetime) -> list[Step]:
    due = Enrolment.objects.filter(state=State.ACTIVE, due_at__lte=now)
    steps = Step.objects.filter(
        pk__in=due.values("next_step"), series__active=True, series__newsletter__state__in=SENDING
    )
    joined = steps.select_related(
        *("series__newsletter__publication", "series__newsletter__schedule"),
        *("series__goal_segment__publication", "segment__publication", "version"),
    )
    return list(joined.order_by("pk"))


def _plan_step(step: Step, now: datetime) -> int:
    try:
        due = _prepare(step, now)
        if due is None:
            return 0
        mails, subscribers, last = 0, BATCH, 0
        while subscribers == BATCH:
            planned, subscribers, last = _plan_batch(due, last)
            mails += planned
    except (OperationalError, InterfaceError, SoftTimeLimitExceeded):
        raise
    except Exception:
        log.exception("step not planned", step=step.pk, series=step.series_id)
        return 0
    return mails


def _prepare(step: Step, now: datetime) -> Due | None:
    version = versions.current(step, now)
    if version is None or version.state != Issue.State.SENDING:
        return None
    series = step.series
    hours, issues = ANY_HOUR, list[datetime]()
    if not step.is_immediate:
        if series.hour_from is not None and series.hour_until is not None:
            hours = Hours(series.hour_from, series.hour_until)
        if series.avoids_issues:
            issues = moments_of_issues(series.newsletter, now)
    return Due(step, version, caps.capped_appeals(version), hours, issues, now)


@transaction.atomic
def _plan_batch(due: Due, after: int) -> tuple[int, int, int]:
    """Plan for the next subscribers; return how many mails, how many were due, the last by id."""
    share_lock(Purpose.PLAN_DELIVERIES)  # before their rows: an erasure takes both in this order
    if not _hold_version(due.version):
        return 0, 0, after
    waiting = Enrolment.objects.filter(
        next_step=due.step, state=State.ACTIVE, due_at__lte=due.now, pk__gt=after
    )
    pairs = list(waiting.order_by("pk").values_list("pk", "subscriber")[:BATCH])
    if not pairs:
        return 0, 0, after
    _hold_subscribers([subscriber for _, subscriber in pairs])
    ids = _hold_enrolments([pk for pk, _ in pairs], due)
    rows = Enrolment.objects.filter(pk__in=ids)
    _end_excluded(due, rows)
    _postpone(due, rows)
    active = rows.filter(state=State.ACTIVE, due_at__lte=due.now)
    return _send(due, active), len(pairs), pairs[-1][0]


def _hold_version(version: Issue) -> bool:
    """Hold the version until the transaction ends; False if it is not sent any more."""
    rows = Issue.objects.select_for_update(no_key=True, of=("self",))
    return rows.filter(pk=version.pk, state=Issue.State.SENDING, stands_open=True).exists()


def _hold_subscribers(subscriber_ids: list[int]) -> None:
    """Let nobody delete these subscribers until the transaction ends.

    Before what refers to them, as whoever changes a subscriber does. Django has no FOR KEY SHARE.
    """
    execute(
        "SELECT FROM subscribers_subscriber WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE",
        [subscriber_ids],
    )


def _hold_enrolments(ids: list[int], due: Due) -> list[int]:
    """Hold enrolments that still wait for the step and that nobody else holds; return their ids."""
    rows = Enrolment.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
    waiting = rows.filter(pk__in=ids, next_step=due.step, state=State.ACTIVE)
    return list(waiting.order_by("pk").values_list("pk", flat=True))


def _end_excluded(due: Due, rows: QuerySet[Enrolment]) -> None:
    """End what has no more steps: who may not be mailed, who has reached the goal."""
    newsletter, now = due.version.newsletter, due.now
    subscriber_ids = list(rows.values_list("subscriber", flat=True))
    eligible = _eligible(newsletter, subscriber_ids, now)
    excluded = set(subscriber_ids).difference(eligible.values_list("subscriber", flat=True))
    excluded -= _postpone_paused(rows.filter(subscriber__in=excluded), newsletter.pk, now)
    if due.step.series.trigger == Series.Trigger.SIGN_UP:
        excluded -= _postpone_others(rows.filter(subscriber__in=excluded), newsletter, now)
    enrolling.end(rows.filter(subscriber__in=excluded), State.LEFT, now)
    converted = conditions.at_goal(due.step.series, rows, now)
    enrolling.end(rows.filter(subscriber__in=converted), State.CONVERTED, now)


def _postpone_paused(rows: QuerySet[Enrolment], newsletter_id: int, now: datetime) -> set[int]:
    """Let those wait until the end of their pause who have one; return who, as subscribers."""
    pauses = Subscription.objects.filter(
        newsletter=newsletter_id,
        subscriber=OuterRef("subscriber"),
        state=Subscription.State.ACTIVE,
        paused_until__gt=now,
    )
    paused = list(rows.filter(Exists(pauses)).values_list("subscriber", flat=True))
    until = Subquery(pauses.values("paused_until"))
    # Whoever resumes at this very moment is due in a minute.
    due_at = Coalesce(until, Value(now + timedelta(minutes=1)))
    rows.filter(subscriber__in=paused).update(due_at=due_at)
    return set(paused)


def _postpone_others(rows: QuerySet[Enrolment], newsletter: Newsletter, now: datetime) -> set[int]:
    """Let those wait who may be mailed and are not members yet; return who, as subscribers.

    They are looked at again often at first, as a payment is often known minutes after the sign-up.
    """
    mailable = audience.eligible(newsletter.pk, now).filter(subscriber=OuterRef("subscriber"))
    waiting = list(rows.filter(Exists(mailable)).values_list("subscriber", flat=True))
    due_at = Case(
        *(When(since__gt=now - age, then=Value(now + wait)) for age, wait in _LOOK_AGAIN),
        default=Value(now + timedelta(days=1)),
    )
    rows.filter(subscriber__in=waiting).update(due_at=due_at)
    return set(waiting)


def _postpone(due: Due, rows: QuerySet[Enrolment]) -> None:
    """Let those wait to whom it may not go out at this hour, or on this day."""
    if due.hours == ANY_HOUR and not due.issues:
        return
    newsletter = due.version.newsletter
    home = clock.zone(newsletter.publication.timezone)
    due_rows = rows.filter(due_at__lte=due.now)
    for name in due_rows.values_list("subscriber__timezone", flat=True).distinct():
        zone = clock.zone(name) if name else home
        # In local time, everybody gets an issue on the day that it is from.
        of_issues = home if newsletter.send_in_local_time else zone
        busy_days = {moment.astimezone(of_issues).date() for moment in due.issues}
        moment = moments.next_moment(due.now, zone, due.hours, busy_days)
        if moment > due.now:
            due_rows.filter(subscriber__timezone=name).update(due_at=moment)


def _send(due: Due, rows: QuerySet[Enrolment]) -> int:
    """Plan the mails of those for whom the condition holds, and move everybody on."""
    step, now = due.step, due.now
    waiting = set(rows.values_list("subscriber", flat=True))
    before = set(step.passages.filter(subscriber__in=waiting).values_list("subscriber", flat=True))
    matching = conditions.matching(step, rows, now) - before
    _insert(due, matching)
    skipped = waiting - matching - before
    if step.otherwise == Step.Otherwise.STOP:
        enrolling.end(rows.filter(subscriber__in=skipped), State.STOPPED, now)
    outcomes = [(matching, Outcome.SENT, due.version), (skipped, Outcome.SKIPPED, None)]
    Passage.objects.bulk_create(
        Passage(step=step, subscriber_id=pk, outcome=outcome, issue=issue, at=now)
        for ids, outcome, issue in outcomes
        for pk in sorted(ids)
    )
    enrolling.move_to_next(rows, step, now)
    return len(matching)


def _insert(due: Due, subscriber_ids: Collection[int]) -> None:
    if not subscriber_ids:
        return
    eligible = _eligible(due.version.newsletter, subscriber_ids, due.now)
    plan = Plan(due.version, eligible, Times(due.now, {}), due.capped)
    last: int | None = 0
    while last is not None:
        last = inserting.insert_step(plan, last)


def _eligible(
    newsletter: Newsletter, subscriber_ids: Collection[int], now: datetime
) -> QuerySet[Subscription]:
    rows = audience.eligible(newsletter.pk, now, audience.audience_of(newsletter, now))
    return rows.filter(subscriber__in=list(subscriber_ids))


def moments_of_issues(newsletter: Newsletter, now: datetime) -> list[datetime]:
    """Return when issues went out on the day before, and will on the next ones, wherever it is."""
    begin = now - timedelta(days=1)
    issues = newsletter.issues.filter(Issue.REGULAR).exclude(state__in=_NO_ISSUE)
    issues = issues.select_related("newsletter__publication")
    end = now + timedelta(days=moments.DAYS + 1)
    entries = agenda.entries(issues, [newsletter], begin, end, now)
    return [entry.moment for entry in entries]
