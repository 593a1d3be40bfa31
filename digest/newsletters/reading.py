"""Days, times and cadences as people write them."""

import re
from datetime import time

from digest.newsletters.checks import cadences_of
from digest.newsletters.errors import NewsletterError

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def parse_cadences(text: str) -> list[str]:
    """Read `daily,weekly`, or `none`."""
    names = [name.strip().lower() for name in text.split(",")]
    return cadences_of([] if names == ["none"] else names)


def parse_days(text: str) -> list[int]:
    """Read `daily`, `mon-fri`, `mon,wed,fri`; return days with Monday as 0, in order."""
    if text.strip().lower() in {"daily", "every day"}:
        return list(range(7))
    days: set[int] = set()
    for part in text.lower().replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        start, end = _day(first), _day(last if dash else first)
        days.update((start + step) % 7 for step in range((end - start) % 7 + 1))
    return sorted(days)


def parse_time(text: str) -> time:
    """Read `07:00` or `7:00` as a time of day."""
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", text.strip())
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        raise NewsletterError(f"{text!r} is not a time of day; use a time like 07:00.")
    return time(int(match[1]), int(match[2]))


def _day(text: str) -> int:
    for number, name in enumerate(DAYS):
        if len(text) >= 3 and name.startswith(text):
            return number
    raise NewsletterError(f"{text!r} is not a day; use mon, tue, wed, thu, fri, sat, sun.")
