"""Takes pictures and captions out of a page before its prose is looked for, and puts them back.

What reads prose mistakes a caption for a paragraph, and a credit with a link in it for text. So the
prose is read without them; afterwards each picture that stood between two paragraphs of the article
stands there again, as a <figure>.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from lxml.html import HtmlElement, builder

from digest.articles.parsing import markup, trees
from digest.articles.parsing.base import Image

MAX_CAPTION = 1200  # characters; an element with more is not a caption
MOST_PICTURES = 60  # that are put back; the longest picture stories have as many
MAX_SHARE = 0.3  # of the page's text
_START = 80  # characters by which a paragraph is known again
_MOST_PARTS = 100  # pieces of text that are looked at for them
_BLOCKS = frozenset({"p", "h2", "h3", "h4", "h5", "h6", "li", "blockquote", "pre"})
_CAPTION_CLASS = re.compile(
    r"(?:\A|[\s_-])(?:[a-z]{0,20}caption(?:[-_]{1,2}\w{1,30})?"
    r"|(?:image|photo|picture|img|media)[-_]{0,2}(?:credits?|copyright|attribution|byline|source|author)"
    r"|credits?|photographer|bildunterschrift|bildnachweis|bildquelle|l[eé]gende)(?:\Z|\s)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture, and how the paragraphs before and after it begin."""

    image: Image
    before: str
    after: str


def take_figures(page: HtmlElement, headline: HtmlElement | None) -> list[Figure]:
    """Remove pictures and captions from a page, in place; return the pictures in page order."""
    figures = _describe(page)
    longest = min(MAX_CAPTION, int(len("".join(page.itertext())) * MAX_SHARE))
    ancestors = set() if headline is None else {headline, *headline.iterancestors()}
    for element in list(page.iter()):
        if element.getparent() is None or element in ancestors or not _is_figure(element):
            continue
        if _is_longer(element, longest):  # the article itself: trafilatura would drop it
            element.tag = "div" if element.tag == "figure" else element.tag
            element.attrib.pop("class", None)
            continue
        trees.drop(element)
    return figures


def restore(body: HtmlElement, figures: Iterable[Figure], lead: Image) -> None:
    """Insert each picture between the paragraphs it stood between; the lead image stays out."""
    places: dict[str, HtmlElement] = {}
    for block in body:
        if start := start_of(block):
            places.setdefault(start, block)
    for figure in figures:
        place = places.get(figure.before)
        is_lead = markup.is_same_picture(figure.image.url, lead.url)
        if place is not None and figure.after in places and not is_lead:
            element = _build(figure.image)
            place.addnext(element)
            places[figure.before] = element


def start_of(element: HtmlElement) -> str:
    """Return the first letters and digits of an element, by which it is known again."""
    start, length = [], 0
    for part in islice(element.itertext(), _MOST_PARTS):
        start.append(part)
        length += len(part.strip())
        if length > _START * 2:
            break
    return "".join(re.findall(r"\w+", "".join(start)))[:_START].casefold()


def _describe(page: HtmlElement) -> list[Figure]:
    figures: list[Figure] = []
    pictures: list[Image] = []
    before, described = "", 0
    for element in page.iter():
        if element.tag == "img" and described < MOST_PICTURES and markup.is_content_image(element):
            pictures.append(markup.describe_image(element))
            described += 1
        elif element.tag in _BLOCKS and not _is_captioned(element) and (s := start_of(element)):
            figures += [Figure(image, before, s) for image in pictures]
            pictures, before = [], s
    return figures


def _is_captioned(element: HtmlElement) -> bool:
    """Return whether a block is a caption, or stands in a figure."""
    parent = element.getparent()
    return bool(_CAPTION_CLASS.search(element.get("class", ""))) or (
        parent is not None and parent.tag in {"figure", "figcaption"}
    )


def _is_figure(element: HtmlElement) -> bool:
    if element.tag in {"html", "body", "main", "article", "h1"}:
        return False
    if element.tag in {"figure", "figcaption"}:
        return True
    names = element.get("class", "")
    return bool(names) and "no-caption" not in names and bool(_CAPTION_CLASS.search(names))


def _is_longer(element: HtmlElement, longest: int) -> bool:
    length = 0
    for part in element.itertext():
        length += len(part.strip())
        if length > longest:
            return True
    return False


def _build(image: Image) -> HtmlElement:
    figure = builder.E.figure(builder.E.img(src=image.url, alt=image.alt))
    if caption := " ".join(part for part in (image.caption, image.credit) if part):
        figure.append(builder.E.figcaption(caption))
    return figure
