"""HTML from anywhere as a document: what the schema has no place for is left out.

libxml2 reports start, end and text, and the builder keeps what is meant: no tree is built, so a
million nested elements cost no more than a million others. Word's and Google Docs' ways of saying
"list", "bold" and "not bold" are understood.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from lxml import etree

from digest.core.rich_text.building import Builder, Style
from digest.core.rich_text.checking import parse
from digest.core.rich_text.document import Document, RichTextError
from digest.core.rich_text.links import link_address
from digest.core.text import printable

LONGEST_HTML = 500_000  # characters
_HEADINGS = {"h1": 2, "h2": 2, "h3": 3, "h4": 3, "h5": 3, "h6": 3}
_CONTAINERS = {
    "ul": "bulletList",
    "ol": "orderedList",
    "li": "listItem",
    "blockquote": "blockquote",
}
_BLOCKS = frozenset(
    """
    address article aside body center dd details div dl dt fieldset figcaption figure footer form
    header hr html main nav p pre section summary table tbody td tfoot th thead tr
    """.split()  # noqa: SIM905  easier to read
)
_ENDS_BLOCK = _BLOCKS | _HEADINGS.keys() | _CONTAINERS.keys()
_SKIPPED = frozenset(
    """
    applet audio button canvas embed frameset head iframe input map math noembed noframes noscript
    object option script select style svg template textarea title video xmp
    """.split()  # noqa: SIM905  easier to read
)


def _declares(name: str, values: str) -> re.Pattern[str]:
    """Return the pattern of a declaration in CSS with one of these values."""
    return re.compile(rf"{name}\s*:\s*(?:{values})")


_BOLD = _declares("font-weight", "bold|bolder|[6-9]00")
_NOT_BOLD = _declares("font-weight", "normal|lighter|[1-4]00")
_ITALIC = _declares("font-style", "italic|oblique")
_NOT_ITALIC = _declares("font-style", "normal")
_WORD_LIST = _declares("mso-list", r"l\d")
_WORD_MARKER = _declares("mso-list", "ignore")


def from_html(html: str) -> Document:
    """Return HTML as a document, cleaned: scripts, styles, tables, foreign images are not in it.

    An image stays if it names one of our pictures (`<img data-picture="uuid" alt="…">`). A link
    that is not http, https or mailto becomes plain text. Raises RichTextError if it is too long.
    """
    if len(html) > LONGEST_HTML:
        raise RichTextError(
            f"The HTML is too long. At most {LONGEST_HTML:,} characters are possible."
        )
    source = printable(html).encode()
    target = _Target()
    if source.strip():
        parser: Any = etree.HTMLParser
        etree.fromstring(source, parser(target=target, encoding="utf-8"))
    return parse(target.builder.document())


class _Element(NamedTuple):
    """An open element, and what ends with it."""

    tag: str
    style: Style  # around it
    is_container: bool = False
    is_marker: bool = False


class _Target:
    """What the parser reports to."""

    def __init__(self) -> None:
        self.builder = Builder()
        self.open: list[_Element] = []
        self._elements: dict[_Element, _Element] = {}  # equal ones are one object, however many
        self.skipped = 0  # open elements whose text nobody sees
        self.verbatim = 0  # open elements whose line ends count

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self.skipped or tag in _SKIPPED:
            self.skipped += 1
            return
        css = attributes.get("style", "").lower()[:1000]
        is_marker = bool(css and _WORD_MARKER.search(css))
        around = self.builder.style
        is_container = self._begin(tag, css, attributes)
        element = _Element(tag, around, is_container, is_marker)
        self.open.append(self._elements.setdefault(element, element))
        if is_marker:
            self.builder.marker = ""
        self.builder.style = _styled(around, tag, css, attributes)

    def _begin(self, tag: str, css: str, attributes: Mapping[str, str]) -> bool:
        """Begin what an element stands for; return whether it is a container that has to end."""
        builder = self.builder
        if tag in _CONTAINERS:
            return builder.begin(_CONTAINERS[tag])
        if tag in _HEADINGS or tag in _BLOCKS:
            builder.flush()
            builder.level = _HEADINGS.get(tag, 0)
            builder.is_word_item = tag == "p" and bool(_WORD_LIST.search(css))
            self.verbatim += tag == "pre"
        elif tag == "br":
            builder.line_break()
        elif tag == "img":
            builder.image(attributes.get("data-picture", ""), attributes.get("alt", ""))
        return False

    def end(self, _tag: str) -> None:
        if self.skipped:
            self.skipped -= 1
            return
        if not self.open:
            return
        element = self.open.pop()
        self.builder.style = element.style
        if element.is_marker:
            self.builder.end_marker()
        if element.is_container:
            self.builder.end()
        elif element.tag in _ENDS_BLOCK:
            self.builder.flush()
            self.verbatim -= element.tag == "pre"

    def data(self, text: str) -> None:
        if not self.skipped:
            self.builder.text(text, is_verbatim=self.verbatim > 0)

    def comment(self, text: str) -> None:
        """Ignore a comment: Word's conditions are some."""

    def close(self) -> None:
        """End: nothing is left to do."""


def _styled(style: Style, tag: str, css: str, attributes: Mapping[str, str]) -> Style:
    """Return the style of the text in an element."""
    if tag == "a":
        style = style._replace(href=link_address(attributes.get("href", "")) or style.href)
    elif tag in {"b", "strong"}:
        style = style._replace(bold=True)
    elif tag in {"em", "i"}:
        style = style._replace(italic=True)
    return _styled_by_css(style, css) if css else style


def _styled_by_css(style: Style, css: str) -> Style:
    """Return a style with what CSS says about weight and slant."""
    if _BOLD.search(css):
        style = style._replace(bold=True)
    if _ITALIC.search(css):
        style = style._replace(italic=True)
    if _NOT_BOLD.search(css):
        style = style._replace(bold=False)
    return style._replace(italic=False) if _NOT_ITALIC.search(css) else style
