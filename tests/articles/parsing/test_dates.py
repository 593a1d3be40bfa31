"""Dates as publishers write them: completely or not at all."""

import pytest

from digest.articles.parsing.dates import MAX_UNUSUAL, Dates


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Sun, 29 Nov 2026 12:00:00 CET", "2026-11-29T11:00"),
        ("Sun, 29 Nov 2026 12:30:00 EET", "2026-11-29T10:30"),
        ("Sun, 29 Nov 2026 19:00:00 JST", "2026-11-29T10:00"),
        ("Sun, 29 Nov 2026 21:00:00 AEDT", "2026-11-29T10:00"),
        ("Sun, 29 Nov 2026 04:00:00 PST", "2026-11-29T12:00"),
        ("Sun, 29 Nov 2026 11:00:00 BST", "2026-11-29T10:00"),
        ("Sun, 29 Nov 2026 12:00:00 MESZ", "2026-11-29T10:00"),
        ("Sun, 29 Nov 2026 10:00:00 Z", "2026-11-29T10:00"),
        ("Sat, 28 Nov 26 09:00:00 CET", "2026-11-28T08:00"),
        ("Sat, 28 Nov 2026 09:00:00 +0100 (CET)", "2026-11-28T08:00"),
        ("Fri Nov 27 2026 22:00:00 GMT+0100 (Central European Standard Time)", "2026-11-27T21:00"),
        ("Sat Nov 28 09:00:00 +0000 2026", "2026-11-28T09:00"),
        ("2026-11-28 09:00:00 +0000 UTC", "2026-11-28T09:00"),
        ("2023-11-01 10:00:00 UTC", "2023-11-01T10:00"),
        ("2026-11-28T09:00:00.000000000Z", "2026-11-28T09:00"),
        ("Nov 28, 2026", "2026-11-28T00:00"),
        ("November 28th, 2026 9:00 am", "2026-11-28T09:00"),
        ("Saturday, November 28, 2026 - 09:00", "2026-11-28T09:00"),
        ("28.11.2026 09:00", "2026-11-28T09:00"),
        ("01-11-2023 10:29", "2023-11-01T10:29"),
        ("sam., 28 nov. 2026 09:00:00 +0100", "2026-11-28T08:00"),
        ("29. November 2026, 15:15 Uhr", "2026-11-29T15:15"),
        ("lunes, 2 de noviembre de 2026, 15:15 h", "2026-11-02T15:15"),
        ("2026年11月28日 09:00", "2026-11-28T09:00"),
        ("28 בנובמבר 2026", "2026-11-28T00:00"),
        ("1795860000", "2026-11-28T10:00"),
        ("Sat, 28 Nov 2026 24:00:00 GMT", "2026-11-29T00:00"),
        ("2026-11-28T24:00:00Z", "2026-11-29T00:00"),
        ("28 Nov 2026 09:00 NPT", "2026-11-28T03:15"),
        ("28 Nov 2026 09:00 NZDT", "2026-11-27T20:00"),
        ("28 Nov 2026 09:00 MSK", "2026-11-28T06:00"),
    ],
)
def test_a_date_is_read_with_its_zone(text: str, date: str) -> None:
    """In the forms of the standards, of browsers, and of templates in many languages."""
    parsed = Dates().parse(text)
    assert parsed is not None
    assert parsed.isoformat() == f"{date}:00+00:00"


@pytest.mark.parametrize(
    "text",
    [
        "12:30",
        "2026",
        "Nov 2026",
        "28 Nov",
        "Saturday",
        "3 hours ago",
        "hier",
        "Volume 3, 2026",
        "On 29 Nov 2026 and 30 Nov 2026",
        "Sun, 29 Nov 2026 12:00:00 XYZ",
        "Sun, 16 Dec 2012 1:2:3:4 GMT",
        "2026-11-28T25:00:00Z",
        "2026-13-01",
        "Nov 31, 2026",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "0",
    ],
)
def test_less_than_a_whole_date_is_none(text: str) -> None:
    """A time alone is not a date, and a part that is not understood may change the date."""
    assert Dates().parse(text) is None


@pytest.mark.parametrize(
    ("text", "language", "date"),
    [
        ("Sun, 29 Nov 2026 16:00:00 IST", "en-IN", "2026-11-29T10:30"),
        ("Sun, 29 Nov 2026 16:00:00 IST", "he", "2026-11-29T14:00"),
        ("Sun, 29 Nov 2026 16:00:00 IST", "en-ie", "2026-11-29T15:00"),
        ("Sun, 29 Nov 2026 16:00:00 IST", "", "2026-11-29T16:00"),
        ("Sun, 29 Nov 2026 16:00:00 +0530 (IST)", "he", "2026-11-29T10:30"),
        ("Sun, 29 Nov 2026 16:00:00 CST", "en", "2026-11-29T22:00"),
        ("Sun, 29 Nov 2026 16:00:00 CST", "zh_CN", "2026-11-29T08:00"),
        ("Sun, 29 Nov 2026 16:00:00 EST", "en-AU", "2026-11-29T06:00"),
        ("Sun, 29 Nov 2026 16:00:00 AST", "ar", "2026-11-29T13:00"),
        ("Sun, 29 Nov 2026 16:00:00 PST", "fil-PH", "2026-11-29T08:00"),
        ("28. listopada 2026", "hr", "2026-10-28T00:00"),
        ("28 listopada 2026", "pl", "2026-11-28T00:00"),
        ("28 नवंबर 2026", "hi", "2026-11-28T00:00"),
        ("03/04/2026", "en-US", "2026-03-04T00:00"),
        ("03/04/2026", "en-GB", "2026-04-03T00:00"),
    ],
)
def test_the_language_decides_what_is_ambiguous(text: str, language: str, date: str) -> None:
    """Names of several zones, and the order of day and month; an offset leaves nothing open."""
    parsed = Dates(language).parse(text)
    assert parsed is not None
    assert parsed.isoformat() == f"{date}:00+00:00"


def test_other_dates_of_a_document_decide_its_zone() -> None:
    """An offset that one article gives is the zone that another one names; two decide nothing."""
    name = "Sun, 29 Nov 2026 16:00:00 IST"
    dates = Dates("", [name, "Sat, 28 Nov 2026 16:00:00 +0530"])
    assert str(dates.parse(name)) == "2026-11-29 10:30:00+00:00"
    mixed = Dates("", ["28 Nov 2026 16:00:00 +0530", "2026-11-28T16:00:00+02:00"])
    assert str(mixed.parse(name)) == "2026-11-29 16:00:00+00:00"


@pytest.mark.parametrize(
    "text", ["Today", "Today 12:30", "now", "Monday 12:30", "12:30 PM", "noon"]
)
def test_no_date_is_ever_today(text: str) -> None:
    """Words that mean another day tomorrow are not a date."""
    assert Dates().parse(text) is None


def test_a_document_of_unreadable_dates_takes_bounded_time() -> None:
    """After a number of failures only the standards' forms are parsed, which take no time."""
    dates = Dates()
    for number in range(MAX_UNUSUAL // 10):
        assert dates.parse(f"day {number}") is None
    assert dates.parse("28.11.2026") is None
    assert dates.parse("2026-11-28") is not None
    assert Dates().parse("28.11.2026") is not None
