"""How the relay is doing: when it is down, nobody knocks until its rest is over."""

from datetime import datetime, timedelta

from django.db.models import F

from digest.delivery.models import Relay

NAME = "default"
SHORTEST, LONGEST = timedelta(seconds=5), timedelta(minutes=5)


def resting(now: datetime) -> bool:
    """Say whether the relay was down a moment ago and is not to be tried again yet."""
    return Relay.objects.filter(name=NAME, retry_at__gt=now).exists()


def note_down(problem: str, now: datetime) -> None:
    """Record that the relay is down, and let it rest: longer each time in a row."""
    relay, _ = Relay.objects.get_or_create(name=NAME)
    Relay.objects.filter(pk=relay.pk).update(
        failures=F("failures") + 1,
        down_since=relay.down_since or now,
        retry_at=now + rest(relay.failures),
        problem=problem[:500],
    )


def note_up() -> None:
    """Record that the relay took a message."""
    Relay.objects.filter(name=NAME, failures__gt=0).update(
        failures=0, down_since=None, retry_at=None, problem=""
    )


def rest(failures: int) -> timedelta:
    """Return how long to leave the relay alone after so many failures before this one."""
    longer: int = 2 ** min(failures, 10)
    return min(SHORTEST * longer, LONGEST)
