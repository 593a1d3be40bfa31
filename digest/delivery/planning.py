"""Plan an edition: compile it, and lay down one delivery for each reader.

Set-based and in bounded steps, each its own transaction. A planner that is killed is followed by
one that goes on where it stopped; two at once do no harm, a reader has one row an edition.

Where a newsletter goes by its readers' clocks, a row is due when the slot's local time comes in its
reader's zone, and an edition is planned as soon as it is built: that time has come to somebody. Who
subscribes after that, and before it comes to them, is looked for when it has come.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import F, Max, Q, QuerySet

from digest.core import clock, jobs
from digest.delivery import steering
from digest.delivery.choosing import shelf_of
from digest.delivery.compiling import compiled_for
from digest.delivery.models import Delivery
from digest.editions import approving
from digest.editions.models import Edition
from digest.newsletters import catchup, zones
from digest.newsletters.zones import Times
from digest.rendering.compiled import Compiled
from digest.rendering.errors import RenderingError
from digest.subscribers import audience
from digest.subscribers.models import Subscription

log = structlog.get_logger(__name__)

STEP = 50_000  # readers
_EVER = datetime.max.replace(tzinfo=UTC)

State = Edition.State


def plan_built(now: datetime | None = None) -> list[Edition]:
    """Plan every edition that is built and whose slot has come; return those now going out.

    Newcomers to those that go by their readers' clocks are planned for as well.
    """
    now = now or clock.now()
    # By readers' clocks, it is built no sooner than its time has come to one of them.
    by_readers = Q(newsletter__readers_time=True, kind=Edition.Kind.SCHEDULED)
    come = Q(send_at__lte=now) | Q(Q(slot__lte=now) | by_readers, send_at=None)
    off_the_desk = Q(desk_until=None) | Q(desk_until__lte=now) | Q(send_at__lte=now)
    waiting = _editions().filter(come, off_the_desk, state=State.BUILT).order_by("slot", "pk")
    opened = [edition for edition in waiting if _plan(edition, now)]
    for edition, times in _under_way(now):
        _plan_newcomers(edition, times, now)
    return opened


def _editions() -> QuerySet[Edition]:
    return Edition.objects.select_related(
        "newsletter__schedule", "newsletter__publication", "appeal"
    )


def _plan(edition: Edition, now: datetime) -> bool:
    """Plan one edition; False if it cannot be rendered or somebody stopped or planned it.

    Where it has to be approved, a word about it that changed since then stops it too.
    """
    if approving.fell(edition):
        log.warning("approval fell", edition=edition.pk)
        return False
    compiled = _compiled(edition)
    if compiled is None:
        return False
    times = _times(edition)
    readers = _not_too_late(_eligible(edition, compiled, now), edition, times)
    after = Delivery.objects.filter(edition=edition).aggregate(at=Max("subscriber"))["at"] or 0
    _lay_down(edition, readers, times, after)
    _tell_the_optimizer()
    return _open(edition, now)


def _under_way(now: datetime) -> Iterator[tuple[Edition, Times]]:
    """Yield the editions that came to readers somewhere since they were planned, or looked at."""
    ahead = _editions().filter(
        state=State.SENDING,
        kind=Edition.Kind.SCHEDULED,
        newsletter__readers_time=True,
        planned_at__lt=F("slot") + zones.WIDEST,
    )
    for edition in ahead.order_by("slot", "pk"):
        times = _times(edition)
        since = edition.planned_at or now
        if since < edition.slot <= now or times.between(since, now):
            yield edition, times


def _plan_newcomers(edition: Edition, times: Times, now: datetime) -> None:
    """Lay down rows for those to whom it came since it was planned, and who have none."""
    since = edition.planned_at
    compiled = _compiled(edition)
    if compiled is None or since is None:
        return
    readers = _whose_time_is(_eligible(edition, compiled, now), times, since, now)
    _lay_down(edition, readers, times)
    Edition.objects.filter(pk=edition.pk, planned_at=since).update(planned_at=now)


def _compiled(edition: Edition) -> Compiled | None:
    """Compile an edition, or set it aside: trying again would not help, and others wait behind."""
    try:
        return compiled_for(edition)
    except RenderingError as problem:
        steering.set_aside(edition, f"It cannot be rendered: {problem}")
    except DatabaseError:
        raise
    except Exception as problem:
        log.exception("rendering failed in an unexpected way", edition=edition.pk)
        steering.set_aside(edition, f"It cannot be rendered: {problem!r} (see the workers' log)")
    return None


def _eligible(edition: Edition, compiled: Compiled, now: datetime) -> QuerySet[Subscription]:
    issue = shelf_of(edition, compiled).issue
    return audience.eligible(edition.newsletter_id, now, issue)


def _times(edition: Edition) -> Times:
    """Return when an edition comes to whom: for all at once, unless it goes by readers' clocks."""
    newsletter = edition.newsletter
    schedule = getattr(newsletter, "schedule", None)
    by_hand = edition.kind == Edition.Kind.MANUAL or edition.send_at
    if not newsletter.readers_time or not schedule or by_hand:
        return Times(edition.goes_at, {})
    return zones.everywhere(edition.slot, clock.zone(schedule.timezone))


