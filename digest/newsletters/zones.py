"""When a slot comes to subscribers by their own clocks: the same local time in each zone. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from digest.newsletters import schedules
from digest.newsletters.errors import NewsletterError

# From the first place where a local time comes to the last: 26 hours, and one that DST may skip.
WIDEST = timedelta(hours=27)


@dataclass(frozen=True, slots=True)
class Times:
    """When a slot comes. A zone that isn't named, blank or unknown, is the schedule's."""

    slot: datetime
    by_zone: Mapping[str, datetime]  # by zone, where that is another moment; in UTC

    def between(self, after: datetime, until: datetime) -> list[str]:
        """Return the zones elsewhere to which it comes with after < moment <= until."""
        return [zone for zone, at in self.by_zone.items() if after < at <= until]


def times_of(slot: datetime, home: ZoneInfo) -> Times:
    """Return when the local time that a slot has in its schedule's zone comes in every other."""
    home_time = slot.astimezone(home)
    wall = home_time.replace(tzinfo=None, fold=0)
    moments = {
        name: schedules.moment(wall, zone)
        for name, zone in _world().items()
        # The second of two equal times, of a schedule that names no hour, is not a first one.
        if not (home_time.fold and _wall(slot, zone) == wall)
    }
    return Times(slot, {name: at for name, at in moments.items() if at != slot})


def named(text: str) -> ZoneInfo:
    """Return the zone that somebody means: by its name in any case, or by its city alone.

    Raise NewsletterError if there is none, or several.
    """
    key = "_".join(text.split()).casefold()
    names = available_timezones()
    matches = {name for name in names if name.casefold() == key}
    matches = matches or {name for name in names if name.rpartition("/")[2].casefold() == key}
    if len(matches) != 1:
        raise NewsletterError(f"{text[:64]!r} is not a time zone; use a name like Europe/London.")
    return ZoneInfo(matches.pop())


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


@cache
def _world() -> dict[str, ZoneInfo]:
    return {name: ZoneInfo(name) for name in sorted(available_timezones())}
