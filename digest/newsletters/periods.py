"""Days and weeks of the daily and weekly cadence: where they begin, which slot ends them. Pure.

A week runs from Monday to Sunday; both are local to the schedule's zone, so a day may have 23 or
25 hours. The issue for a day or week goes out at its last slot: then it holds all that came.
"""

from datetime import UTC, date, datetime, time, timedelta

from digest.newsletters import schedules
from digest.newsletters.models import Cadence
from digest.newsletters.schedules import Rule


def ends_at(slot: datetime, cadence: Cadence, rule: Rule) -> bool:
    """Say whether a slot of the rule is the last one of its local day or week."""
    if cadence == Cadence.EVERY:
        return True
    return all(
        _first_day(later, cadence, rule) > _first_day(slot, cadence, rule)
        for later in schedules.upcoming(rule, slot, 1)
    )


def begin(moment: datetime, cadence: Cadence, rule: Rule) -> datetime:
    """Return when the local day or week of a moment began, in UTC.

    That is a local midnight; where DST skips it, the first moment after.
    """
    first = _first_day(moment, cadence, rule)
    return datetime.combine(first, time(), rule.timezone).astimezone(UTC)


def _first_day(moment: datetime, cadence: Cadence, rule: Rule) -> date:
    today = moment.astimezone(rule.timezone).date()
    back = today.weekday() if cadence == Cadence.WEEKLY else 0
    return today - timedelta(days=back)
