"""The warm-up of a relay that mailbox providers do not know yet. Pure.

Mailbox providers take a new IP address that sends much at once for a spammer's. So the first day
has a small allowance, and each day has more than the day before. No standard says how much: the
published plans of large senders begin with hundreds a day and double at first; some count by the
hour (Twilio SendGrid, "IP warmup"), some for each mailbox provider (Halon, "warmup").

Days are in UTC, as on Valkey's clock. Each attempt to send a message counts.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, log

from digest.relays.throttles.buckets import Bound, Limit, Quota

# An issue of the morning is out by noon, not within a minute and not the next day. So the pace is
# six times what would spread the allowance evenly over the day, and a daily quota ends it.
PACE_HOURS = 4
DOMAIN_SHARE = 0.5  # of the relay's allowance, for any one recipient domain
NOTICE_SHARE = 0.2  # of it, beside it, for mails to one person for which somebody waits
FEWEST_NOTICES = 50  # a day


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


def last_day(warming: Warming) -> date | None:
    """Return the last day (UTC) with a limit; None if the limit outlasts the calendar."""
    if warming.growth == 1 and warming.start < warming.until:
        return None
    if warming.start >= warming.until:
        return warming.started_on
    days = ceil(log(warming.until / warming.start) / log(warming.growth)) + 1
    day = warming.started_on + timedelta(days=min(days, (date.max - warming.started_on).days))
    if allowance(warming, day) is not None:
        return None
    while day > warming.started_on and allowance(warming, day) is None:
        day -= timedelta(days=1)
    return day


def schedule(warming: Warming, most: int = 60) -> list[tuple[date, int]]:
    """Return each day of the warm-up (UTC) with what it allows, at most so many days."""
    days = (warming.started_on + timedelta(days=number) for number in range(most))
    allowances = ((day, allowance(warming, day)) for day in days)
    return [(day, allowed) for day, allowed in allowances if allowed is not None]


def days_to_send(
    warming: Warming, today: date, messages: int, *, spent: int = 0, to_one_domain: int = 0
) -> int | None:
    """Return on how many days from `today` on (UTC) so many messages go out; None: over a year.

    `spent` of today's allowance are gone. `to_one_domain` of the messages go to the largest
    recipient domain, which gets a share of each day (DOMAIN_SHARE).
    """
    remaining, remaining_to_domain = messages, to_one_domain
    for number in range(366):
        allowed = allowance(warming, today + timedelta(days=number))
        if allowed is None:
            return number + 1
        allowed = max(0, allowed - spent) if number == 0 else allowed
        to_domain = min(remaining_to_domain, max(1, int(allowed * DOMAIN_SHARE)))
        to_others = min(remaining - remaining_to_domain, allowed - to_domain)
        remaining_to_domain -= to_domain
        remaining -= to_domain + to_others
        if remaining <= 0:
            return number + 1
    return None


def day_quota(warming: Warming, relay: str, today: date) -> Quota | None:
    """Return the quota of a relay on `today` (UTC); None after the warm-up."""
    allowed = allowance(warming, today)
    return None if allowed is None else _bounds(relay, allowed)[0]


def notice_quota(warming: Warming, relay: str, today: date) -> Quota | None:
    """Return the quota of single notices on `today` (UTC), beside the allowance; None: no limit.

    An issue uses up the allowance of many days: without a quota of its own, a confirmation or a
    password reset would wait until it is out.
    """
    allowed = allowance(warming, today)
    if allowed is None:
        return None
    return Quota(f"warming-notices:{relay}", max(FEWEST_NOTICES, int(allowed * NOTICE_SHARE)))


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
