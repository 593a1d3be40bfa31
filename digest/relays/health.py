"""Whether a relay is up. After a failure nobody connects to it until its backoff is over."""

from datetime import datetime, timedelta

from django.db.models import F

from digest.core.backoff import Backoff
from digest.relays.errors import TransportError
from digest.relays.models import Relay

LONGEST_WAIT = timedelta(hours=1)  # that a relay may ask for; then it is asked again
BACKOFF = Backoff.doubling(timedelta(seconds=5), timedelta(minutes=5))


def record_failure(relay: Relay, problem: TransportError, now: datetime) -> None:
    """Record that the relay is down and when to try it again: later with each failure in a row.

    Not before the time that it asked for itself (Retry-After), an hour at most. Several senders
    notice the same outage: failures during the backoff count as one.
    """
    row = Relay.objects.filter(pk=relay.pk)
    failures = row.values_list("failures", flat=True).first() or 0
    wait = min(timedelta(seconds=min(problem.retry_after, 1e6)), LONGEST_WAIT)
    row.exclude(retry_at__gt=now).update(
        failures=F("failures") + 1,
        retry_at=now + max(wait, BACKOFF.wait(failures + 1)),
        problem=str(problem)[:500],
    )
    row.filter(down_since=None).update(down_since=now)


def record_success(relay: Relay) -> None:
    """Record that the relay accepted a message."""
    Relay.objects.filter(pk=relay.pk, failures__gt=0).update(
        failures=0, down_since=None, retry_at=None, problem=""
    )
