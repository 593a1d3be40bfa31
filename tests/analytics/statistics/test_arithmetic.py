"""Shares, intervals and how they are written."""

import pytest

from digest.analytics.statistics import rates
from digest.analytics.statistics.definitions import DEFINITIONS
from digest.analytics.statistics.sheets import Column, Kind, Sheet
from digest.core.text import percent


@pytest.mark.parametrize(
    ("part", "whole", "text"), [(1, 3, "33.3 %"), (0, 5, "0.0 %"), (1, 0, "—"), (0, 0, "—")]
)
def test_a_share_of_nothing_is_none(part: int, whole: int, text: str) -> None:
    """Nothing was delivered: there is no rate, not a rate of zero."""
    assert percent(rates.share(part, whole)) == text


def test_differences_are_points() -> None:
    """From 2 % to 3 % is one point, not half as much again."""
    assert rates.difference(0.03, 0.02) == "+1.00"
    assert rates.difference(0.02, 0.03) == "-1.00"
    assert rates.difference(0.02, 0.02) == "±0"
    assert rates.difference(None, 0.02) == rates.difference(0.02, None) == ""


def test_the_lower_bound_is_wilsons() -> None:
    """As published: 1 of 10 is 1.8 % to 40.4 %; more mails make it narrower; never below zero."""
    assert rates.lower_bound(1, 10) == pytest.approx(0.0179, abs=0.0001)
    assert rates.lower_bound(0, 10) == rates.lower_bound(0, 0) == 0
    assert rates.lower_bound(100, 1000) > rates.lower_bound(10, 100) > rates.lower_bound(1, 10)
    assert rates.lower_bound(12, 10) <= 1  # clickers of a forwarded mail


def test_cells_are_written_for_people() -> None:
    """Thousands, shares, nothing."""
    columns = [
        Column(str(n), "", kind)
        for n, kind in enumerate([Kind.NUMBER, Kind.SHARE, *[Kind.NUMBER] * 2])
    ]
    assert Sheet("s", "S", columns, [(12345, 0.5, 1.25, None)]).written() == [
        ["12,345", "50.0 %", "1.2", "—"]
    ]


def test_each_definition_is_a_sentence() -> None:
    """Somebody has to understand it beside the number."""
    assert all(text.endswith(".") and len(text) > 20 for text in DEFINITIONS.values())
