"""When a newsletter goes out: from days and a time, or a cron line, to slots in UTC. Pure.

Days and a time are a cron line too, so one reader of cron lines serves both. It keeps two rules
for lines that name an hour (those of Debian's cron): a local time that DST skips goes out at the
next valid minute, one that comes twice goes out once. Lines that go by the minute or the hour keep
firing in real time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from digest.core import clock
from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import Schedule

# Started in the middle of a repeated hour, cronsim would give its times once more.
_RUN_UP = timedelta(hours=26)


@dataclass(frozen=True, slots=True)
class Rule:
    """A cron line in a zone."""

    cron: str
    timezone: ZoneInfo


def rule_of(schedule: Schedule) -> Rule:
    """Return a schedule as a rule; raise NewsletterError if it names no moment."""
    cron = schedule.cron or _as_cron(schedule)
    return checked(Rule(cron, clock.zone(schedule.timezone)))


def checked(rule: Rule) -> Rule:
    """Return the rule if it can be read and ever comes true, or raise NewsletterError."""
    if len(rule.cron.split()) != 5:
        raise NewsletterError(
            f"{rule.cron!r} is no cron line; it has five fields: minute hour day month weekday."
        )
    try:
        next(CronSim(rule.cron, datetime(2026, 1, 1, tzinfo=rule.timezone)))
    except CronSimError as cause:
        raise NewsletterError(f"{rule.cron!r} is no cron line: {cause}.") from cause
    except StopIteration as cause:
        raise NewsletterError(f"{rule.cron!r} never comes: there is no such day.") from cause
    return rule


def slots(rule: Rule, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the slots with after < slot <= until, in order, in UTC."""
    for slot in _slots_from(rule, after):
        if slot > until:
            return
        yield slot


def upcoming(rule: Rule, after: datetime, count: int) -> list[datetime]:
    """Return the next `count` slots after a moment, in UTC."""
    return list(islice(_slots_from(rule, after), count))


def _slots_from(rule: Rule, after: datetime) -> Iterator[datetime]:
    last = after
    for local in CronSim(rule.cron, (after - _RUN_UP).astimezone(rule.timezone)):
        slot = local.astimezone(UTC)
        if slot > last:
            last = slot
            yield slot


def _as_cron(schedule: Schedule) -> str:
    if schedule.time is None or not schedule.days:
        raise NewsletterError(f"The schedule of {schedule.newsletter} names no day or no time.")
    # Cron counts from Sunday, Python from Monday.
    days = ",".join(str((day + 1) % 7) for day in sorted(set(schedule.days)))
    return f"{schedule.time.minute} {schedule.time.hour} * * {days}"
