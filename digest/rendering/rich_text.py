"""Rich text in a mail: semantic HTML with classes for the theme to style, and plain text.

Nothing of a document reaches the HTML unescaped, and a link is a web or mail address or is left
out, whatever the document says: it may have been stored by an older version.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, Protocol
from urllib.parse import unquote

from markupsafe import Markup, escape

from digest.core.languages import text_direction
from digest.core.rich_text import Document, Node, link_address
from digest.core.text import printable
from digest.rendering.cleaned import mail_url
from digest.rendering.directions import dir_attribute, isolate_address, set_lines
from digest.rendering.targets import AddressOf, direct
from digest.rendering.wrapping import WIDTH, underline, wrap

LISTS = {"bulletList": "ul", "orderedList": "ol"}
_NARROWEST = 24  # columns of a text, however deep it is nested


class Picture(Protocol):
    """A picture as a mail shows it."""

    @property
    def url(self) -> str: ...
    @property
    def width(self) -> int:
        """Return the width in CSS pixels."""

    @property
    def height(self) -> int:
        """Return the height in CSS pixels."""


PictureOf = Callable[[str], Picture | None]  # by uuid; None: it is not shown


def no_pictures(_uuid: str) -> None:
    """Show no picture at all."""


def to_html(
    document: Document,
    picture_of: PictureOf = no_pictures,
    address_of: AddressOf = direct,
    *,
    base: str = "ltr",
    heading: int = 2,
) -> Markup:
    """Return a document as HTML for a mail set in `base`, `ltr` or `rtl`.

    `address_of` says where its links lead in the mail. `heading` is the level of its highest
    headings (`<h2>`); their classes stay `rt-h2` and `rt-h3`.
    """
    page = _Page(picture_of, address_of, base, heading)
    return _join(page.block(node, base) for node in document["content"])


def to_text(document: Document, address_of: AddressOf = direct, *, base: str = "ltr") -> str:
    """Return a document as plain text for a mail set in `base`, in lines of 72 columns."""
    page = _TextPage(address_of)
    blocks = (_set(page.block(node, WIDTH), base) for node in document["content"])
    return "\n\n".join(block for block in blocks if block.strip())


class _Page:
    """What all blocks of a document share."""

    def __init__(
        self, picture_of: PictureOf, address_of: AddressOf, base: str, heading: int
    ) -> None:
        self.picture_of = picture_of
        self.address_of = address_of
        self.base = base
        self.shift = heading - 2

    def block(self, node: Node, around: str) -> Markup:
        """Return a block's HTML, in an element set in the direction `around`."""
        match node["type"]:
            case "paragraph":
                return self._element("p", "rt-p", node, around, self._inline(node))
            case "heading":
                level = 3 if _attrs(node).get("level") == 3 else 2
                tag = f"h{min(level + self.shift, 6)}"
                return self._element(tag, f"rt-h{level}", node, around, self._inline(node))
            case "bulletList" | "orderedList":
                return self._list(node, around)
            case "blockquote":
                inner = self._children(node, around)
                return self._element("blockquote", "rt-quote", node, around, inner)
            case "image":
                return self._image(node)
            case _:
                return Markup()

    def _element(
        self, tag: str, name: str, node: Node, around: str, inner: Markup, more: str | Markup = ""
    ) -> Markup:
        """Return an element; one without any text is left out."""
        if not inner.strip():
            return Markup()
        direction = dir_attribute(_letters(node), around)
        return Markup('<{0} class="{1}"{2}{3}>{4}</{0}>').format(tag, name, more, direction, inner)

    def _children(self, node: Node, around: str) -> Markup:
        direction = text_direction(_letters(node), around)
        return _join(self.block(child, direction) for child in _content(node))

    def _list(self, node: Node, around: str) -> Markup:
        tag = LISTS[node["type"]]
        start = _start(node)
        more = Markup(' start="{}"').format(start) if tag == "ol" and start != 1 else ""
        direction = text_direction(_letters(node), around)
        items = _join(self._item(item, direction) for item in _content(node))
        return self._element(tag, f"rt-{tag}", node, around, items, more)

    def _item(self, item: Node, around: str) -> Markup:
        """Return a list item; its first paragraph needs no element of its own."""
        direction = text_direction(_letters(item), around)
        first, *rest = _content(item) or [{"type": "paragraph"}]
        lead = self._inline(first) if first["type"] == "paragraph" else self.block(first, direction)
        inner = lead + _join(self.block(child, direction) for child in rest)
        return self._element("li", "rt-li", item, around, inner)

    def _image(self, node: Node) -> Markup:
        picture = self.picture_of(str(_attrs(node).get("picture", "")))
        url = mail_url(picture.url) if picture else ""
        if not picture or not url:
            return Markup()
        return Markup(
            '<div class="rt-figure">'
            '<img class="rt-img" src="{}" width="{}" height="{}" alt="{}"></div>'
        ).format(url, picture.width, picture.height, _alt(node))

    def _inline(self, block: Node) -> Markup:
        """Return the texts of a block; a link is one element, whatever else its text has."""
        runs = groupby(_content(block), key=_href)
        return _join(self._linked(href, list(nodes)) for href, nodes in runs)

    def _linked(self, href: str, nodes: Sequence[Node]) -> Markup:
        html = _join(map(_formatted, nodes))
        if not href:
            return html
        address = self.address_of(href, _plain(nodes))
        return Markup('<a class="rt-a" href="{}">{}</a>').format(address, html)


