"""The next sends as people read them: at home and in readers' zones, clock changes marked.

Pure: plain values in, plain values out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from digest.newsletters import schedules, zones
from digest.newsletters.schedules import Rule


@dataclass(frozen=True, slots=True)
class Local:
    """A moment in a zone, and by how much its clocks change on that day (zero: not at all)."""

    at: datetime  # in the zone
    change: timedelta

    @property
    def words(self) -> str:
        """Say what the clocks do that day, or nothing."""
        minutes = int(abs(self.change).total_seconds()) // 60
        if not minutes:
            return ""
        hours, rest = divmod(minutes, 60)
        span = f"{minutes} minutes" if rest else "an hour" if hours == 1 else f"{hours} hours"
        return f"clocks go {'forward' if self.change > timedelta() else 'back'} {span}"


@dataclass(frozen=True, slots=True)
class Sending:
    """One send: its slot at home, and when it comes to readers in the zones that were asked for."""

    slot: datetime  # UTC
    home: Local
    readers: tuple[Local, ...]  # in the order of the zones


def upcoming(
    rule: Rule, now: datetime, number: int, elsewhere: Sequence[ZoneInfo], *, readers_time: bool
) -> list[Sending]:
    """Return the next sends after `now` (aware).

    With `readers_time` a send comes to each zone at the slot's own time of day, otherwise to all of
    them at the same moment.
    """
    made = []
    for slot in schedules.upcoming(rule, now, number):
        times = zones.everywhere(slot, rule.timezone).elsewhere if readers_time else {}
        readers = tuple(local(times.get(zone.key, slot), zone) for zone in elsewhere)
        made.append(Sending(slot, local(slot, rule.timezone), readers))
    return made


def local(moment: datetime, zone: ZoneInfo) -> Local:
    """Return a moment as it is in a zone."""
    there = moment.astimezone(zone)
    midnight = datetime.combine(there.date(), time(), zone)
    next_midnight = datetime.combine(there.date() + timedelta(days=1), time(), zone)
    before, after = midnight.utcoffset(), next_midnight.utcoffset()
    assert before is not None
    assert after is not None
    return Local(there, after - before)
