"""Asking the connected services: every six hours, of the last ten days, which they still change."""

from datetime import datetime, timedelta

import structlog
from django.db import transaction

from digest.core.backoff import Backoff
from digest.core.database import leases
from digest.core.errors import DigestError
from digest.reputation.models import ServiceConnection, ServiceReading
from digest.reputation.services.base import Answer, Period
from digest.reputation.services.connecting import account_of
from digest.reputation.services.kinds import KINDS

log = structlog.get_logger(__name__)

EVERY = timedelta(hours=6)
BACK = timedelta(days=10)
LEASE = timedelta(minutes=10)
_BACKOFF = Backoff.doubling(timedelta(hours=1), timedelta(days=1))
_VALUES = (
    *("mails", "spam_share", "dkim_share", "dmarc_share", "error_share", "color", "trap_hits"),
)


def collect_due(now: datetime) -> int:
    """Ask the services that are due; return how many. Failures wait longer each."""
    due = ServiceConnection.objects.filter(due_at__lte=now).order_by("due_at")
    rows = leases.postpone(due, now + LEASE, len(KINDS))
    for row in rows:
        try:
            collect(row, now)
        except DigestError as problem:
            log.warning("service not asked", kind=row.kind, problem=str(problem))
    return len(rows)


def collect(connection: ServiceConnection, now: datetime) -> int:
    """Ask a service and store its readings; return how many.

    Raises a DigestError that says what to check, after it was stored.
    """
    try:
        period = Period((now - BACK).date(), now.date(), now)
        answer = KINDS[connection.kind].fetch(account_of(connection), period)
    except DigestError as problem:
        connection.failures += 1
        connection.problem = str(problem)[:500]
        connection.due_at = now + _BACKOFF.wait(connection.failures)
        connection.save(update_fields=["failures", "problem", "due_at"])
        raise
    _store(connection, answer, now)
    return len(answer.readings)


@transaction.atomic
def _store(connection: ServiceConnection, answer: Answer, now: datetime) -> None:
    rows = {
        (reading.subject, reading.day): ServiceReading(
            kind=connection.kind,
            subject=reading.subject[:255],
            day=reading.day,
            **{name: getattr(reading, name) for name in _VALUES},
        )
        for reading in answer.readings
    }
    ServiceReading.objects.bulk_create(
        rows.values(),
        update_conflicts=True,
        unique_fields=["kind", "subject", "day"],
        update_fields=_VALUES,
    )
    connection.failures, connection.problem = 0, ""
    connection.unmet = list(answer.unmet)[:50]
    connection.collected_at, connection.due_at = now, now + EVERY
    connection.save()
