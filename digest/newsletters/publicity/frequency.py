"""How often a newsletter goes out, from its schedule, for people. Pure."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from digest.newsletters import schedules
from digest.newsletters.schedules import Rule

WEEKS = 4
YEAR = timedelta(days=366)
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
    """Return how often a rule sends, by its slots of the next four weeks, or of a year."""
    if rule is None:
        return Frequency(Often.IRREGULARLY)
    slots = schedules.upcoming(rule, now, MOST_SLOTS, now + timedelta(weeks=WEEKS))
    if len(slots) == MOST_SLOTS:  # these may be few days
        return Frequency(Often.SEVERAL_A_DAY)
    weekly = describe([slot.astimezone(rule.timezone) for slot in slots])
    return weekly if weekly.often != Often.IRREGULARLY else _in_a_year(rule, now)


def _in_a_year(rule: Rule, now: datetime) -> Frequency:
    """Return how often a rule sends that goes by days of the month: four weeks may miss some."""
    slots = schedules.upcoming(rule, now, MOST_SLOTS, now + YEAR)
    days = {slot.astimezone(rule.timezone).date() for slot in slots}
    return Frequency(_RARE.get(round(len(days) / 12, 1), Often.IRREGULARLY))


def describe(moments: Sequence[datetime]) -> Frequency:
    """Return how often these local moments of four weeks come.

    Several times a day means on most days: not twice on Mondays.
    """
    days = {moment.date() for moment in moments}
    weekdays = Counter(day.weekday() for day in days)
    if len(days) < WEEKS - 1 or len(days) < len(weekdays) * (WEEKS - 1):  # by days of the month
        return Frequency(Often.IRREGULARLY)
    if len(weekdays) >= len(WORKDAYS) and 2 * len(moments) > 3 * len(days):
        return Frequency(Often.SEVERAL_A_DAY)
    if len(weekdays) == 7:
        return Frequency(Often.DAILY)
    if set(weekdays) == WORKDAYS:
        return Frequency(Often.WORKDAYS)
    if len(weekdays) == 1:
        return Frequency(Often.WEEKLY, next(iter(weekdays)))
    return Frequency(Often.DAYS_A_WEEK, len(weekdays))


# By days a month, of a year that may begin and end within one.
_RARE = {1.0: Often.MONTHLY, 1.1: Often.MONTHLY, 2.0: Often.TWICE_A_MONTH, 2.1: Often.TWICE_A_MONTH}
