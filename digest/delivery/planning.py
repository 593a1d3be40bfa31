"""Plan an edition: compile it, and lay down one delivery for each reader.

Set-based and in bounded steps, each its own transaction. A planner that is killed is followed by
one that goes on where it stopped; two at once do no harm, a reader has one row an edition.
"""

from datetime import datetime

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Max

from digest.core import clock, jobs
from digest.delivery import steering
from digest.delivery.choosing import shelf_of
from digest.delivery.compiling import compiled_for
from digest.delivery.models import Delivery
from digest.editions.models import Edition
from digest.rendering.compiled import Compiled
from digest.rendering.errors import RenderingError
from digest.subscribers import audience
from digest.subscribers.audience import Issue

log = structlog.get_logger(__name__)

STEP = 50_000  # readers

State = Edition.State


def plan_built(now: datetime | None = None) -> list[Edition]:
    """Plan every edition that is built and whose slot has come; return those now going out."""
    now = now or clock.now()
    waiting = Edition.objects.filter(state=State.BUILT, slot__lte=now).order_by("slot", "pk")
    return [edition for edition in waiting if _plan(edition, now)]


def _plan(edition: Edition, now: datetime) -> bool:
    """Plan one edition; False if it cannot be rendered or somebody stopped or planned it."""
    compiled = _compiled(edition)
    if compiled is None:
        return False
    issue = shelf_of(edition, compiled).issue
    after = Delivery.objects.filter(edition=edition).aggregate(at=Max("subscriber"))["at"] or 0
    while (last := _step(edition, issue, after, now)) is not None:
        after = last
    _tell_the_optimizer()
    return _open(edition, now)


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


def _step(edition: Edition, issue: Issue, after: int, now: datetime) -> int | None:
    """Lay down rows for the next readers by id; return the last of them, None at the end."""
    readers = audience.eligible(edition.newsletter_id, now, issue).filter(subscriber__gt=after)
    some = readers.order_by("subscriber").values("subscriber_id")[:STEP]
    query, parameters = some.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_INSERT.format(readers=query), [*parameters, edition.pk, edition.slot])
        (last,) = cursor.fetchone()
    return None if last is None else int(last)


_INSERT = """
WITH readers AS MATERIALIZED ({readers}), added AS (
    INSERT INTO delivery_delivery
        (edition_id, subscriber_id, state, due_at, attempts, doubts, reply)
    SELECT %s, subscriber_id, 0, %s, 0, 0, '' FROM readers
    ON CONFLICT (edition_id, subscriber_id) DO NOTHING
)
SELECT max(subscriber_id) FROM readers
"""


def _tell_the_optimizer() -> None:
    """Count the new rows: until then each claim of a large edition would sort all of it."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE delivery_delivery")


def _open(edition: Edition, now: datetime) -> bool:
    """Let the edition go out, unless it was paused or cancelled meanwhile."""
    opened = Edition.objects.filter(pk=edition.pk, state=State.BUILT).update(
        state=State.SENDING, planned_at=now
    )
    if not opened:
        return False
    if not Delivery.objects.filter(edition=edition).exists():
        jobs.enqueue(jobs.SWEEP_DELIVERIES)  # nobody to send to: it is finished already
        return True
    for _ in range(settings.DIGEST_SEND_PARALLEL):
        jobs.enqueue(jobs.SEND_DELIVERIES)
    return True
