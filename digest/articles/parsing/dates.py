"""Parses dates as publishers write them; the results are aware and in UTC.

A date is read completely or not at all: it needs a day, a month and a year, and every other part of
the text has to make sense too. A date without a zone is taken as UTC.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
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
_DAY = 86_400  # seconds
_NO_MONTH = re.compile(r"\d{4}-(?:1[3-9]|[2-9]\d|00)-\d")  # dateparser would read 13 as the day
_FORMATS = ["%a %b %d %H:%M:%S %z %Y"]  # the form of Twitter, which many bridges still write
_COMMENT = re.compile(r"([+-]\d\d:?\d\d) \(?[A-Za-z][A-Za-z ]*\)?\Z")  # "+0100 (CET)", "+0000 UTC"

# "24:00:00" is the midnight at the end of a day (ISO 8601), ":60" a leap second.
_END_OF_DAY = re.compile(r"(?<![\d:])24:00(?::00(?:\.0+)?)?(?![\d:])")
_LEAP_SECOND = re.compile(r"(\d\d:\d\d):60(?!\d)")
_OFFSET = re.compile(r"[\d\s]([+-]\d\d):?(\d\d)(?:\s|\Z)")

# Abbreviations of several zones, by the subtags of a document's language. The last is taken without
# a hint: RFC 5322's and the British ones, for IST none.
_OFFSETS = {
    "IST": {"he": "+02:00", "il": "+02:00", "ga": "+01:00", "ie": "+01:00", "hi": "+05:30",
            "in": "+05:30", "ta": "+05:30", "te": "+05:30", "mr": "+05:30", "bn": "+05:30",
            "gu": "+05:30", "kn": "+05:30", "ml": "+05:30", "pa": "+05:30", "": "+00:00"},
    "CST": {"zh": "+08:00", "cn": "+08:00", "tw": "+08:00", "cu": "-05:00", "": "-06:00"},
    "BST": {"bn": "+06:00", "bd": "+06:00", "": "+01:00"},
    "AST": {"ar": "+03:00", "sa": "+03:00", "iq": "+03:00", "": "-04:00"},
    "EST": {"au": "+10:00", "": "-05:00"},
    "PST": {"ph": "+08:00", "fil": "+08:00", "tl": "+08:00", "": "-08:00"},
    "MST": {"my": "+08:00", "ms": "+08:00", "": "-07:00"},
}  # fmt: skip
_AMBIGUOUS = re.compile(rf" ({'|'.join(_OFFSETS)})\b")
# Each language costs 0.2 ms for a text that is not a date in any of them.
_LANGUAGES = [
    "en", "es", "fr", "de", "it", "pt", "nl", "pl", "cs", "sv", "da", "nb", "fi", "hu", "ro",
    "hr", "el", "bg", "ru", "uk", "tr", "he", "ar", "zh", "ja", "ko",
]  # fmt: skip


class Dates:
    """Parses the dates of one document; its language resolves what is ambiguous."""

    def __init__(self, language: str = "", written: Iterable[str] = ()) -> None:
        """`language` is the tag that the document declares, or ""; `written` are all its dates.

        The offsets in some of them decide which of several zones a name in another one means.
        """
        self._subtags = re.split(r"[-_]", language.strip().lower())
        self._offsets = {
            f"{match[1]}:{match[2]}"
            for text in written
            if (match := _OFFSET.search(text[:_LONGEST]))
        }
        self._unusual = MAX_UNUSUAL

    def parse(self, text: str) -> datetime | None:
        """Return the date in UTC, or None if the text is not a date or its year is out of range."""
        text = " ".join(text.split())
        if not text or len(text) > _LONGEST:
            return None
        text = _AMBIGUOUS.sub(self._offset, _COMMENT.sub(r"\1", text))
        text = _LEAP_SECOND.sub(r"\1:59", text)
        whole = _END_OF_DAY.sub("00:00:00", text)
        date = self._parse(whole)
        return date + timedelta(days=1) if date and whole != text else date

    def _parse(self, text: str) -> datetime | None:
        try:
            if _RFC_5322.fullmatch(text):
                return _in_bounds(parsedate_to_datetime(text))
            return _in_bounds(datetime.fromisoformat(text))
        except (ValueError, OverflowError):
            return self._parse_unusual(text)

    def _offset(self, name: re.Match[str]) -> str:
        """Return the offset of an ambiguous zone: by the language, by other dates, or the usual."""
        offsets = _OFFSETS[name[1]]
        hints = [offsets[tag] for tag in reversed(self._subtags) if tag and tag in offsets]
        named = sorted(self._offsets.intersection(offsets.values()))
        hints += named if len(named) == 1 else []
        return f" {next(iter(hints), offsets[''])}".replace(":", "")

    def _parse_unusual(self, text: str) -> datetime | None:
        if (
            self._unusual <= 0
            or _NO_MONTH.match(text)
            or len(re.findall(r"\w+", text)) > _MOST_WORDS
        ):
            return None
        order = "MDY" if "us" in self._subtags else "DMY"
        date = _parse_unusual(
            text, order, self._subtags[0] if self._subtags[0] in _supported_languages() else ""
        )
        self._unusual -= 1 if date else 10
        return date


@lru_cache(maxsize=4096)
def _parse_unusual(text: str, order: str, language: str) -> datetime | None:
    """Parse a nonstandard form; `order` is that of day and month in numeric dates: DMY or MDY."""
    try:
        date = _unusual_parser(order, language).get_date_data(text, _FORMATS).date_obj
        return _in_bounds(date) if date else None
    except (ValueError, OverflowError):
        return None


@cache
def _supported_languages() -> frozenset[str]:
    """Return the languages whose dates dateparser reads."""
    from dateparser.data.languages_info import language_order

    return frozenset(language_order)


@lru_cache(maxsize=64)
def _unusual_parser(order: str, language: str) -> "DateDataParser":
    """Return a parser that refuses incomplete dates, such as a time or a month.

    The document's language comes first: "listopada" is October in one and November in another.
    """
    from dateparser.date import DateDataParser

    languages = [language] if language else []
    return DateDataParser(
        languages=languages + [name for name in _LANGUAGES if name != language],
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
    is_unset = date.timestamp() < _DAY  # what a program without a date writes
    return date if EARLIEST <= date.year < LATEST and not is_unset else None
