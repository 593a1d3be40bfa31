"""Charts as Chart.js draws them (unfold loads it), each with a table of the same numbers. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

Row = tuple[str, int, int]  # label, first number, second number
Rows = Sequence[tuple[Any, ...]]  # a label, and a number for each heading; None: there is none

_PRIMARY, _SECOND = "var(--accent)", "#d9a514"
_LINES: tuple[tuple[str, list[int]], ...] = (
    (_PRIMARY, []),
    (_SECOND, [6, 3]),
    ("#2f9e6e", [2, 3]),
    ("#b4539a", [10, 3, 2, 3]),
)
_TICKS = {"color": "#8a8f9b", "maxTicksLimit": 8, "maxRotation": 0, "precision": 0}
_LEGEND = {"color": _TICKS["color"], "boxWidth": 24}  # shown where there is more than one color
_AXIS = {"grid": {"display": True}, "ticks": _TICKS, "border": {"width": 0}}


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, ready for `console/components/chart.html`."""

    title: str
    summary: str
    kind: str  # Chart.js: bar or line
    data: str  # JSON
    options: str  # JSON
    headings: Sequence[str]
    rows: Rows


def bars(
    rows: Sequence[Row],
    title: str,
    labels: tuple[str, str] = ("sent", "not sent"),
    unit: str = "recipients",
) -> Chart | None:
    """Return a bar for each row, its two numbers upon each other; None without rows."""
    if not rows:
        return None
    datasets = [
        _dataset(labels[0], [sent for _, sent, _ in rows], _PRIMARY),
        _dataset(labels[1], [missed for _, _, missed in rows], _SECOND),
    ]
    most = max(sent + missed for _, sent, missed in rows)
    summary = f"At most {most:,} {unit}."
    return _chart("bar", rows, title, summary, datasets, labels, stacked=True)


def line(rows: Sequence[Row], title: str) -> Chart | None:
    """Return the running total of those who joined and left; None where nobody did."""
    joined, left = sum(row[1] for row in rows), sum(row[2] for row in rows)
    if not (joined or left):
        return None
    totals = list(accumulate(joined_now - left_now for _, joined_now, left_now in rows))
    dataset = _dataset("change", totals, _PRIMARY) | {"fill": False, "tension": 0.2}
    summary = f"{joined:,} joined, {left:,} left."
    return _chart("line", rows, title, summary, [dataset], ("joined", "left"))


def lines(rows: Rows, title: str, summary: str, labels: Sequence[str]) -> Chart | None:
    """Return a line for each label, told apart by colour and dashes; None without rows or labels.

    None among the numbers is a gap.
    """
    if not rows or not labels:
        return None
    datasets = [
        {
            **_dataset(label, [row[index + 1] for row in rows], color),
            "borderDash": dashes,
            "pointRadius": 2,
            "spanGaps": True,
        }
        for index, (label, (color, dashes)) in enumerate(zip(labels, _LINES, strict=False))
    ]
    chart = _chart("line", rows, title, summary, datasets, labels)
    options = json.loads(chart.options)
    del options["scales"]["y"]["ticks"]["precision"]  # shares of one percent have fractions
    options["plugins"]["legend"]["labels"] |= {"usePointStyle": True, "pointStyle": "line"}
    return replace(chart, options=json.dumps(options))


def columns(rows: Rows, title: str, summary: str, labels: Sequence[str]) -> Chart | None:
    """Return bars beside each other for each row, a color for each label; None without numbers."""
    if not any(any(row[1:]) for row in rows):
        return None
    colors = (_PRIMARY, _SECOND)
    datasets = [
        _dataset(label, [row[index + 1] for row in rows], color)
        for index, (label, color) in enumerate(zip(labels, colors, strict=False))
    ]
    return _chart("bar", rows, title, summary, datasets, labels)


def _dataset(label: str, numbers: Sequence[float | None], color: str) -> dict[str, Any]:
    return {"label": label, "data": numbers, "backgroundColor": color, "borderColor": color}


def _chart(
    kind: str,
    rows: Rows,
    title: str,
    summary: str,
    datasets: list[dict[str, Any]],
    headings: Sequence[str],
    *,
    stacked: bool = False,
) -> Chart:
    data = {"labels": [row[0] for row in rows], "datasets": datasets}
    options = {
        "animation": False,
        "responsive": True,
        "maintainAspectRatio": False,
        "maxBarThickness": 36,
        "elements": {"point": {"radius": 0, "hitRadius": 8}},
        "plugins": {"legend": {"display": len(datasets) > 1, "labels": _LEGEND}},
        "scales": {"x": {**_AXIS, "stacked": stacked}, "y": {**_AXIS, "stacked": stacked}},
    }
    return Chart(title, summary, kind, json.dumps(data), json.dumps(options), headings, rows)
