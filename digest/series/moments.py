"""When a step may go out to a subscriber: at hours of their day, on days without an issue. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

DAYS = 8  # looked ahead: each weekday, and the present one once more
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """From when until when mail may go out, in full hours of a subscriber's day."""

    start: int = 0
    end: int = 24


ANY_HOUR = Hours()


def next_moment(
    now: datetime, zone: tzinfo, hours: Hours = ANY_HOUR, busy_days: Collection[date] = ()
) -> datetime:
    """Return the first moment from `now` on (aware, UTC) that lies within hours, on a free day.

    Days and hours are those of `zone`. Where no day of the next eight is free and has its hours
    still to come, days do not count:
    a newsletter that goes out daily must not hold up a series for ever.
    """
    today = now.astimezone(zone).date()
    days = [today + n * DAY for n in range(DAYS)]
    free_days = [day for day in days if day not in busy_days]
    for day in free_days + days:
        begin, end = _moment(day, hours.start, zone), _moment(day, hours.end, zone)
        if max(begin, now) < end:
            return max(begin, now)
    return now


def _moment(day: date, hour: int, zone: tzinfo) -> datetime:
    """Return when an hour begins on a day; hour 24 is when the next day does."""
    day, hour = (day + DAY, 0) if hour == 24 else (day, hour)
    return datetime.combine(day, time(hour), zone).astimezone(UTC)
