"""Whether mail is held: after an older state of the database was restored nothing goes out.

What was sent after that state was saved is unknown to it, and would be sent a second time. So jobs
that send (HELD_JOBS) do nothing until a person has looked and released the hold (digest.recovery).
"""

import uuid
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from digest.core import jobs
from digest.core.database import locks
from digest.core.database.locks import Purpose
from digest.installation import witnesses
from digest.installation.models import Hold, Installation

HELD_JOBS = frozenset(
    {
        jobs.BUILD_ISSUES,
        jobs.PLAN_ISSUES,
        jobs.PLAN_SERIES,
        jobs.SEND_DELIVERIES,
        jobs.SEND_NOTICES,
        jobs.ASK_INACTIVE,
        jobs.DECIDE_EXPERIMENTS,
        jobs.DELIVER_WEBHOOKS,
    }
)
# Since the last beat, before a database that no witness knows is taken for one that was restored
# elsewhere: an installation that runs beats every few seconds, and may lose both witnesses at once.
UNKNOWN_AFTER = timedelta(minutes=5)

log = structlog.get_logger(__name__)


def current() -> Hold | None:
    """Return the hold that nobody has released yet."""
    return Hold.objects.filter(released_at=None).first()


def check(now: datetime) -> Hold | None:
    """Return the current hold; begin one if the data are older than what witnesses saw.

    A hold that somebody asked for may be that of a backup: it gets the graver reason.
    """
    hold = current()
    if hold and hold.reason != Hold.Reason.REQUESTED:
        return hold
    reason = _find_reason(now)
    if hold and reason:
        log.error("mail is held", reason=reason.label)
        Hold.objects.filter(pk=hold.pk, released_at=None).update(reason=reason)
        hold.reason = reason
        return hold
    return begin(reason, now) if reason else hold


def were_restored_since(moment: datetime, now: datetime) -> bool:
    """Say whether older data, or a copy of them, took the place of these after a moment.

    Also once the hold that began for it is released.
    """
    check(now)
    rows = Hold.objects.exclude(reason=Hold.Reason.REQUESTED)
    return rows.filter(began_at__gte=moment).exists()


def begin(reason: Hold.Reason, now: datetime, data_until: datetime | None = None) -> Hold:
    """Hold all mail from now on; return the hold, or the one that another process began.

    `data_until` is when these data end, where that is known better than by the last beat.
    """
    installation = Installation.objects.filter(pk=Installation.ONLY_ROW).first()
    data_until = data_until or (installation.beat_at if installation else None)
    with transaction.atomic():
        locks.lock(Purpose.BEGIN_HOLD)
        if hold := current():
            return hold
        hold = Hold.objects.create(reason=reason, data_until=data_until, began_at=now)
    log.error("mail is held", reason=hold.get_reason_display(), data_until=str(data_until))
    return hold


def expect_restored(key: uuid.UUID, beats: int) -> None:
    """Let the witnesses know more than data that are about to be restored, of `beats` beats.

    So whoever finds them before their hold has begun, begins it: a worker that starts in between,
    or after a restore that failed.
    """
    witnesses.write(key, max(witnesses.read(key).beats or 0, beats + 1))


def begin_restored(data_until: datetime, now: datetime) -> Hold:
    """Hold all mail because a backup was restored whose data end at `data_until`."""
    with transaction.atomic():
        # Those of the backup are another time's.
        Hold.objects.filter(released_at=None).update(released_at=now)
        return begin(Hold.Reason.RESTORED, now, data_until)


def release(hold: Hold, now: datetime) -> None:
    """Let mail go out again; from now on these data are the newest.

    They get another key, so that what witnesses on other machines know of them before holds
    nothing any more.
    """
    with transaction.atomic():
        installation, _created = Installation.objects.select_for_update().get_or_create(
            pk=Installation.ONLY_ROW
        )
        highest = witnesses.read(installation.key).beats or 0
        installation.key = uuid.uuid4()
        installation.beats = max(installation.beats, highest) + 1
        installation.beat_at = now
        installation.save()
        Hold.objects.filter(pk=hold.pk, released_at=None).update(released_at=now)
    witnesses.write(installation.key, installation.beats)


def _find_reason(now: datetime) -> Hold.Reason | None:
    first = Installation.objects.filter(pk=Installation.ONLY_ROW).first()
    if first is None:
        return None  # a new installation
    # Witnesses before the database: it counts first, so they never have more than it has by then.
    testimony = witnesses.read(first.key)
    first.refresh_from_db()
    if testimony.beats is not None:
        return Hold.Reason.RESTORED if testimony.beats > first.beats else None
    if not first.beats or first.beat_at is None:
        return None  # a new one, too
    is_unknown = testimony.complete and now - first.beat_at > UNKNOWN_AFTER
    return Hold.Reason.MOVED if is_unknown else None
