"""Checking: any JSON becomes a document of exactly our schema, or is refused with a reason.

What ProseMirror would refuse is put right where nothing is lost by it: empty texts and lists go,
neighbours with the same formatting become one, a list item begins with a paragraph.
"""

import json
from collections.abc import Iterable
from itertools import groupby
from typing import Any
from uuid import UUID

from digest.core.rich_text.document import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_NODES,
    Document,
    Mark,
    Node,
    RichTextError,
    empty,
    too_long,
)
from digest.core.rich_text.links import link_address
from digest.core.text import one_line, printable

LONGEST_JSON = 2_000_000  # characters; the largest document takes less than half of it
LONGEST_ALT = 500  # characters
INNER = frozenset({"paragraph", "bulletList", "orderedList"})  # in quotes and list items
OUTER = INNER | {"heading", "blockquote", "image"}
_MARKS = ("link", "bold", "italic")  # in the order in which the editor nests them
_NAMES = {
    "doc": "The text",
    "paragraph": "A paragraph",
    "heading": "A heading",
    "bulletList": "A list",
    "orderedList": "A list",
    "listItem": "A list item",
    "blockquote": "A quote",
}


def from_json(source: str) -> Document:
    """Return the document in a JSON text; the empty one for a blank text. Raises RichTextError."""
    if len(source) > LONGEST_JSON:
        raise too_long()
    if not source.strip():
        return empty()
    try:
        return parse(json.loads(source))
    except (ValueError, RecursionError) as cause:
        raise RichTextError("The text cannot be read: it is not a JSON document.") from cause


def parse(value: object) -> Document:
    """Return a value from JSON as a document; None and {} are the empty one.

    Control characters, bidi overrides and lone surrogates are removed, attributes that the schema
    does not have are dropped. Raises RichTextError for another shape, more than 50,000 characters,
    lists in more than five levels, and links that are not http, https or mailto.
    """
    if value is None or value == {}:
        return empty()
    if not isinstance(value, dict) or value.get("type") != "doc":
        raise RichTextError('A text is a JSON object of the type "doc".')
    blocks = _Checker().blocks(value, "doc", OUTER, 0)
    return {"type": "doc", "content": blocks} if blocks else empty()


