"""When a newsletter goes out: from days and a time, or a cron line, to slots in UTC. Pure.

Days and a time are a cron line too, so one subscriber of cron lines serves both. It keeps two rules
for a line that names hours: a local time that DST skips goes out at the next valid minute, one
that comes twice goes out once, the first time. A line for every hour keeps firing in real time.
cronsim reads lines and steps through the calendar; the rules about DST are ours, because it takes
`*/30 1 * * *` for a line that names no hour, and lets a date that a zone left out spill over.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from digest.core import clock
from digest.core.errors import DigestError
from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import Newsletter, Schedule

LONGEST = 200  # characters of a cron line, as the database holds it
_EVERY_HOUR = set(range(24))
_MINUTE = timedelta(minutes=1)
_SKIPPED_AT_MOST = timedelta(hours=3)  # by any zone's clocks at once; Troll's go by two


_INSTANT = timedelta(microseconds=1)
_SPANS = [timedelta(days=days) for days in (0.1, 1, 8, 32, 366)]  # short ones first: cheaper


@dataclass(frozen=True, slots=True)
class Rule:
    """A cron line in a zone."""

    cron: str
    timezone: ZoneInfo


def rule(
    *, timezone: str, days: Sequence[int] = (), at: time | None = None, cron: str = ""
) -> Rule:
    """Return the rule for days (Monday is 0) and a time, or for a cron line, which wins.

    Raise NewsletterError if it names no moment, DigestError if the zone is unknown.
    """
    zone = clock.zone(timezone)
    return checked(Rule(cron or _as_cron(days, at), zone))


def rule_of(schedule: Schedule) -> Rule:
    """Return a schedule as a rule; raise NewsletterError if it names no moment."""
    return rule(
        timezone=schedule.timezone, days=schedule.days, at=schedule.time, cron=schedule.cron
    )


def current_rule(newsletter: Newsletter) -> Rule | None:
    """Return the rule by which a newsletter sends; None if there is none that can be read."""
    return planned_rule(newsletter) if newsletter.is_sending else None


def planned_rule(newsletter: Newsletter) -> Rule | None:
    """Return the rule by which a newsletter is sent while its state allows it."""
    schedule = getattr(newsletter, "schedule", None)
    if schedule is None:
        return None
    try:
        return rule_of(schedule)
    except DigestError:
        return None


def checked(rule: Rule) -> Rule:
    """Return the rule if it can be read and ever comes true, or raise NewsletterError."""
    if len(rule.cron) > LONGEST:
        raise NewsletterError(f"A cron line has at most {LONGEST} characters.")
    if len(rule.cron.split()) != 5:
        raise NewsletterError(
            f"{rule.cron!r} is not a cron line; it has five fields: minute hour day month weekday."
        )
    try:
        next(CronSim(rule.cron, datetime(2026, 1, 1, tzinfo=UTC)))
    except CronSimError as cause:
        raise NewsletterError(f"{rule.cron!r} is not a cron line: {cause}.") from cause
    except StopIteration as cause:
        raise NewsletterError(f"{rule.cron!r} never comes: there is no such day.") from cause
    return rule


def warnings(schedule: Schedule | None) -> list[str]:
    """Return what may surprise about a schedule: cron's day of the month and weekday.

    Where both are set, cron sends on every day that matches one of them (Vixie cron; crontab(5)),
    unless one begins with `*`.
    """
    fields = schedule.cron.split() if schedule else []
    if len(fields) != 5:
        return []
    _, _, day, _, weekday = fields
    if day.startswith("*") or weekday.startswith("*"):
        return []
    warning = (
        f"This cron expression sets a day of the month ({day}) and a weekday ({weekday}). Both "
        "count: issues go out on every day that matches one of them. To use only one, write * for "
        "the other."
    )
    return [warning]


def slots(rule: Rule, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the slots with after < slot <= until, in order, in UTC."""
    for slot in _slots_from(rule, after):
        if slot > until:
            return
        yield slot


def previous(rule: Rule, before: datetime) -> datetime | None:
    """Return the last slot before a moment, in UTC; None if there was none for a year."""
    for span in _SPANS:
        if slots_before := deque(slots(rule, before - span, before - _INSTANT), maxlen=1):
            return slots_before[0]
    return None


def upcoming(
    rule: Rule, after: datetime, count: int, until: datetime | None = None
) -> list[datetime]:
    """Return the next `count` slots after a moment, in UTC; none later than `until`."""
    slots = _slots_from(rule, after)
    return list(islice(takewhile(lambda slot: until is None or slot <= until, slots), count))


def moment(local: datetime, zone: ZoneInfo) -> datetime:
    """Return when a local time (naive) comes in a zone, in UTC.

    The first moment of a time that comes twice; the next valid minute for one that DST skips.
    """
    while not _exists(local, zone):
        local += _MINUTE
    return local.replace(tzinfo=zone).astimezone(UTC)


def intended_local_time(rule: Rule, slot: datetime) -> datetime:
    """Return the local time (naive) that a slot of the rule stands for.

    It is what the clocks show then, but where DST skips it.
    """
    local_time = slot.astimezone(rule.timezone).replace(tzinfo=None, fold=0)
    if CronSim(rule.cron, local_time).hours == _EVERY_HOUR:
        return local_time
    for local in CronSim(rule.cron, local_time - _SKIPPED_AT_MOST):
        if local >= local_time:
            break
        if _date_exists(local, rule.timezone) and moment(local, rule.timezone) == slot:
            return local
    return local_time


def _slots_from(rule: Rule, after: datetime) -> Iterator[datetime]:
    last = after
    for slot in _moments(rule, after.astimezone(rule.timezone)):
        if slot > last:  # two local times that DST skips share the next valid minute
            last = slot
            yield slot


def _moments(rule: Rule, start: datetime) -> Iterator[datetime]:
    """Yield the moments of a rule after a local one, in UTC, never backwards."""
    if CronSim(rule.cron, start).hours == _EVERY_HOUR:
        # An hour written as 0-23 would make cronsim think that hours are named.
        minute, _, *day = rule.cron.split()
        yield from (at.astimezone(UTC) for at in CronSim(" ".join([minute, "*", *day]), start))
        return
    for local in CronSim(rule.cron, start.replace(tzinfo=None)):
        if _date_exists(local, rule.timezone):
            yield moment(local, rule.timezone)


def _exists(local: datetime, zone: ZoneInfo) -> bool:
    round_trip = local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
    return round_trip.replace(tzinfo=None, fold=0) == local


def _date_exists(local: datetime, zone: ZoneInfo) -> bool:
    """Say whether there is such a day. DST skips hours; Apia left out 30 December 2011."""
    return _exists(datetime.combine(local, time(12)), zone)


def _as_cron(days: Sequence[int], at: time | None) -> str:
    if at is None or not days:
        raise NewsletterError("Say when it goes out: days and a time, or a cron line.")
    if wrong := sorted(set(days) - set(range(7))):
        raise NewsletterError(f"{wrong[0]} is not a day of the week; Monday is 0, Sunday 6.")
    # Cron counts from Sunday, Python from Monday.
    weekdays = ",".join(str((day + 1) % 7) for day in sorted(set(days)))
    return f"{at.minute} {at.hour} * * {weekdays}"
