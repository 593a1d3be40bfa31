"""The next sends as people read them: at home and in subscribers' zones, clock changes marked.

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
    meant: datetime | None = None  # the local time (naive) that was asked for; None: this one

    @property
    def clock_change(self) -> str:
        """Say what the clocks do that day and what becomes of the time, or nothing."""
        return "; ".join(filter(None, (self._of_the_clocks, self._of_the_time)))

    @property
    def _of_the_time(self) -> str:
        if self.meant and self.meant != self.at.replace(tzinfo=None, fold=0):
            return f"{self.meant:%H:%M} is skipped"
        if self.at.replace(fold=0).utcoffset() != self.at.replace(fold=1).utcoffset():
            return (
                f"{self.at:%H:%M} comes twice, this is the {'second' if self.at.fold else 'first'}"
            )
        return ""

    @property
    def _of_the_clocks(self) -> str:
        minutes = int(abs(self.change).total_seconds()) // 60
        if not minutes:
            return ""
        hours, rest = divmod(minutes, 60)
        span = f"{minutes} minutes" if rest else "an hour" if hours == 1 else f"{hours} hours"
        return f"clocks go {'forward' if self.change > timedelta() else 'back'} {span}"


@dataclass(frozen=True, slots=True)
class Sending:
    """One send: its slot at home, and its local time in the zones that were requested."""

    slot: datetime  # UTC
    home: Local
    subscribers: tuple[Local, ...]  # in the order of the zones


def upcoming(
    rule: Rule,
    now: datetime,
    number: int,
    subscriber_zones: Sequence[ZoneInfo],
    *,
    send_in_local_time: bool,
) -> list[Sending]:
    """Return the next sends after `now` (aware).

    With `send_in_local_time` a send comes to each zone at the slot's own time of day, otherwise to
    all of them at the same moment.
    """
    sendings = []
    for slot in schedules.upcoming(rule, now, number):
        times = zones.times_of(slot, rule.timezone).by_zone if send_in_local_time else {}
        home = local(slot, rule.timezone, schedules.intended_local_time(rule, slot))
        meant = home.at.replace(tzinfo=None, fold=0) if send_in_local_time else None
        subscribers = tuple(
            local(times.get(zone.key, slot), zone, meant) for zone in subscriber_zones
        )
        sendings.append(Sending(slot, home, subscribers))
    return sendings


def local(moment: datetime, zone: ZoneInfo, meant: datetime | None = None) -> Local:
    """Return a moment as it is in a zone, where a local time (naive) was meant by it."""
    local_time = moment.astimezone(zone)
    midnight = datetime.combine(local_time.date(), time(), zone)
    next_midnight = datetime.combine(local_time.date() + timedelta(days=1), time(), zone)
    before, after = midnight.utcoffset(), next_midnight.utcoffset()
    assert before is not None
    assert after is not None
    return Local(local_time, after - before, meant)
