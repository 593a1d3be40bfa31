"""Charts as SVG, made here: they load nothing, scale, and say in words what they show. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT, BASE = 640, 160, 150
BAR = 52  # wide at most, with its room

Row = tuple[str, int, int]  # label, the good number, the other


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a bar of a hundred."""

    name: str
    begins: float
    width: float


def parts(numbers: Sequence[tuple[str, int]], whole: int) -> list[Part]:
    """Return how the numbers lie one behind the other in a bar of a hundred."""
    made, begins = [], 0.0
    for name, number in numbers:
        width = number * 100 / whole if whole else 0.0
        made.append(Part(name, round(begins, 3), round(width, 3)))
        begins += width
    return made


def bars(rows: Sequence[Row], title: str) -> SafeString | str:
    """Return a bar for each row, its two numbers upon each other; nothing without rows."""
    if not rows:
        return ""
    most = max(good + other for _, good, other in rows) or 1
    drawn = format_html_join("", _BAR, (_bar(number, row, most) for number, row in enumerate(rows)))
    key = format_html(_KEY, "sent", "not sent", f"{most:,} at most")
    return _figure(drawn, len(rows) * BAR, title, key, rows, ("sent", "not sent"))


_BAR = (
    '<g><title>{0}</title><rect class="chart-good" x="{1}" y="{2}" width="{3}" height="{4}"/>'
    '<rect class="chart-other" x="{1}" y="{5}" width="{3}" height="{6}"/></g>'
)


def _bar(number: int, row: Row, most: int) -> tuple[str | float, ...]:
    """Return a bar's words, left edge, and upper edges and heights of its two parts."""
    label, good, other = row
    words = f"{label}: {good:,} sent" + (f", {other:,} not" if other else "")
    tall, rest = (round(each * (BASE - 10) / most, 1) for each in (good, other))
    left, wide = round(number * BAR + BAR * 0.15, 1), round(BAR * 0.7, 1)
    return words, left, round(BASE - tall, 1), wide, tall, round(BASE - tall - rest, 1), rest


def line(rows: Sequence[Row], title: str) -> SafeString | str:
    """Return the running sum of what came and went, as a line over an area."""
    if not any(good or other for _, good, other in rows):
        return ""
    total, sums = 0, []
    for _, good, other in rows:
        total += good - other
        sums.append(total)
    low, high = min(0, *sums), max(1, *sums)
    step = WIDTH / max(1, len(sums) - 1)
    points = [
        f"{number * step:.1f},{BASE - (each - low) * (BASE - 10) / (high - low):.1f}"
        for number, each in enumerate(sums)
    ]
    drawn = format_html(
        '<polygon class="chart-area" points="0,{1} {0} {2},{1}"/>'
        '<polyline class="chart-line" points="{0}"/>',
        " ".join(points),
        BASE,
        WIDTH,
    )
    joined, gone = sum(row[1] for row in rows), sum(row[2] for row in rows)
    key = format_html("<span>{} joined, {} left</span>", f"{joined:,}", f"{gone:,}")
    return _figure(drawn, WIDTH, title, key, rows, ("joined", "left"))


_KEY = (
    '<span><i class="chart-good-key"></i> {}</span><span><i class="chart-other-key"></i> {}</span>'
    "<span>{}</span>"
)


def _figure(
    drawn: SafeString,
    wide: int,
    title: str,
    key: SafeString,
    rows: Sequence[Row],
    names: tuple[str, str],
) -> SafeString:
    """Return a drawing `wide` px wide where there is room, what it means, and its table."""
    cells = format_html_join("", "<tr><th scope=row>{}</th><td>{}</td><td>{}</td></tr>", rows)
    ends = [rows[0][0], rows[-1][0]][: len(rows)]
    return format_html(
        '<figure class="desk-chart"><figcaption>{0}</figcaption><p class="chart-key">{1}</p>'
        '<div class="chart-plot"><svg viewBox="0 0 {2} {3}" width="{2}" height="{3}" role="img"'
        ' aria-label="{0}" preserveAspectRatio="none">{4}'
        '<line class="chart-base" x1="0" y1="{5}" x2="{2}" y2="{5}"/></svg>'
        '<p class="chart-ends">{6}</p></div>'
        "<details><summary>As a table</summary><table><thead><tr><td></td><th>{7}</th>"
        "<th>{8}</th></tr></thead><tbody>{9}</tbody></table></details></figure>",
        *(title, key, wide, HEIGHT, drawn, BASE),
        format_html_join("", "<span>{}</span>", ((end,) for end in ends)),
        *(*names, cells),
    )
