"""A slow start for a relay that mailbox providers do not know yet. Pure.

Whoever sends from an address without a past is taken for a spammer if much comes at once, so the
first day has a small allowance, and each day more than the day before. No standard says how much:
the published plans of large senders begin with hundreds a day and double at first, count by the
hour (Twilio SendGrid, "IP warmup") and for each mailbox provider apart (Halon, "warmup").

Days are UTC's, as Valkey's clock has them. A message counts each time it is tried.
"""

from dataclasses import dataclass
from datetime import date

from digest.relays.throttles.buckets import Bound, Limit, Quota

# A morning's issue is out by noon, rather than in a minute or the next day. So the pace is six
# times what would spread the allowance evenly over the day, and a quota ends it when it is spent.
PACE_HOURS = 4
DOMAIN_SHARE = 0.5  # of the relay's allowance, for any one recipient domain


@dataclass(frozen=True, slots=True)
class Warming:
    """`start` messages on the first day, `growth` times as many each day, no limit from `until`.

    Messages are counted for a UTC day, all newsletters together; `started_on` is such a day. A
    growth of 1 stays at `start` for ever.
    """

    started_on: date
    start: int = 1_000
    growth: float = 2.0
    until: int = 1_000_000

    def __post_init__(self) -> None:
        if self.start < 1 or self.growth < 1:
            raise ValueError("a relay that begins with nothing, or sends less each day")


def allowance(warming: Warming, today: date) -> int | None:
    """Return how many messages the relay may send on `today` (UTC); None: no limit any more.

    Before the first day it is as on the first day.
    """
    days = max(0, (today - warming.started_on).days)
    try:
        allowed = warming.start * float(warming.growth) ** days
    except OverflowError:
        return None
    return int(allowed) if allowed < warming.until else None


def relay_bounds(warming: Warming, relay: str, today: date) -> tuple[Bound, ...]:
    """Return what bounds all messages of a relay on `today`: nothing once it is warm.

    A quota for the day and a pace. The names are the same each day: an allowance that has grown
    takes up where yesterday's was.
    """
    allowed = allowance(warming, today)
    return () if allowed is None else _bounds(relay, allowed)


def domain_bounds(warming: Warming, relay: str, domain: str, today: date) -> tuple[Bound, ...]:
    """Return what bounds a relay's messages to one domain: its share of the allowance."""
    allowed = allowance(warming, today)
    if allowed is None:
        return ()
    return _bounds(f"{relay}:{domain}", max(1, int(allowed * DOMAIN_SHARE)))


def _bounds(name: str, per_day: int) -> tuple[Quota, Limit]:
    """Return the bounds of an allowance; the most at once is what a minute gives."""
    per_minute = per_day / (PACE_HOURS * 60)
    burst = max(1, round(per_minute))
    return Quota(f"warming-day:{name}", per_day), Limit(f"warming-pace:{name}", per_minute, burst)
