"""How the warm-up of a relay goes: what each day allows, what was sent, and when it ends.

A job notes every few minutes what Valkey has counted, so that the days before today are known.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from digest.relays import rate_limits, registry, warming
from digest.relays.errors import ThrottleUnavailableError
from digest.relays.models import Relay
from digest.relays.throttles import buckets
from digest.relays.warming import Warming
from digest.reputation.models import RelayDay

MOST_DAYS = 60  # days of a table, from the first


@dataclass(frozen=True, slots=True)
class Day:
    """One day (UTC) of a warm-up."""

    day: date
    allowed: int
    sent: int | None  # None: not known, or still to come
    is_today: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a warm-up has come."""

    days: tuple[Day, ...]
    allowed_today: int | None  # None: it is over
    sent_today: int
    last_day: date | None  # None: it never ends


def note_sent(now: datetime) -> int:
    """Note what the relays in their warm-up have sent today; return how many relays.

    Raises ThrottleUnavailableError where Valkey does not answer.
    """
    rows = Relay.objects.filter(warming_since__isnull=False)
    return sum(_note(relay, now.date()) for relay in rows)


def progress(relay: Relay, plan: Warming, now: datetime) -> Progress:
    """Return how the warm-up of a relay goes; `now` is aware."""
    today = now.date()
    with suppress(ThrottleUnavailableError):  # what was noted before is shown
        _note(relay, today)
    sent = dict(
        RelayDay.objects.filter(relay=relay, day__gte=plan.started_on).values_list(
            "day", "messages"
        )
    )
    days = [
        Day(day, allowed, sent.get(day), is_today=day == today)
        for day, allowed in warming.schedule(plan, MOST_DAYS)
    ]
    return Progress(
        tuple(days), warming.allowance(plan, today), sent.get(today, 0), warming.last_day(plan)
    )


def days_to_send(
    plan: Warming, now: datetime, messages: int, *, spent: int = 0, to_one_domain: int = 0
) -> tuple[int, date] | None:
    """Return on how many days so many messages go out, and the last of them; None: over a year."""
    today = now.date()
    days = warming.days_to_send(plan, today, messages, spent=spent, to_one_domain=to_one_domain)
    return None if days is None else (days, today + timedelta(days=days - 1))


def _note(relay: Relay, today: date) -> bool:
    plan = registry.warming_of(relay)
    quota = warming.day_quota(plan, rate_limits.key_of(relay), today) if plan else None
    if quota is None:
        return False
    spent = buckets.spent_today(quota)
    row, is_new = RelayDay.objects.get_or_create(
        relay=relay, day=today, defaults={"messages": spent}
    )
    if not is_new and spent > row.messages:
        row.messages = spent
        row.save(update_fields=["messages"])
    return True
