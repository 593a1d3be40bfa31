"""Plan an issue: compile it, and insert one delivery for each subscriber.

Set-based and in bounded steps, each its own transaction. After a planner that is killed, the next
one continues where it stopped; two at once do no harm, as a subscriber has one row for an issue.

Where a newsletter sends in each subscriber's time zone, a row is due when it is the slot's local
time in its subscriber's zone, and an issue is planned as soon as it is built: it is that time in
some zone by then. Subscribers who join later, before it is that time in their zone, are planned for
when it is.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F, Max, Q, QuerySet

from digest.core import clock, jobs
from digest.issues import approval, pictures
from digest.issues.models import Issue
from digest.newsletters import catchup, zones
from digest.newsletters.models import Appeal
from digest.newsletters.zones import Times
from digest.rendering.compiled import Compiled
from digest.rendering.errors import RenderingError
from digest.sending import caps, control
from digest.sending.compiling import compiled_for
from digest.sending.experiments import assigning
from digest.sending.models import SQL_STATES, Delivery
from digest.sending.segmentation import segmentation_of
from digest.subscribers import audience
from digest.subscribers.models import Subscription

log = structlog.get_logger(__name__)

STEP = 50_000  # subscribers
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
    opened = [issue for issue in waiting if _plan(issue, now)]
    for issue, times in _newly_due(now):
        _plan_newcomers(issue, times, now)
    return opened


def _issues() -> QuerySet[Issue]:
    return Issue.objects.select_related("newsletter__schedule", "newsletter__publication")


def _plan(issue: Issue, now: datetime) -> bool:
    """Plan one issue; False if it cannot be rendered, or was stopped or planned meanwhile.

    Where issues have to be approved, a change since the approval stops it too.
    """
    if approval.revoke_if_stale(issue):
        log.warning("approval fell", issue=issue.pk)
        return False
    revision, compiled = issue.revision, _compiled(issue)
    if compiled is None:
        return False
    if issue.revision != revision:
        return False  # its words changed meanwhile: whether they are approved is for the next round
    times = _times(issue)
    subscribers = _not_too_late(_eligible(issue, compiled, now), issue, times)
    after = Delivery.objects.filter(issue=issue).aggregate(at=Max("subscriber"))["at"] or 0
    capped = caps.capped_appeals(issue)
    if after:  # another planner began, perhaps before an editor changed what the issue shows
        caps.apply(issue, capped, 0, after)
    _insert_deliveries(issue, subscribers, times, capped, after)
    assigning.begin(issue, now)
    _analyze_deliveries()
    return _open(issue, now)


def _newly_due(now: datetime) -> Iterator[tuple[Issue, Times]]:
    """Yield the issues whose local time came in some zone since they were last planned."""
    sending = _issues().filter(
        state=State.SENDING,
        kind=Issue.Kind.SCHEDULED,
        newsletter__send_in_local_time=True,
        planned_at__lt=F("slot") + zones.WIDEST,
    )
    for issue in sending.order_by("slot", "pk"):
        times = _times(issue)
        since = issue.planned_at or now
        if since < issue.slot <= now or times.between(since, now):
            yield issue, times


def _plan_newcomers(issue: Issue, times: Times, now: datetime) -> None:
    """Insert deliveries for subscribers whose time came since it was planned and who have none."""
    since = issue.planned_at
    compiled = _compiled(issue)
    if compiled is None or since is None:
        return
    subscribers = _due_between(_eligible(issue, compiled, now), times, since, now)
    _insert_deliveries(issue, subscribers, times, caps.capped_appeals(issue))
    Issue.objects.filter(pk=issue.pk, planned_at=since).update(planned_at=now)


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


def _eligible(issue: Issue, compiled: Compiled, now: datetime) -> QuerySet[Subscription]:
    segmentation = segmentation_of(issue, compiled)
    return audience.eligible(issue.newsletter_id, now, segmentation.audience)


def _times(issue: Issue) -> Times:
    """Return when an issue is due by zone: for all at once, unless it is sent in local time."""
    newsletter = issue.newsletter
    schedule = getattr(newsletter, "schedule", None)
    is_manual = issue.kind == Issue.Kind.MANUAL or issue.send_at
    if not newsletter.send_in_local_time or not schedule or is_manual:
        return Times(issue.goes_at, {})
    return zones.everywhere(issue.slot, clock.zone(schedule.timezone))


def _not_too_late(
    subscribers: QuerySet[Subscription], issue: Issue, times: Times
) -> QuerySet[Subscription]:
    """Exclude those whose time was long past when the issue was built for zones further west."""
    newsletter = issue.newsletter
    late = timedelta(minutes=newsletter.late_minutes)
    deadline = issue.built_at - catchup.patience(newsletter.catch_up, late)
    if issue.slot >= deadline or not times.elsewhere:
        return subscribers
    return _due_between(subscribers, times, deadline, _EVER)


def _due_between(
    subscribers: QuerySet[Subscription], times: Times, after: datetime, until: datetime
) -> QuerySet[Subscription]:
    """Return the subscribers for whom it is due with after < moment <= until."""
    due_zones = times.between(after, until)
    if after < times.slot <= until:
        elsewhere = times.elsewhere.keys() - due_zones
        return subscribers.exclude(subscriber__timezone__in=sorted(elsewhere))
    return subscribers.filter(subscriber__timezone__in=due_zones)


def _insert_deliveries(
    issue: Issue,
    subscribers: QuerySet[Subscription],
    times: Times,
    capped: Sequence[Appeal],
    after: int = 0,
) -> None:
    """Insert deliveries for subscribers with ids above `after` who have none."""
    while (last := _step(issue, subscribers, times, capped, after)) is not None:
        after = last


@transaction.atomic
def _step(
    issue: Issue,
    subscribers: QuerySet[Subscription],
    times: Times,
    capped: Sequence[Appeal],
    after: int,
) -> int | None:
    """Insert rows for the next subscribers by id; return the last of them, None at the end."""
    last = _insert_step(issue, subscribers, times, after)
    if last is not None:
        caps.apply(issue, capped, after, last)
    return last


def _insert_step(
    issue: Issue, subscribers: QuerySet[Subscription], times: Times, after: int
) -> int | None:
    page = subscribers.filter(subscriber__gt=after).order_by("subscriber")
    moments: list[Any] = [times.slot]
    if times.elsewhere:
        query, parameters = _sql(page.values("subscriber_id", zone=F("subscriber__timezone")))
        query = _INSERT.format(subscribers=query, due_at=_IN_ZONE, zones=_ZONES, **SQL_STATES)
        moments += [list(times.elsewhere), list(times.elsewhere.values())]
    else:
        query, parameters = _sql(page.values("subscriber_id"))
        query = _INSERT.format(subscribers=query, due_at="%s", zones="", **SQL_STATES)
    with connection.cursor() as cursor:
        cursor.execute(query, [*parameters, issue.pk, *moments])
        (last,) = cursor.fetchone()
    return None if last is None else int(last)


_INSERT = """
WITH subscribers AS MATERIALIZED ({subscribers}), added AS (
    INSERT INTO sending_delivery
        (issue_id, subscriber_id, state, due_at, attempts, times_uncertain, reply)
    SELECT %s, subscriber_id, {queued}, {due_at}, 0, 0, '' FROM subscribers {zones}
    ON CONFLICT (issue_id, subscriber_id) DO NOTHING
)
SELECT max(subscriber_id) FROM subscribers
"""
_IN_ZONE = "coalesce(moments.due_at, %s)"
_ZONES = "LEFT JOIN unnest(%s::text[], %s::timestamptz[]) AS moments(zone, due_at) USING (zone)"


def _sql(subscribers: QuerySet[Any]) -> tuple[str, list[Any]]:
    query, parameters = subscribers[:STEP].query.sql_with_params()
    return query, list(parameters)


def _analyze_deliveries() -> None:
    """Update the optimizer's statistics: without them a claim of a large issue sorts all of it."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sending_delivery")


def _open(issue: Issue, now: datetime) -> bool:
    """Start sending the issue, unless it was changed, paused or cancelled meanwhile."""
    waiting = Issue.objects.filter(
        pk=issue.pk, state=State.BUILT, revision=issue.revision, send_at=issue.send_at
    )
    opened = waiting.update(state=State.SENDING, planned_at=now)
    if not opened:
        return False
    if not Delivery.objects.filter(issue=issue).exists():
        jobs.enqueue(jobs.SWEEP_DELIVERIES)  # nobody to send to: it is finished already
        return True
    for _ in range(settings.DIGEST_SEND_PARALLEL):
        jobs.enqueue(jobs.SEND_DELIVERIES)
    return True