def _formatted(node: Node) -> Markup:
    if node["type"] == "hardBreak":
        return Markup("<br>")
    html = escape(printable(node.get("text", "")))
    kinds = {mark["type"] for mark in node.get("marks", [])}
    if "italic" in kinds:
        html = Markup("<em>{}</em>").format(html)
    return Markup("<strong>{}</strong>").format(html) if "bold" in kinds else html


class _TextPage:
    """A document in lines of plain text."""

    def __init__(self, address_of: AddressOf) -> None:
        self.address_of = address_of

    def block(self, node: Node, width: int) -> str:
        """Return a block as lines of plain text, of at most `width` columns."""
        match node["type"]:
            case "paragraph":
                return self._paragraph_text(node, width)
            case "heading":
                text = " ".join(self._paragraph_text(node, width).split())
                return (
                    underline(text, "-" if _attrs(node).get("level") == 3 else "=") if text else ""
                )
            case "bulletList" | "orderedList":
                return "\n".join(filter(None, self._list_text(node, width)))
            case "blockquote":
                inner = self._texts(_content(node), width - 2, "\n\n")
                return (
                    "\n".join(f"> {line}".rstrip() for line in inner.split("\n")) if inner else ""
                )
            case "image":
                return f"[{_alt(node)}]" if _alt(node) else ""
            case _:
                return ""

    def _texts(self, content: Iterable[Node], width: int, separator: str) -> str:
        texts = (self.block(child, max(width, _NARROWEST)) for child in content)
        return separator.join(text for text in texts if text.strip())

    def _list_text(self, node: Node, width: int) -> Iterable[str]:
        start = _start(node)
        for number, item in enumerate(_content(node), start):
            sign = f"{number}. " if node["type"] == "orderedList" else "• "
            text = self._texts(_content(item), width - len(sign), "\n")
            yield sign + text.replace("\n", "\n" + " " * len(sign)) if text else ""

    def _paragraph_text(self, block: Node, width: int) -> str:
        direction = text_direction(_letters(block))
        lines = "".join(self._inline_texts(block, direction)).split("\n")
        return "\n".join(wrap(line, width) for line in lines).strip()

    def _inline_texts(self, block: Node, direction: str) -> Iterable[str]:
        """Yield the texts of a block, each link followed by its address."""
        for href, nodes in groupby(_content(block), key=_href):
            text = _plain(nodes)
            if not href:
                yield text
            elif _is_address(text, href):
                yield self._address(href, text)
            else:
                address = _visible_address(self.address_of(href, text))
                yield f"{text} ({isolate_address(address, direction)})"

    def _address(self, href: str, text: str) -> str:
        """Return what stands for a link whose text is its address: our address if it is tracked."""
        address = self.address_of(href, text)
        return text if address == href else address


def _plain(nodes: Iterable[Node]) -> str:
    return "".join("\n" if node["type"] == "hardBreak" else _line(node) for node in nodes)


def _line(node: Node) -> str:
    return printable(node.get("text", "")).replace("\n", " ")


def _is_address(text: str, href: str) -> bool:
    """Say whether the text of a link is the address that it leads to."""
    address = _visible_address(href).rstrip("/")
    return text.strip().rstrip("/") in {address, address.partition("://")[2]}


def _visible_address(href: str) -> str:
    """Return a link as plain text shows it: of a mailto link the address, without its subject."""
    if not href.startswith("mailto:"):
        return href
    return unquote(href.removeprefix("mailto:").partition("?")[0])


def _href(node: Node) -> str:
    """Return the link of a text; empty for none, and for what may not be a link."""
    for mark in node.get("marks", []):
        if mark["type"] == "link":
            href = link_address(str(mark.get("attrs", {}).get("href", "")))
            return href if href.startswith("mailto:") else mail_url(href)
    return ""


def _set(block: str, base: str) -> str:
    return set_lines(block, text_direction(block, base), base)


def _letters(node: Node) -> str:
    """Return all text below a node, for its direction."""
    return node.get("text", "") + "".join(map(_letters, _content(node)))


def _alt(node: Node) -> str:
    alt = _attrs(node).get("alt")
    return " ".join(printable(alt).split()) if isinstance(alt, str) else ""


def _start(node: Node) -> int:
    start = _attrs(node).get("start")
    return start if isinstance(start, int) else 1


def _attrs(node: Node) -> dict[str, Any]:
    return node.get("attrs") or {}


def _content(node: Node) -> list[Node]:
    return node.get("content") or []


def _join(parts: Iterable[Markup]) -> Markup:
    return Markup().join(parts)
