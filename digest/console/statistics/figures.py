"""The key figures of reports: each with what it means, and how it compares."""

from typing import NamedTuple

from digest.analytics.statistics.definitions import define
from digest.analytics.statistics.issues import IssueReport
from digest.analytics.statistics.rates import difference
from digest.analytics.statistics.sponsors import SponsorReport
from digest.analytics.statistics.totals import NOTHING, Numbers
from digest.core.text import counted, percent


class Figure(NamedTuple):
    """A number with its label, a line below it, and what it means."""

    label: str
    value: str
    note: str = ""
    meaning: str = ""


def of_issue(report: IssueReport) -> list[Figure]:
    """Return the key figures of an issue, against the average of those before."""
    numbers, usual = report.numbers, report.average
    figures = [Figure("Delivered", f"{numbers.delivered:,}", "", define("delivered"))]
    if report.is_counted:
        figures += _clicks(numbers, usual, of_visitors=report.is_about)
    if numbers.opens or numbers.uncertain_opens:
        figures.append(_opens(numbers))
    return [*figures, *_departures(numbers, usual)]


def of_numbers(numbers: Numbers, *, of_visitors: bool = False) -> list[Figure]:
    """Return the key figures of several issues together."""
    return [
        Figure("Delivered", f"{numbers.delivered:,}", "", define("delivered")),
        *_clicks(numbers, NOTHING, of_visitors=of_visitors),
        *_departures(numbers, NOTHING),
    ]


def of_list_size(number: int) -> Figure:
    """Return how many subscribers there are now."""
    return Figure("Subscribers", f"{number:,}", "now", define("list_size"))


def of_sponsor(report: SponsorReport) -> list[Figure]:
    """Return the key figures of an appeal or a sponsor."""
    total = report.total
    return [
        Figure("Impressions", f"{total.impressions:,}", "", define("impressions")),
        Figure(
            "People who clicked",
            _approximately(f"{total.unique_clicks:,}", report.is_about and total.unique_clicks),
            counted(total.clicks, "click"),
            define("clickers", of_visitors=report.is_about),
        ),
        Figure("Click rate", _large(percent(total.click_share, 2)), "", define("click_share")),
    ]


def definitions(figures: list[Figure]) -> list[tuple[str, str]]:
    """Return what figures mean, each once, as footnotes."""
    return [(figure.label, figure.meaning) for figure in figures if figure.meaning]


def _clicks(numbers: Numbers, usual: Numbers, *, of_visitors: bool) -> list[Figure]:
    is_about = of_visitors and numbers.clickers
    return [
        Figure(
            "People who clicked",
            _approximately(f"{numbers.clickers:,}", is_about),
            counted(numbers.clicks, "click"),
            define("clickers", of_visitors=of_visitors),
        ),
        Figure(
            "Click rate",
            _large(_approximately(percent(numbers.click_rate), is_about)),
            _against(numbers.click_rate, usual.click_rate),
            define("click_rate"),
        ),
        Figure("Filtered clicks", f"{numbers.filtered:,}", "by machines", define("filtered")),
    ]


def _approximately(number: str, is_about: int) -> str:
    """Say that a number is approximate; none at all is certain."""
    return f"about {number}" if is_about else number


def _large(share: str) -> str:
    """Return a share as large type has it: its sign stays on the line of the number."""
    return share.replace(" %", "\N{NO-BREAK SPACE}%")


def _opens(numbers: Numbers) -> Figure:
    note = f"{numbers.uncertain_opens:,} more are uncertain"
    return Figure("Opens", f"{numbers.opens:,}", note, define("opens"))


def _departures(numbers: Numbers, usual: Numbers) -> list[Figure]:
    rows = (
        ("Unsubscribes", numbers.unsubscribes, "unsubscribe_rate", "unsubscribes"),
        ("Bounces", numbers.bounces, "bounce_rate", "bounces"),
        ("Complaints", numbers.complaints, "complaint_rate", "complaints"),
    )
    return [
        Figure(
            label,
            f"{number:,}",
            _rate(getattr(numbers, rate), getattr(usual, rate)),
            define(name),
        )
        for label, number, rate, name in rows
    ]


def _rate(value: float | None, usual: float | None) -> str:
    against = _against(value, usual, 2)
    return f"{percent(value, 2)}{f', {against}' if against else ''}" if value is not None else ""


def _against(value: float | None, usual: float | None, digits: int = 1) -> str:
    points = difference(value, usual)
    return f"average {percent(usual, digits)} ({points} points)" if points else ""
