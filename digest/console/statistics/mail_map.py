"""The map of a mail: its HTML with the clicks on each link and each block drawn over it. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from lxml import html as markup

from digest.analytics.statistics.links import LinkClicks, by_block
from digest.core import links
from digest.core.errors import LinkError
from digest.core.text import counted, percent
from digest.issues.models import Block

_BADGE = (
    "display:inline-block;margin:2px 4px;padding:1px 7px;border-radius:99px;vertical-align:middle;"
    "font:600 12px/18px system-ui,sans-serif;letter-spacing:0;text-decoration:none;"
    "text-transform:none;white-space:nowrap;color:#fff;background:{colour}"
)
_OUTLINE = "outline:2px solid {colour};outline-offset:1px;"
# From few clicks to most; white text has a contrast of at least 4.5 on each.
COLOURS = ("#5f6470", "#1d4e89", "#7a3e9d", "#b42318")


@dataclass(frozen=True, slots=True)
class Mark:
    """A number to draw: what it says, and how hot it is from 0 to 1."""

    text: str
    title: str
    heat: float

    @property
    def colour(self) -> str:
        """The colour of its badge."""
        return COLOURS[min(int(self.heat * len(COLOURS)), len(COLOURS) - 1)]


def draw(html: str, rows: Sequence[LinkClicks], delivered: int) -> str:
    """Return a mail's HTML with a badge behind each tracked link and at each block.

    `html` has the anchors of previews (`block-1`, `story-1`), and links either to their targets or
    through this installation.
    """
    document = markup.document_fromstring(html)
    by_link, by_place = _marks(rows, delivered)
    blocks = _block_marks(rows)
    for element, place in _links_in(document):
        href = element.get("href", "")
        mark = (
            by_link.get(_link_id(href)) or by_place.get((place, href)) or by_place.get(("", href))
        )
        if mark:
            element.set("style", _OUTLINE.format(colour=mark.colour) + element.get("style", ""))
            element.append(_badge(mark))
    for anchors, mark in blocks.items():
        _mark_block(document, anchors, mark)
    text = markup.tostring(document, encoding="unicode", doctype="<!doctype html>")
    return str(text)


def _marks(
    rows: Iterable[LinkClicks], delivered: int
) -> tuple[dict[int, Mark], dict[tuple[str, str], Mark]]:
    """Return the marks of links, by their ids, and by anchor and target; "" is any anchor."""
    rows = list(rows)
    most = max((row.unique_clicks for row in rows), default=0)
    by_link: dict[int, Mark] = {}
    by_place: dict[tuple[str, str], Mark] = {}
    for row in rows:
        mark = _mark(row, most, delivered)
        by_link[row.link.pk] = mark
        by_place[_anchor_of(row), row.link.url] = mark
        by_place.setdefault(("", row.link.url), mark)
    return by_link, by_place


def _mark(row: LinkClicks, most: int, delivered: int) -> Mark:
    rate = f" · {percent(row.unique_clicks / delivered)}" if delivered else ""
    title = (
        f"{counted(row.unique_clicks, 'person', 'people')}, {counted(row.clicks, 'click')}, "
        f"{row.filtered:,} filtered"
    )
    heat = row.unique_clicks / most if most else 0.0
    return Mark(f"{row.unique_clicks:,}{rate}", title, heat)


def _block_marks(rows: Sequence[LinkClicks]) -> dict[tuple[str, ...], Mark]:
    """Return the marks of blocks, by the anchors at which a block may begin, the first first."""
    totals = by_block(rows)
    most, all_clicks = max(totals.values(), default=0), sum(totals.values())
    blocks = {row.link.block_id: row.link.block for row in rows if row.link.block}
    return {
        _anchors_of(block, rows): Mark(
            f"{block}: {counted(totals[pk], 'click')} ({percent(totals[pk] / all_clicks, 0)})",
            "Clicks by people on all links of this block",
            totals[pk] / most,
        )
        for pk, block in blocks.items()
        if pk and totals.get(pk)
    }


def _anchors_of(block: Block, rows: Sequence[LinkClicks]) -> tuple[str, ...]:
    """Return a block's own anchor, and those of its stories: its first one stands for its title."""
    positions = {
        row.link.story.position for row in rows if row.link.story and row.link.block_id == block.pk
    }
    return (f"block-{block.position + 1}", *(f"story-{n + 1}" for n in sorted(positions)))


def _anchor_of(row: LinkClicks) -> str:
    if row.link.story:
        return f"story-{row.link.story.position + 1}"
    return f"block-{row.link.block.position + 1}" if row.link.block else ""


def _links_in(document: markup.HtmlElement) -> Iterator[tuple[markup.HtmlElement, str]]:
    """Yield each link with the anchor that it stands behind."""
    place = ""
    for element in list(document.iter("*")):
        name = element.get("id", "")
        if name.startswith(("block-", "story-")):
            place = name
        if element.tag == "a" and element.get("href"):
            yield element, place


def _link_id(href: str) -> int:
    """Return the id of the tracked link that an address of ours is for; 0 for any other address."""
    _, _, rest = urlsplit(href).path.partition("/click/")
    try:
        return links.read_rows("click", rest.partition("/")[0], count=2).ids[1] if rest else 0
    except LinkError:
        return 0


def _mark_block(document: markup.HtmlElement, anchors: Sequence[str], mark: Mark) -> None:
    rows = (document.xpath("//*[@id=$anchor]", anchor=anchor) for anchor in anchors)
    row = next((matches[0] for matches in rows if matches), None)
    if row is None:  # left out of this mail
        return
    cells = [cell for cell in row.iter("td", "th") if not list(cell.iter("table"))]
    cell = next(iter(cells), row)
    badge = _badge(mark)
    badge.tail, cell.text = cell.text, None
    cell.insert(0, badge)


def _badge(mark: Mark) -> markup.HtmlElement:
    badge = markup.Element("span", style=_BADGE.format(colour=mark.colour), title=mark.title)
    badge.text = mark.text
    return badge
