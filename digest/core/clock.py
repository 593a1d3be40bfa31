"""The only place that asks what time it is. All times inside Digest are aware and in UTC."""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from digest.core.errors import DigestError


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


def zone(name: str) -> ZoneInfo:
    """Return the IANA time zone called `name`, or raise a DigestError that names it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as cause:
        raise DigestError(f"{name!r} is not a time zone; use a name like Europe/London.") from cause


def format_moment(moment: datetime, tz: tzinfo = UTC) -> str:
    """Say a moment to a person, always with its zone: `Mon 23 Nov 2026, 07:00 GMT`."""
    return moment.astimezone(tz).strftime("%a %d %b %Y, %H:%M %Z")


def in_words(left: timedelta) -> str:
    """Say how long it is until then, to about a tenth: "in 3 hours", "2 days ago"."""
    seconds = abs(left.total_seconds())
    size, name = next(
        (size, name)
        for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
        if seconds >= 1.5 * size or size == 1
    )
    number = max(1, round(seconds / size))
    amount = f"{number} {name}{'' if number == 1 else 's'}"
    return f"in {amount}" if left >= timedelta(0) else f"{amount} ago"
