"""How a relay is doing: when it is down, nobody knocks until its rest is over."""

from datetime import datetime, timedelta

from django.db.models import F

from digest.core.backoff import Backoff
from digest.relays.models import Relay

BACKOFF = Backoff.doubling(timedelta(seconds=5), timedelta(minutes=5))


def note_down(relay: Relay, problem: str, now: datetime) -> None:
    """Record that the relay is down, and let it rest: longer each time in a row.

    Several senders find out at the same time: those that come while it rests count as one.
    """
    there = Relay.objects.filter(pk=relay.pk)
    failures = there.values_list("failures", flat=True).first() or 0
    there.exclude(retry_at__gt=now).update(
        failures=F("failures") + 1, retry_at=now + BACKOFF.wait(failures + 1), problem=problem[:500]
    )
    there.filter(down_since=None).update(down_since=now)


def note_up(relay: Relay) -> None:
    """Record that the relay took a message."""
    Relay.objects.filter(pk=relay.pk, failures__gt=0).update(
        failures=0, down_since=None, retry_at=None, problem=""
    )
