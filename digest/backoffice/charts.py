"""Charts as SVG, made here: they load nothing, scale, and say in words what they show. Pure."""

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT, BASE = 640, 160, 140
WIDEST = 80  # of a bar with its room

Row = tuple[str, int, int]  # label, the good number, the other


def bars(rows: Sequence[Row], title: str) -> SafeString | str:
    """Return a bar for each row, its two numbers upon each other; nothing without rows."""
    if not rows:
        return ""
    most = max(good + other for _, good, other in rows) or 1
    wide = min(WIDTH / len(rows), WIDEST)
    parts = []
    for number, (label, good, other) in enumerate(rows):
        tall, rest = good * (BASE - 10) / most, other * (BASE - 10) / most
        x, w = f"{number * wide + wide * 0.15:.1f}", f"{wide * 0.7:.1f}"
        words = f"{label}: {good:,} sent" + (f", {other:,} not" if other else "")
        parts.append(
            (
                x,
                f"{BASE - tall:.1f}",
                w,
                f"{tall:.1f}",
                words,
                f"{BASE - tall - rest:.1f}",
                f"{rest:.1f}",
            )
        )
    drawn = format_html_join(
        "",
        '<g><title>{4}</title><rect class="chart-good" x="{0}" y="{1}" width="{2}" height="{3}" '
        'rx="2"/><rect class="chart-other" x="{0}" y="{5}" width="{2}" height="{6}"/></g>',
        parts,
    )
    return _svg(drawn, title, rows, ("sent", "not sent"))


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
    return _svg(drawn, title, rows, ("joined", "left"))


def _svg(drawn: SafeString, title: str, rows: Sequence[Row], names: tuple[str, str]) -> SafeString:
    cells = format_html_join("", "<tr><th scope=row>{}</th><td>{}</td><td>{}</td></tr>", rows)
    return format_html(
        '<figure class="chart"><figcaption>{0}</figcaption>'
        '<svg viewBox="0 0 {1} {2}" role="img" aria-label="{0}" preserveAspectRatio="none">{3}'
        '<line class="chart-base" x1="0" y1="{4}" x2="{1}" y2="{4}"/></svg>'
        '<p class="chart-ends"><span>{8}</span><span>{9}</span></p>'
        "<details><summary>As a table</summary><table><thead><tr><th></th><th>{5}</th>"
        "<th>{6}</th></tr></thead><tbody>{7}</tbody></table></details></figure>",
        *(title, WIDTH, HEIGHT, drawn, BASE, *names, cells, rows[0][0], rows[-1][0]),
    )
