"""The date in an issue's masthead, in the newsletter's language."""

from datetime import date

from django.utils import formats, translation

from digest.core.languages import primary

_DATE_FIRST = frozenset({"ja", "ko", "zh"})


def format_full_date(day: date, language: str) -> str:
    """Return a day in full: `Monday, 23 November 2026`.

    Django's formats cover more languages than our catalogs; where Django lacks the language too,
    the date is in English.
    """
    if language.lower() == "en-us":
        return f"{day:%A}, {day:%B} {day.day}, {day.year}"
    if primary(language) == "en":
        return _english(day)
    try:
        variant = translation.get_supported_language_variant(language)
    except LookupError:
        return _english(day)
    with translation.override(variant):
        weekday, full = formats.date_format(day, "l"), formats.date_format(day, "DATE_FORMAT")
    return f"{full} {weekday}" if primary(variant) in _DATE_FIRST else f"{weekday}, {full}"


def _english(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B} {day.year}"
