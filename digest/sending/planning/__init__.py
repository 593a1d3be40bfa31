"""Plan an issue: compile it, and insert a delivery for each subscriber (`inserting`).

In bounded steps, each its own transaction. Sending begins with the first step, and goes on while
the others are planned for. After a planner that is killed, the next one continues where it stopped;
two at once do no harm, as a step holds the issue.

Where something is tested, sending begins with the last step, and all steps are one transaction that
holds the issue: a planner that is killed leaves nothing behind, and who would change or stop the
issue meanwhile waits for its end.

Where a newsletter sends in each subscriber's time zone, a delivery is due when it is the slot's
local time in its subscriber's zone, and an issue is planned as soon as it is built: it is that time
in some zone by then. Subscribers who join later, before it is that time in their zone, are planned
for when it is. Who joins after that, and after sending began, waits for the next issue, also where
a planner was killed or workers stood still meanwhile.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.db.models import F, Q, QuerySet

from digest.core import clock, jobs
from digest.core.database import optimizer
from digest.issues import approval, pictures
from digest.issues.models import Issue
from digest.newsletters import catchup, zones
from digest.newsletters.zones import Times
from digest.rendering.compiled import Compiled
from digest.rendering.errors import RenderingError
from digest.sending import control
from digest.sending.compiling import compiled_for
from digest.sending.experiments import assigning
from digest.sending.experiments.assigning import Hold
from digest.sending.models import Chunk, Delivery, SentDelivery
from digest.sending.planning import appeal_reach, caps, inserting
from digest.sending.planning.inserting import Plan
from digest.sending.segmentation import Segmentation, segmentation_of
from digest.subscribers import audience
from digest.subscribers.models import Subscriber, Subscription

log = structlog.get_logger(__name__)

_EVER = datetime.max.replace(tzinfo=UTC)

State = Issue.State


def plan_built(now: datetime | None = None) -> list[Issue]:
    """Plan every built issue whose slot has come; return those that are sending now.

    Also plans for new subscribers of issues that are sent in each subscriber's time zone.
    """
    now = now or clock.now()
    # In subscribers' time zones, it is not built before it is that time in one of them.
    in_local_time = Q(newsletter__send_in_local_time=True, kind=Issue.Kind.SCHEDULED)
    due = Q(send_at__lte=now) | Q(Q(slot__lte=now) | in_local_time, send_at=None)
    reviewed = Q(review_until=None) | Q(review_until__lte=now) | Q(send_at__lte=now)
    waiting = _issues().filter(due, reviewed, state=State.BUILT).order_by("slot", "pk")
    waiting = waiting.exclude(pictures.waits_for_picture(now))
    opened = [issue for issue in waiting if _isolate(issue, _plan, issue, now)]
    interrupted = _issues().filter(state=State.SENDING, planned_through__isnull=False)
    for issue in interrupted.order_by("slot", "pk"):
        _isolate(issue, _continue, issue, now)
    for issue, times in _newly_due(now):
        _isolate(issue, _plan_newcomers, issue, times, now)
    return opened


def _isolate(issue: Issue, plan: Callable[..., Any], *arguments: Any) -> Any:
    """Return what `plan` returns; None if it fails: others are planned, and it is tried again.

    Without a database, or time, no other issue can be planned either, so that is raised.
    """
    try:
        return plan(*arguments)
    except (OperationalError, InterfaceError, SoftTimeLimitExceeded):
        raise
    except Exception:
        log.exception("planning failed", issue=issue.pk)
        return None


def _issues() -> QuerySet[Issue]:
    return Issue.objects.select_related("newsletter__schedule", "newsletter__publication")


def _plan(issue: Issue, now: datetime) -> bool:
    """Plan one issue; False if it cannot be sent, or was stopped or planned meanwhile.

    Where issues have to be approved, a change since the approval stops it too.
    """
    if approval.revoke_if_stale(issue):
        log.warning("approval fell", issue=issue.pk)
        return False
    revision, segmentation = issue.revision, _segmentation(issue)
    if segmentation is None:
        return False
    if issue.revision != revision:
        return False  # its words changed meanwhile: whether they are approved is for the next round
    appeal_reach.record_appeals(issue, segmentation, now)
    if assigning.is_tested(issue):
        if opened := _plan_whole(issue, segmentation, now):
            _begin_sending(issue)
        return opened
    plan = _plan_of(issue, segmentation, now)
    _refresh_statistics()
    step = _step(plan, now, opens=True)
    if step is Step.STOPPED:
        return False
    _begin_sending(issue)
    if step is Step.MORE:
        _plan_rest(plan, now)
    return True


@transaction.atomic
def _plan_whole(issue: Issue, segmentation: Segmentation, now: datetime) -> bool:
    """Plan for all subscribers before the issue is opened; False if it was changed meanwhile.

    Whoever waits for the winner must be known before any mail leaves.
    """
    current = _hold(issue)
    if current is None or current.state != State.BUILT or current.revision != issue.revision:
        return False
    plan = _plan_of(issue, segmentation, now, assigning.begin(issue, now))
    last = inserting.insert_step(plan, 0)
    while last is not None:
        last = inserting.insert_step(plan, last)
    assigning.choose_variants(issue, now)
    Issue.objects.filter(pk=issue.pk).update(state=State.SENDING, planned_at=now)
    return True


class Step(Enum):
    """How a step of planning ended."""

    MORE = "there may be more subscribers"
    FINISHED = "all subscribers have a delivery"
    STOPPED = "the issue was changed, paused or cancelled, or somebody else holds it"


@transaction.atomic
def _step(plan: Plan, now: datetime, *, opens: bool = False) -> Step:
    """Plan for the next subscribers, and note how far that got.

    `opens` the issue with the first of them, so that they get it while the others are planned for.
    """
    issue = plan.issue
    current = _hold(issue)
    if current is None or not _may_plan(current, issue):
        return Step.STOPPED
    last = inserting.insert_step(plan, current.planned_through or 0)
    change: dict[str, Any] = {"planned_through": last}
    if opens:
        change |= {"state": State.SENDING, "planned_at": now}
    Issue.objects.filter(pk=issue.pk).update(**change)
    return Step.FINISHED if last is None else Step.MORE


def _plan_rest(plan: Plan, now: datetime) -> None:
    """Plan for all others. Senders that were faster than a step have ended, and are called."""
    _refresh_statistics()
    while _step(plan, now) is Step.MORE:
        jobs.enqueue(jobs.SEND_DELIVERIES)
        _refresh_statistics()


def _refresh_statistics() -> None:
    """Let the optimizer know what a step reads: what was sent since the last one, too.

    Without that it may compare each subscriber of a step with each delivery of those before: a
    minute and more, in which nothing is left to be sent.
    """
    optimizer.refresh_statistics((Subscriber, Subscription, Chunk, Delivery, SentDelivery))


def _hold(issue: Issue) -> Issue | None:
    """Hold an issue until the transaction ends; None if somebody else does, or its time changed."""
    rows = Issue.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
    return rows.filter(pk=issue.pk, send_at=issue.send_at).first()


def _may_plan(current: Issue, issue: Issue) -> bool:
    """Return whether an issue waits as it was loaded, or is going out and not planned for all."""
    if current.state == State.BUILT:
        return current.revision == issue.revision
    return current.state == State.SENDING and current.planned_through is not None


def _plan_of(
    issue: Issue, segmentation: Segmentation, now: datetime, hold: Hold | None = None
) -> Plan:
    times = _times(issue)
    subscribers = _not_too_late(_eligible(issue, segmentation, now), issue, times)
    capped = caps.capped_appeals(issue)
    return Plan(issue, subscribers, times, capped, hold, began_at=issue.planned_at)


def _continue(issue: Issue, now: datetime) -> None:
    """Plan the rest of an issue that is going out, whose planner was killed."""
    segmentation = _segmentation(issue)
    if segmentation is not None:
        plan = _plan_of(issue, segmentation, now)
        _plan_rest(plan, now)


def _newly_due(now: datetime) -> Iterator[tuple[Issue, Times]]:
    """Yield the issues whose local time came in some zone since they were last planned."""
    sending = _issues().filter(
        state=State.SENDING,
        kind=Issue.Kind.SCHEDULED,
        newsletter__send_in_local_time=True,
        planned_through=None,
        planned_at__lt=F("slot") + zones.WIDEST,
    )
    for issue in sending.order_by("slot", "pk"):
        times = _times(issue)
        since = issue.planned_at or now
        if since < issue.slot <= now or times.between(since, now):
            yield issue, times


def _plan_newcomers(issue: Issue, times: Times, now: datetime) -> None:
    """Plan for subscribers whose time came since it was planned and who have no delivery.

    Not further once it is finished, paused or cancelled: nobody would send it, or settle it.
    """
    since = issue.planned_at
    segmentation = _segmentation(issue)
    if segmentation is None or since is None:
        return
    subscribers = _due_between(_eligible(issue, segmentation, now), times, since, now)
    plan = Plan(issue, subscribers, times, caps.capped_appeals(issue), began_at=since)
    planned = Issue.objects.filter(pk=issue.pk, state=State.SENDING, planned_through=None)
    last: int | None = 0
    while last is not None:
        with transaction.atomic():
            if not planned.select_for_update(no_key=True).exists():
                return
            last = inserting.insert_step(plan, last)
    planned.filter(planned_at=since).update(planned_at=now)


def _compiled(issue: Issue) -> Compiled | None:
    """Compile an issue, or pause it: trying again would not help, and other issues wait behind."""
    try:
        return compiled_for(issue)
    except RenderingError as problem:
        control.pause_with_reason(issue, f"It cannot be rendered: {problem}")
    except DatabaseError:
        raise
    except Exception as problem:
        log.exception("rendering failed in an unexpected way", issue=issue.pk)
        control.pause_with_reason(
            issue, f"It cannot be rendered: {problem!r} (see the workers' log)"
        )
    return None


def _segmentation(issue: Issue) -> Segmentation | None:
    """Return whom each part of an issue is for; None, and the issue is paused, if it cannot be."""
    compiled = _compiled(issue)
    if compiled is None:
        return None
    segmentation = segmentation_of(issue, compiled)
    if segmentation.problem:
        control.pause_with_reason(issue, segmentation.problem)
        return None
    return segmentation


def _eligible(issue: Issue, segmentation: Segmentation, now: datetime) -> QuerySet[Subscription]:
    return audience.eligible(issue.newsletter_id, now, segmentation.audience)


def _times(issue: Issue) -> Times:
    """Return when an issue is due by zone: for all at once, unless it is sent in local time."""
    newsletter = issue.newsletter
    schedule = getattr(newsletter, "schedule", None)
    is_manual = issue.kind == Issue.Kind.MANUAL or issue.send_at
    if not newsletter.send_in_local_time or not schedule or is_manual:
        return Times(issue.goes_at, {})
    return zones.times_of(issue.slot, clock.zone(schedule.timezone))


def _not_too_late(
    subscribers: QuerySet[Subscription], issue: Issue, times: Times
) -> QuerySet[Subscription]:
    """Exclude those whose time was long past when the issue was built for zones further west."""
    newsletter = issue.newsletter
    late = timedelta(minutes=newsletter.late_minutes)
    deadline = issue.built_at - catchup.patience(newsletter.catch_up, late)
    if issue.slot >= deadline or not times.by_zone:
        return subscribers
    return _due_between(subscribers, times, deadline, _EVER)


def _due_between(
    subscribers: QuerySet[Subscription], times: Times, after: datetime, until: datetime
) -> QuerySet[Subscription]:
    """Return the subscribers for whom it is due with after < moment <= until."""
    due_zones = times.between(after, until)
    if after < times.slot <= until:
        pending_zones = times.by_zone.keys() - due_zones
        return subscribers.exclude(subscriber__timezone__in=sorted(pending_zones))
    return subscribers.filter(subscriber__timezone__in=due_zones)


def _begin_sending(issue: Issue) -> None:
    """Call as many senders as there may be; the sweep for an issue that is for nobody."""
    chunks, rows = Chunk.objects.filter(issue=issue), Delivery.objects.filter(issue=issue)
    if not (chunks.exists() or rows.exists()):
        jobs.enqueue(jobs.SWEEP_DELIVERIES)  # it is finished already
        return
    for _ in range(settings.DIGEST_SEND_PARALLEL):
        jobs.enqueue(jobs.SEND_DELIVERIES)