def _not_too_late(
    readers: QuerySet[Subscription], edition: Edition, times: Times
) -> QuerySet[Subscription]:
    """Leave out whose time was long past when the edition was built for readers further west."""
    newsletter = edition.newsletter
    late = timedelta(minutes=newsletter.late_minutes)
    deadline = edition.built_at - catchup.patience(newsletter.catch_up, late)
    if edition.slot >= deadline or not times.elsewhere:
        return readers
    return _whose_time_is(readers, times, deadline, _EVER)


def _whose_time_is(
    readers: QuerySet[Subscription], times: Times, after: datetime, until: datetime
) -> QuerySet[Subscription]:
    """Return the readers to whom it comes with after < moment <= until."""
    there = times.between(after, until)
    if after < times.slot <= until:
        elsewhere = times.elsewhere.keys() - there
        return readers.exclude(subscriber__timezone__in=sorted(elsewhere))
    return readers.filter(subscriber__timezone__in=there)


def _lay_down(
    edition: Edition, readers: QuerySet[Subscription], times: Times, after: int = 0
) -> None:
    """Lay down rows for readers beyond an id who have none."""
    while (last := _step(edition, readers, times, after)) is not None:
        after = last


def _step(
    edition: Edition, readers: QuerySet[Subscription], times: Times, after: int
) -> int | None:
    """Lay down rows for the next readers by id; return the last of them, None at the end."""
    some = readers.filter(subscriber__gt=after).order_by("subscriber")
    moments: list[Any] = [times.slot]
    if times.elsewhere:
        query, parameters = _sql(some.values("subscriber_id", zone=F("subscriber__timezone")))
        query = _INSERT.format(readers=query, due=_IN_ZONE, zones=_ZONES)
        moments += [list(times.elsewhere), list(times.elsewhere.values())]
    else:
        query, parameters = _sql(some.values("subscriber_id"))
        query = _INSERT.format(readers=query, due="%s", zones="")
    with connection.cursor() as cursor:
        cursor.execute(query, [*parameters, edition.pk, *moments])
        (last,) = cursor.fetchone()
    return None if last is None else int(last)


_INSERT = """
WITH readers AS MATERIALIZED ({readers}), added AS (
    INSERT INTO delivery_delivery
        (edition_id, subscriber_id, state, due_at, attempts, doubts, reply)
    SELECT %s, subscriber_id, 0, {due}, 0, 0, '' FROM readers {zones}
    ON CONFLICT (edition_id, subscriber_id) DO NOTHING
)
SELECT max(subscriber_id) FROM readers
"""
_IN_ZONE = "coalesce(moments.due_at, %s)"
_ZONES = "LEFT JOIN unnest(%s::text[], %s::timestamptz[]) AS moments(zone, due_at) USING (zone)"


def _sql(readers: QuerySet[Any]) -> tuple[str, list[Any]]:
    query, parameters = readers[:STEP].query.sql_with_params()
    return query, list(parameters)


def _tell_the_optimizer() -> None:
    """Count the new rows: until then each claim of a large edition would sort all of it."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE delivery_delivery")


def _open(edition: Edition, now: datetime) -> bool:
    """Let the edition go out, unless it was changed, paused or cancelled meanwhile."""
    waiting = Edition.objects.filter(
        pk=edition.pk, state=State.BUILT, revision=edition.revision, send_at=edition.send_at
    )
    opened = waiting.update(state=State.SENDING, planned_at=now)
    if not opened:
        return False
    if not Delivery.objects.filter(edition=edition).exists():
        jobs.enqueue(jobs.SWEEP_DELIVERIES)  # nobody to send to: it is finished already
        return True
    for _ in range(settings.DIGEST_SEND_PARALLEL):
        jobs.enqueue(jobs.SEND_DELIVERIES)
    return True
