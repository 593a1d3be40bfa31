"""Dates as publishers write them, to aware moments in UTC; without a zone they are taken as UTC."""

import re
from datetime import UTC, datetime, timedelta, timezone
from time import struct_time

import feedparser.datetimes

EARLIEST, LATEST = 1970, 2100  # outside of these years it is no date but a mistake

# A month's first letters in Portuguese, Spanish, Italian, French, German, Dutch and English.
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan ene gen", "feb fev fév", "mar mär maa mrt", "apr abr avr", "mai may mag mei",
            "jun giu juin", "jul lug juil", "aug ago aou aoû", "sep set", "oct out ott okt",
            "nov", "dec dez dic déc",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_FOREIGN = re.compile(
    r"(\d{1,2})\.?\s+(?:de\s+)?([^\W\d_]{3,})\.?\s+(?:de\s+)?(\d{4})"
    r"(?:\s+(\d{1,2}):(\d\d)(?::(\d\d))?)?\s*([+-]\d\d:?\d\d)?"
)
_LONGEST = 80


def moment(written: str) -> datetime | None:
    """Read RFC 822, RFC 3339, W3CDTF and the like; None for no date or one out of all bounds."""
    written = " ".join(written.split())
    if not written or len(written) > _LONGEST:
        return None
    return _iso(written) or from_struct(_by_feedparser(written)) or _foreign(written)


def from_struct(parsed: struct_time | None) -> datetime | None:
    """Return the moment that feedparser read, in UTC."""
    if parsed is None:
        return None
    try:
        return _sane(datetime(*parsed[:6], tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def _iso(written: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(written)
        return _sane(found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def _by_feedparser(written: str) -> struct_time | None:
    try:
        return feedparser.datetimes._parse_date(written)  # type: ignore[no-any-return]  # noqa: SLF001  as feedparser itself reads dates
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _foreign(written: str) -> datetime | None:
    """Read `Seg, 24 Set 2018 19:42:40 -0300`, which RFC 822 does not allow and templates write."""
    found = _FOREIGN.search(written)
    if not found:
        return None
    day, name, year, hour, minute, second, zone = found.groups()
    month = _MONTHS.get(name.lower()[:4]) or _MONTHS.get(name.lower()[:3])
    try:
        local = datetime(
            int(year), month or 0, int(day), int(hour or 0), int(minute or 0), int(second or 0),
            tzinfo=_zone(zone),
        )  # fmt: skip
        return _sane(local.astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def _zone(written: str | None) -> timezone:
    if not written:
        return UTC
    digits = written[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if written[0] == "-" else offset)


def _sane(found: datetime) -> datetime | None:
    return found if EARLIEST <= found.year < LATEST else None
