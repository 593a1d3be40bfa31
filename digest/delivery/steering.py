"""Pause, resume and cancel an edition. It holds for every message not yet begun, on all workers."""

from datetime import datetime

import structlog
from django.db.models import QuerySet

from digest.core import jobs
from digest.delivery import sweeping
from digest.delivery.errors import DeliveryError
from digest.editions.models import Edition

log = structlog.get_logger(__name__)

State = Edition.State


def pause(edition: Edition) -> None:
    """Hold an edition back; raise DeliveryError if it isn't going out."""
    _move(edition, [State.BUILT, State.SENDING], "paused", state=State.PAUSED)


def resume(edition: Edition) -> None:
    """Let a paused edition go on where it stopped; raise DeliveryError if it isn't paused."""
    planned = _current(edition).planned_at is not None
    state = State.SENDING if planned else State.BUILT
    _move(edition, [State.PAUSED], "resumed", state=state, reason="")
    jobs.enqueue(jobs.SEND_DELIVERIES if planned else jobs.PLAN_EDITIONS)


def cancel(edition: Edition, reason: str, now: datetime) -> int:
    """Stop an edition for good; return how many readers will not get it.

    Raises DeliveryError if it is over already.
    """
    _move(
        edition,
        [State.DRAFT, State.BUILT, State.SENDING, State.PAUSED],
        "cancelled",
        state=State.CANCELLED,
        reason=reason,
        finished_at=now,
    )
    return sweeping.settle_cancelled(now)


def set_aside(edition: Edition, reason: str) -> None:
    """Pause an edition that cannot go on by itself; an editor reads why, mends it, resumes it."""
    log.error("edition paused", edition=edition.pk, reason=reason)
    _row(edition).filter(state__in=[State.BUILT, State.SENDING]).update(
        state=State.PAUSED, reason=reason
    )


def _move(edition: Edition, allowed: list[State], verb: str, **change: object) -> None:
    """Change the edition's state if it is one of those allowed at this very moment."""
    if not _row(edition).filter(state__in=allowed).update(**change):
        state = State(_current(edition).state)
        raise DeliveryError(f"Edition {edition.pk} cannot be {verb}: it is {state.value}.")
    edition.refresh_from_db()


def _row(edition: Edition) -> QuerySet[Edition]:
    return Edition.objects.filter(pk=edition.pk)


def _current(edition: Edition) -> Edition:
    return _row(edition).get()