class _Checker:
    """One walk over a value: what it has come across counts towards the limits."""

    def __init__(self) -> None:
        self.characters = 0
        self.nodes = 0

    def blocks(self, value: Any, parent: str, allowed: Iterable[str], depth: int) -> list[Node]:
        """Return the checked children of a node that holds blocks."""
        if depth > MAX_DEPTH:
            raise RichTextError(
                f"Lists are nested too deeply. At most {MAX_DEPTH // 2} levels are possible."
            )
        children = (self._block(child, parent, allowed, depth) for child in self._children(value))
        return [child for child in children if child]

    def _block(self, value: Any, parent: str, allowed: Iterable[str], depth: int) -> Node | None:
        kind = _kind_of(value)
        if kind not in allowed:
            raise RichTextError(f"{_NAMES[parent]} cannot contain “{kind[:40]}”.")
        match kind:
            case "paragraph":
                return _node(kind, self._inline(value, kind))
            case "heading":
                level = _attribute(value, "level")
                if level not in {2, 3} or isinstance(level, bool):
                    raise RichTextError("A heading has the level 2 or 3.")
                return _node(kind, self._inline(value, kind), {"level": level})
            case "image":
                return self._image(value)
            case _:
                return self._container(value, kind, depth)

    def _container(self, value: Any, kind: str, depth: int) -> Node | None:
        """Return a list, list item or quote; None for an empty one."""
        allowed = {"listItem"} if kind in {"bulletList", "orderedList"} else INNER
        content = self.blocks(value, kind, allowed, depth + 1)
        if not content:
            return (
                {"type": kind, "content": [{"type": "paragraph"}]} if kind == "listItem" else None
            )
        if kind == "listItem" and content[0]["type"] != "paragraph":
            content.insert(0, {"type": "paragraph"})
        return _node(kind, content, {"start": _start(value)} if kind == "orderedList" else None)

    def _image(self, value: Any) -> Node:
        picture, alt = _attribute(value, "picture"), _attribute(value, "alt")
        try:
            picture = str(UUID(picture))
        except (TypeError, ValueError, AttributeError) as cause:
            raise RichTextError("An image needs a picture of the library.") from cause
        alt = one_line(alt, LONGEST_ALT) if isinstance(alt, str) else ""
        self._count(alt)
        return {"type": "image", "attrs": {"picture": picture, "alt": alt}}

    def _inline(self, value: Any, parent: str) -> list[Node]:
        """Return the texts and line breaks of a paragraph or heading."""
        parts = [self._part(child, parent) for child in self._children(value)]
        return _joined(part for part in parts if part)

    def _part(self, value: Any, parent: str) -> Node | None:
        kind = _kind_of(value)
        if kind == "hardBreak":
            return {"type": kind}
        if kind != "text" or not isinstance(value.get("text"), str):
            raise RichTextError(f"{_NAMES[parent]} cannot contain “{kind[:40]}”.")
        self._count(value["text"])
        text = printable(value["text"]).replace("\n", " ")
        marks = self._marks(value)
        if not text:
            return None
        node: Node = {"type": "text", "text": text}
        return {**node, "marks": marks} if marks else node

    def _marks(self, value: Any) -> list[Mark]:
        """Return the marks of a text, each kind once, in one order."""
        marks = {mark["type"]: mark for mark in map(_mark, self._children(value, "marks"))}
        return [marks[kind] for kind in _MARKS if kind in marks]

    def _children(self, value: Any, key: str = "content") -> list[Any]:
        children = value.get(key)
        if children is None:
            return []
        if not isinstance(children, list):
            raise RichTextError(f"“{key}” has to be a list.")
        self.nodes += len(children)
        if self.nodes > MAX_NODES:
            raise too_long()
        return children

    def _count(self, text: str) -> None:
        self.characters += len(text)
        if self.characters > MAX_CHARACTERS:
            raise too_long()


def _mark(value: Any) -> Mark:
    kind = _kind_of(value)
    if kind not in _MARKS:
        raise RichTextError(f"“{kind[:40]}” is not a formatting that a text can have.")
    if kind != "link":
        return {"type": kind}
    href = _attribute(value, "href")
    address = link_address(href) if isinstance(href, str) else ""
    if not address:
        raise RichTextError(
            f"“{one_line(str(href), 100)}” is not a link. Links begin with https://, http:// or "
            "mailto:."
        )
    return {"type": kind, "attrs": {"href": address}}


def _joined(parts: Iterable[Node]) -> list[Node]:
    """Join neighbouring texts with the same marks."""
    joined: list[Node] = []
    for is_text, run in groupby(
        parts, key=lambda part: (part["type"] == "text", part.get("marks"))
    ):
        pieces = list(run)
        if is_text[0]:
            joined.append(pieces[0] | {"text": "".join(piece["text"] for piece in pieces)})
        else:
            joined += pieces
    return joined


def _node(kind: str, content: list[Node], attrs: dict[str, Any] | None = None) -> Node:
    node: Node = {"type": kind}
    if attrs:
        node["attrs"] = attrs
    if content:
        node["content"] = content
    return node


def _kind_of(value: Any) -> str:
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise RichTextError('Each part of a text is a JSON object with a "type".')
    return str(value["type"])


def _attribute(value: Any, name: str) -> Any:
    attrs = value.get("attrs")
    return attrs.get(name) if isinstance(attrs, dict) else None


def _start(value: Any) -> int:
    """Return the number of a list's first item, 1 unless it is a sensible number."""
    start = _attribute(value, "start")
    is_number = isinstance(start, int) and not isinstance(start, bool)
    return start if is_number and 0 <= start <= 9999 else 1
