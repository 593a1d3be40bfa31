"""Parses dates as publishers write them; the results are aware and in UTC.

A date is read completely or not at all: it needs a day, a month and a year, and every other part of
the text has to make sense too. A date without a zone is taken as UTC.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dateparser.date import DateDataParser

EARLIEST, LATEST = 1970, 2100  # years outside of this range are mistakes
# The number of dates in nonstandard forms that are parsed for each document. One takes 1 ms. A text
# that only looks like a date takes up to 30 ms, and counts as ten.
MAX_UNUSUAL = 1000

_LONGEST = 80  # characters
_MOST_WORDS = 12  # with more, dateparser takes ten times as long and finds no date
_RFC_5322 = re.compile(
    r"(?:[A-Z][a-z][a-z], ?)?\d\d? [A-Z][a-z][a-z] \d{4} \d\d:\d\d(?::\d\d)? "
    r"(?:[+-]\d{4}|GMT|UTC?|Z|[ECMP][SD]T)",
    re.ASCII,
)
_FORMATS = ["%a %b %d %H:%M:%S %z %Y"]  # the form of Twitter, which many bridges still write
_COMMENT = re.compile(r"([+-]\d\d:?\d\d) \(?[A-Za-z][A-Za-z ]*\)?\Z")  # "+0100 (CET)", "+0000 UTC"

# Abbreviations of several zones. Without a hint, CST is RFC 5322's, BST is British, IST is UTC.
_AMBIGUOUS = re.compile(r" (IST|CST|BST)\b")
_OFFSETS = {
    "IST": {"il": "UTC+2", "he": "UTC+2", "ie": "UTC+1", "ga": "UTC+1", "in": "UTC+5:30",
            "hi": "UTC+5:30", "ta": "UTC+5:30", "te": "UTC+5:30", "mr": "UTC+5:30"},
    "CST": {"zh": "UTC+8"},
    "BST": {"bn": "UTC+6", "bd": "UTC+6"},
}  # fmt: skip
_UNDECIDED = {"IST": "UTC", "CST": "CST", "BST": "BST"}
# Each language costs 0.2 ms for a text that is not a date in any of them.
_LANGUAGES = [
    "en", "es", "fr", "de", "it", "pt", "nl", "pl", "cs", "sv", "da", "nb", "fi", "hu", "ro",
    "hr", "el", "bg", "ru", "uk", "tr", "he", "ar", "zh", "ja", "ko",
]  # fmt: skip


class Dates:
    """Parses the dates of one document; its language resolves what is ambiguous."""

    def __init__(self, language: str = "") -> None:
        """`language` is the tag that the document declares, or ""."""
        self._subtags = re.split(r"[-_]", language.strip().lower())
        self._unusual = MAX_UNUSUAL

    def parse(self, text: str) -> datetime | None:
        """Return the date in UTC, or None if the text is not a date or its year is out of range."""
        text = " ".join(text.split())
        if not text or len(text) > _LONGEST:
            return None
        text = _AMBIGUOUS.sub(self._offset, _COMMENT.sub(r"\1", text))
        try:
            if _RFC_5322.fullmatch(text):
                return _in_bounds(parsedate_to_datetime(text))
            return _in_bounds(datetime.fromisoformat(text))
        except (ValueError, OverflowError):
            return self._parse_unusual(text)

    def _offset(self, name: re.Match[str]) -> str:
        offsets = _OFFSETS[name[1]]
        hints = (offsets[subtag] for subtag in reversed(self._subtags) if subtag in offsets)
        return f" {next(hints, _UNDECIDED[name[1]])}"

    def _parse_unusual(self, text: str) -> datetime | None:
        if self._unusual <= 0 or len(re.findall(r"\w+", text)) > _MOST_WORDS:
            return None
        date = _parse_unusual(text, "MDY" if "us" in self._subtags else "DMY")
        self._unusual -= 1 if date else 10
        return date


@lru_cache(maxsize=4096)
def _parse_unusual(text: str, order: str) -> datetime | None:
    """Parse a nonstandard form; `order` is that of day and month in numeric dates: DMY or MDY."""
    try:
        date = _unusual_parser(order).get_date_data(text, _FORMATS).date_obj
        return _in_bounds(date) if date else None
    except (ValueError, OverflowError):
        return None


@cache
def _unusual_parser(order: str) -> "DateDataParser":
    """Return a parser that refuses incomplete dates, such as a time or a month."""
    from dateparser.date import DateDataParser

    return DateDataParser(
        languages=_LANGUAGES,
        use_given_order=True,
        try_previous_locales=False,
        settings={
            "PARSERS": ["custom-formats", "timestamp", "absolute-time"],
            "STRICT_PARSING": True,
            "REQUIRE_PARTS": ["day", "month", "year"],
            "DATE_ORDER": order,
            "PREFER_LOCALE_DATE_ORDER": False,
            "TIMEZONE": "UTC",
            "RETURN_AS_TIMEZONE_AWARE": True,
        },
    )


def _in_bounds(date: datetime) -> datetime | None:
    date = date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    return date if EARLIEST <= date.year < LATEST else None
