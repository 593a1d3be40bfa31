"""Dates that a text names, and words like “tomorrow”, in the languages that Digest speaks. Pure.

Only what can hardly be anything else counts: a day with the name of its month, an ISO date, and
day, month and year in figures where the language does not leave open which is which.
"""

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from babel import Locale

from digest.core.languages import DEFAULT, NAMES, primary

_ISO = re.compile(r"(?<![\d-])(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?![\d-])")
_FIGURES = re.compile(  # not in English: there, 4/5/2026 has two meanings
    r"(?<![\d./-])(?P<day>\d{1,2})([./-])(?P<month>\d{1,2})\2(?P<year>\d{4})(?![\d./-])"
)
_DAY_FIRST = (
    r"(?<![\d.,:/])(?P<day>\d{{1,2}})(?:\.|st|nd|rd|th|er|º|°)?\s+(?:(?:de|of)\s+)?ב?"
    r"(?P<month>{months})\b\.?(?:,?\s+(?:del?\s+)?(?P<year>\d{{4}}))?"
)
_MONTH_FIRST = (  # of `November 12-14` the last day counts
    r"\b(?P<month>{months})\b\.?\s+(?:\d{{1,2}}\s?[-\u2013]\s?)?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b"
    r"(?![%:]|,\d{{3}})(?:,?\s+(?P<year>\d{{4}}))?"
)
# A date after one of these is the beginning of something that goes on.
_SINCE = re.compile(
    r"\b(?:since|from|seit|ab|depuis|desde|dal(?:l['\u2019])?|sinds|vanaf|מאז|منذ)\s+"
    r"(?:(?:le|el|il|dem|den|de)\s+)?\Z",
    re.IGNORECASE,
)
# In lower case, or at the beginning of a sentence: a name like “USA Today” is not a date.
_RELATIVE = {
    "en": "today|tonight|tomorrow",
    "de": "heute|(?<![Hh]eute )(?<![Gg]uten )morgen",
    "es": "hoy|esta noche|(?<![Ll]a )(?<![Ee]sta )mañana",
    "fr": r"aujourd['\u2019]hui|ce soir|demain",
    "it": "oggi|stasera|domani",
    "nl": "vandaag|vanavond|(?<![Gg]oede )morgen",
    "pt": "hoje|esta noite|amanhã",
    "he": "הערב|מחר",
    "ar": "الليلة|غدا|غدًا|غداً",
}
_CAPITALISED = frozenset({"en", "de"})  # month names, so that short ones are not other words


def dates_in(text: str, language: str, near: date) -> Iterator[tuple[str, date]]:
    """Yield each date that a text names, as written, with its day.

    A date without a year is the one nearest to `near`. The beginning of a span (“since 3 May”) is
    left out. `language` is a tag; a language that Digest does not speak is read as English.
    """
    for pattern in _patterns(_known_language(language)):
        for match in pattern.finditer(text):
            day = _day(match, _known_language(language), near)
            if day and not _SINCE.search(text[: match.start()]):
                yield " ".join(match.group().split()).rstrip(".,"), day


def relative_words(text: str, language: str) -> list[str]:
    """Return the words of a text that mean a day relative to when it was written."""
    pattern = _relative_pattern(_known_language(language))
    return list(dict.fromkeys(match.group().strip() for match in pattern.finditer(text)))


def _known_language(language: str) -> str:
    tag = primary(language)
    return tag if tag in NAMES else DEFAULT


@lru_cache(maxsize=16)
def _patterns(language: str) -> tuple[re.Pattern[str], ...]:
    months = "|".join(sorted(map(re.escape, _months(language)), key=len, reverse=True))
    day_first = re.compile(_DAY_FIRST.format(months=months))
    if language == "en":
        return _ISO, day_first, re.compile(_MONTH_FIRST.format(months=months))
    return _ISO, day_first, _FIGURES


@lru_cache(maxsize=16)
def _months(language: str) -> dict[str, int]:
    """Return the months by their names, as written in a sentence and at its beginning."""
    names = Locale.parse(language).months["format"]
    widths = ("wide", "abbreviated") if language in _CAPITALISED else ("wide",)
    plain = {
        names[width][number].rstrip("."): number for width in widths for number in range(1, 13)
    }
    return plain | {name[:1].upper() + name[1:]: number for name, number in plain.items()}


@lru_cache(maxsize=16)
def _relative_pattern(language: str) -> re.Pattern[str]:
    alternatives = _RELATIVE[language]
    return re.compile(rf"\b(?:{alternatives})\b|(?:\A|(?<=[.!?:]\s))(?i:{alternatives})\b")


def _day(match: re.Match[str], language: str, near: date) -> date | None:
    """Return the day that a match means; None if there is no such day."""
    month_text, day_text, year_text = (match[name] for name in ("month", "day", "year"))
    month = int(month_text) if month_text.isdecimal() else _months(language)[month_text]
    years = [int(year_text)] if year_text else [near.year + offset for offset in (-1, 0, 1)]
    days = [day for year in years if (day := _valid(year, month, int(day_text)))]
    return min(days, key=lambda day: abs(day - near), default=None)


def _valid(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
