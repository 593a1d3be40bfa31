"""A document built from left to right: blocks begin and end, texts and line breaks come in between.

The result is in the schema by construction, as far as nesting goes; its sizes and texts are checked
afterwards. Building ends early where there are more texts than a document may hold.
"""

import re
from typing import Any, NamedTuple
from uuid import UUID

from digest.core.rich_text.document import MAX_DEPTH, MAX_NODES, Mark, Node, too_long

_SPACES = re.compile(r"[ \t\r\n\f]+")
_LONGEST_MARKER = 20  # characters
_LISTS = frozenset({"bulletList", "orderedList"})
_NUMBER = re.compile(r"\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]")  # of an item of Word's lists


class Style(NamedTuple):
    """How a text is formatted."""

    href: str = ""
    bold: bool = False
    italic: bool = False

    @property
    def marks(self) -> list[Mark]:
        link: list[Mark] = [{"type": "link", "attrs": {"href": self.href}}] if self.href else []
        bold: list[Mark] = [{"type": "bold"}] if self.bold else []
        italic: list[Mark] = [{"type": "italic"}] if self.italic else []
        return link + bold + italic


class Builder:
    """What has been built, and where the next text goes."""

    def __init__(self) -> None:
        self.style = Style()
        self.level = 0  # of the heading that a text belongs to; 0: a paragraph
        self.is_word_item = False
        self.marker: str | None = None  # a list item's bullet or number, while it is read
        self._markers = ""
        self._containers: list[tuple[str, list[Node]]] = [("doc", [])]
        self._inline: list[Node] = []
        self._texts = 0

    def document(self) -> dict[str, Any]:
        """End everything and return the document, still unchecked."""
        self.flush()
        while len(self._containers) > 1:
            self.end()
        return {"type": "doc", "content": self._containers[0][1]}

    def begin(self, kind: str) -> bool:
        """Begin a list, list item or quote; return False where there is no place for it."""
        self.flush()
        around = self._containers[-1][0]
        if kind == "listItem" and around not in _LISTS:
            return False
        if kind == "blockquote" and around != "doc":
            return False
        if len(self._containers) >= MAX_DEPTH:
            return False
        self._containers.append((kind, []))
        return True

    def end(self) -> None:
        """End the container that began last."""
        self.flush()
        kind, content = self._containers.pop()
        if content:
            self._add({"type": kind, "content": content})

    def text(self, text: str, *, is_verbatim: bool = False) -> None:
        """Add text; a run of white space is one space, unless line ends count."""
        if self.marker is not None:
            self.marker = (self.marker + text)[:_LONGEST_MARKER]
        elif is_verbatim:
            first, *rest = text.split("\n")
            self._append(first)
            for line in rest:
                self.line_break()
                self._append(line)
        else:
            self._append(_SPACES.sub(" ", text))

    def line_break(self) -> None:
        """Add a line break; two in a row separate paragraphs."""
        if self._inline and self._inline[-1]["type"] == "hardBreak":
            level = self.level
            self.flush()
            self.level = level
        elif self._inline:
            self._inline.append({"type": "hardBreak"})

    def image(self, picture: str, alt: str) -> None:
        """Add one of our pictures, by its uuid; any other image is left out."""
        try:
            key = str(UUID(picture))
        except ValueError:
            return
        self.flush()
        if len(self._containers) == 1:
            self._add({"type": "image", "attrs": {"picture": key, "alt": alt}})

    def end_marker(self) -> None:
        """End a list item's bullet or number, which says what kind of list it is in."""
        self._markers, self.marker = (self.marker or "").strip(), None

    def flush(self) -> None:
        """End the paragraph or heading."""
        content = _trimmed(self._inline)
        if content and self.is_word_item:
            self._add_word_item({"type": "paragraph", "content": content})
        elif content:
            self._add(self._block(content))
        self._inline, self.level, self.is_word_item, self._markers = [], 0, False, ""

    def _append(self, text: str) -> None:
        at_start = not self._inline or self._inline[-1]["type"] == "hardBreak"
        if at_start or self._inline[-1]["text"].endswith(" "):
            text = text.lstrip(" ")
        if text:
            self._count()
            marks = self.style.marks
            node: Node = {"type": "text", "text": text}
            self._inline.append({**node, "marks": marks} if marks else node)

    def _count(self) -> None:
        self._texts += 1
        if self._texts > MAX_NODES:
            raise too_long()

    def _block(self, content: list[Node]) -> Node:
        if self.level and self._containers[-1][0] == "doc":
            return {"type": "heading", "attrs": {"level": self.level}, "content": content}
        return {"type": "paragraph", "content": content}

    def _add(self, block: Node) -> None:
        """Add a block to the container; in a list it goes into an item."""
        kind, content = self._containers[-1]
        if kind not in _LISTS or block["type"] == "listItem":
            content.append(block)
        elif content and block["type"] in _LISTS:
            content[-1]["content"].append(block)
        else:
            content.append({"type": "listItem", "content": [block]})

    def _add_word_item(self, paragraph: Node) -> None:
        """Add a paragraph that Word shows as a list item to the list before it."""
        around, content = self._containers[-1]
        if around != "doc":
            self._add(paragraph)
            return
        kind = "orderedList" if _NUMBER.fullmatch(self._markers) else "bulletList"
        if not content or content[-1]["type"] != kind:
            content.append({"type": kind, "content": []})
        content[-1]["content"].append({"type": "listItem", "content": [paragraph]})


def _trimmed(inline: list[Node]) -> list[Node]:
    """Return texts without the line break and spaces at their end; nothing if all is blank."""
    while inline and not inline[-1].get("text", "").strip(" "):
        inline.pop()
    if inline:
        inline[-1]["text"] = inline[-1]["text"].rstrip(" ")
    return inline if any(node.get("text", "").strip() for node in inline) else []
