"""How often a newsletter goes out, from its schedule, for people. Pure."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from digest.newsletters import schedules
from digest.newsletters.schedules import Rule

WEEKS = 4
LONGEST_MONTH = timedelta(days=31)
MOST_SLOTS = WEEKS * 7 * 24
WORKDAYS = frozenset(range(5))


class Often(Enum):
    """How often, roughly."""

    IRREGULARLY = "irregularly"
    SEVERAL_A_DAY = "several a day"
    DAILY = "daily"
    WORKDAYS = "workdays"  # Monday to Friday
    WEEKLY = "weekly"  # on one weekday
    DAYS_A_WEEK = "days a week"
    TWICE_A_MONTH = "twice a month"
    MONTHLY = "monthly"


class Frequency(NamedTuple):
    """How often; the weekday (Monday is 0) of a weekly one, else the number of days a week."""

    often: Often
    number: int = 0


def frequency(rule: Rule | None, now: datetime) -> Frequency:
    """Return how often a rule sends, by its slots of the next four weeks, or of a whole month."""
    if rule is None:
        return Frequency(Often.IRREGULARLY)
    end = now + timedelta(weeks=WEEKS)
    slots = [slot for slot in schedules.upcoming(rule, now, MOST_SLOTS) if slot <= end]
    if not slots:  # the one of the month may be just past them
        slots = [slot for slot in schedules.upcoming(rule, now, 1) if slot <= now + LONGEST_MONTH]
    return describe([slot.astimezone(rule.timezone) for slot in slots])


def describe(moments: Sequence[datetime]) -> Frequency:
    """Return how often these local moments of four weeks come.

    Several times a day means on most days: not twice on Mondays.
    """
    days = {moment.date() for moment in moments}
    weekdays = Counter(day.weekday() for day in days)
    if len(days) < WEEKS - 1 or len(days) < len(weekdays) * (WEEKS - 1):  # by days of the month
        return Frequency(_RARE.get(len(days), Often.IRREGULARLY))
    if len(weekdays) >= len(WORKDAYS) and 2 * len(moments) > 3 * len(days):
        return Frequency(Often.SEVERAL_A_DAY)
    if len(weekdays) == 7:
        return Frequency(Often.DAILY)
    if set(weekdays) == WORKDAYS:
        return Frequency(Often.WORKDAYS)
    if len(weekdays) == 1:
        return Frequency(Often.WEEKLY, next(iter(weekdays)))
    return Frequency(Often.DAYS_A_WEEK, len(weekdays))


_RARE = {1: Often.MONTHLY, 2: Often.TWICE_A_MONTH}  # by days of four weeks
