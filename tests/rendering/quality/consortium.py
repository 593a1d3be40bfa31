"""The Email Markup Consortium's accessibility checks that markup alone can answer.

Their yearly reports run them over some 400,000 mails (emailmarkup.org/en/reports/accessibility);
the checks that need layout or colours (contrast, target sizes, links told by colour alone) are
axe's and run in Chromium.
"""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from lxml import html
from lxml.html import HtmlElement

SMALLEST_TEXT = 14  # px
_VAGUE_LINKS = frozenset({"click here", "here", "more", "read more", "learn more", "link", "this"})
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_SIZE = re.compile(r"(?:^|[;\s])font-size:\s*([\d.]+)px")

Check = Callable[[HtmlElement], Iterator[str]]


def problems(document: str) -> list[str]:
    """Return `check: detail` for every check that a mail's HTML fails."""
    root = html.document_fromstring(document)
    return [f"{name}: {detail}" for name, check in CHECKS.items() for detail in check(root)]


def _document_language(root: HtmlElement) -> Iterator[str]:
    yield from (f"html has no {name}" for name in ("lang", "dir") if not root.get(name))


def _wrapped(name: str) -> Check:
    def check(root: HtmlElement) -> Iterator[str]:
        for element in root.body.iterchildren("*"):
            if _has_text(element) and not element.get(name):
                yield f"<{element.tag}> in body has no {name}"

    return check


def _article(root: HtmlElement) -> Iterator[str]:
    articles = [element for element in root.body.iter("*") if element.get("role") == "article"]
    if len(articles) != 1:
        yield f"{len(articles)} elements have role=article"
    for element in articles:
        if element.get("aria-roledescription") != "email" or not element.get("aria-label"):
            yield "the article has no aria-roledescription or no aria-label"


def _layout_tables(root: HtmlElement) -> Iterator[str]:
    for table in root.iter("table"):
        if table.get("role") not in {"presentation", "none"}:
            yield "a table has no role=presentation"
        if any(True for _cell in table.iterchildren("th", "caption", "thead")):
            yield "a layout table has headers"


def _images(root: HtmlElement) -> Iterator[str]:
    for image in root.iter("img"):
        alt = image.get("alt")
        if alt is None:
            yield f"no alt: {image.get('src')}"
        elif re.search(r"\.(jpe?g|png|gif|webp)$", alt, re.IGNORECASE):
            yield f"a file name as alt: {alt}"
        elif alt and alt != alt.strip():
            yield f"spaces around alt: {alt!r}"


def _link_texts(root: HtmlElement) -> Iterator[str]:
    for link in root.iter("a"):
        text = _accessible_name(link)
        if link.get("aria-hidden") == "true":
            if link.get("tabindex") != "-1":
                yield "a hidden link can be focused"
        elif not text:
            yield f"no text: {link.get('href')}"
        elif text.casefold() in _VAGUE_LINKS:
            yield f"not descriptive: {text}"


def _title(root: HtmlElement) -> Iterator[str]:
    if not (root.findtext("head/title") or "").strip():
        yield "no title"


def _viewport(root: HtmlElement) -> Iterator[str]:
    for meta in root.iter("meta"):
        content = (meta.get("content") or "").replace(" ", "")
        if meta.get("name") == "viewport" and re.search(r"user-scalable=no|maximum-scale", content):
            yield "zooming is switched off"


def _heading_order(root: HtmlElement) -> Iterator[str]:
    levels = [int(element.tag[1]) for element in root.iter(*_HEADINGS)]
    if levels[:1] != [1] or levels.count(1) != 1:
        yield f"not one h1, and first: {levels}"
    yield from (f"h{level} after h{last}" for last, level in pairwise(levels) if level > last + 1)


def _heading_texts(root: HtmlElement) -> Iterator[str]:
    for element in root.iter(*_HEADINGS):
        if not _accessible_name(element):
            yield f"an empty {element.tag}"


def _text_size(root: HtmlElement) -> Iterator[str]:
    for element in root.body.iter("*"):
        size = _SIZE.search(element.get("style") or "")
        if size and float(size[1]) < SMALLEST_TEXT and _has_text(element):
            yield f"{size[1]} px: {element.text_content().strip()[:40]}"


def _justified(root: HtmlElement) -> Iterator[str]:
    for element in root.body.iter("*"):
        if re.search(r"text-align:\s*justify", element.get("style") or ""):
            yield f"justified: {element.text_content().strip()[:40]}"


def _ids(root: HtmlElement) -> Iterator[str]:
    ids = [element.get("id") for element in root.iter("*") if element.get("id")]
    yield from (f"{name} twice" for name in {name for name in ids if ids.count(name) > 1})


def _lists(root: HtmlElement) -> Iterator[str]:
    for element in root.iter("ul", "ol"):
        yield from (
            f"<{child.tag}> in a list" for child in element.iterchildren("*") if child.tag != "li"
        )
    for item in root.iter("li"):
        if item.getparent().tag not in {"ul", "ol"}:
            yield "an item outside of a list"


def _vml(root: HtmlElement) -> Iterator[str]:
    for comment in root.iter(html.etree.Comment):
        for shape in re.findall(r"<v:\w+[^>]*>", str(comment.text)):
            if " alt=" not in shape:
                yield f"VML without alt: {shape[:60]}"


def _accessible_name(element: HtmlElement) -> str:
    pictures = " ".join(image.get("alt") or "" for image in element.iter("img"))
    return " ".join(
        f"{element.get('aria-label') or ''} {element.text_content()} {pictures}".split()
    )


def _has_text(element: HtmlElement) -> bool:
    return isinstance(element.tag, str) and bool(element.text_content().strip())


CHECKS: dict[str, Check] = {
    "html requires lang and dir": _document_language,
    "content inside body requires lang": _wrapped("lang"),
    "content inside body requires dir": _wrapped("dir"),
    "the mail is one labelled article": _article,
    "layout tables require a role": _layout_tables,
    "images require alternative text": _images,
    "links require discernible, descriptive text": _link_texts,
    "a document requires a title": _title,
    "zooming must be possible": _viewport,
    "headings in order, h1 once": _heading_order,
    "headings require text": _heading_texts,
    "text of 14 px at least": _text_size,
    "no justified text": _justified,
    "ids are unique": _ids,
    "lists are lists": _lists,
    "VML requires alternative text": _vml,
}
