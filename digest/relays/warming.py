"""The warm-up of a relay that mailbox providers do not know yet. Pure.

Mailbox providers take a new IP address that sends much at once for a spammer's. So the first day
has a small allowance, and each day has more than the day before. No standard says how much: the
published plans of large senders begin with hundreds a day and double at first; some count by the
hour (Twilio SendGrid, "IP warmup"), some for each mailbox provider (Halon, "warmup").

Days are in UTC, as on Valkey's clock. Each attempt to send a message counts.
"""

from dataclasses import dataclass
from datetime import date

from digest.relays.throttles.buckets import Bound, Limit, Quota

# An issue of the morning is out by noon, not within a minute and not the next day. So the pace is
# six times what would spread the allowance evenly over the day, and a daily quota ends it.
PACE_HOURS = 4
DOMAIN_SHARE = 0.5  # of the relay's allowance, for any one recipient domain


@dataclass(frozen=True, slots=True)
class Warming:
    """`start` messages on the first day, `growth` times as many each day, no limit from `until`.

    Messages are counted for each day in UTC, all newsletters together; `started_on` is such a day.
    A growth of 1 stays at `start` for ever.
    """

    started_on: date
    start: int = 1_000
    growth: float = 2.0
    until: int = 1_000_000

    def __post_init__(self) -> None:
        if self.start < 1 or self.growth < 1:
            raise ValueError("a warm-up that begins with nothing, or allows less each day")


def allowance(warming: Warming, today: date) -> int | None:
    """Return how many messages the relay may send on `today` (UTC); None: the warm-up is over.

    Days before `started_on` count as the first day.
    """
    days = max(0, (today - warming.started_on).days)
    try:
        allowed = warming.start * float(warming.growth) ** days
    except OverflowError:
        return None
    return int(allowed) if allowed < warming.until else None


def relay_bounds(warming: Warming, relay: str, today: date) -> tuple[Bound, ...]:
    """Return the daily quota and the pace of a relay on `today` (UTC); empty after the warm-up.

    Their names are the same each day, so that tomorrow's larger allowance continues today's count.
    """
    allowed = allowance(warming, today)
    return () if allowed is None else _bounds(relay, allowed)


def domain_bounds(warming: Warming, relay: str, domain: str, today: date) -> tuple[Bound, ...]:
    """Return the same for a relay's messages to one recipient domain, a share of the allowance."""
    allowed = allowance(warming, today)
    if allowed is None:
        return ()
    return _bounds(f"{relay}:{domain}", max(1, int(allowed * DOMAIN_SHARE)))


def _bounds(name: str, per_day: int) -> tuple[Quota, Limit]:
    """Return the bounds of a daily allowance; the burst is what one minute allows."""
    per_minute = per_day / (PACE_HOURS * 60)
    burst = max(1, round(per_minute))
    return Quota(f"warming-day:{name}", per_day), Limit(f"warming-pace:{name}", per_minute, burst)
