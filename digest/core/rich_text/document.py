"""The shape of a document, its limits, and what can be read from it."""

from collections.abc import Iterator
from typing import Any, Literal, NotRequired, TypedDict

from digest.core.errors import DigestError

MAX_CHARACTERS = 50_000  # of text, with alternative texts
MAX_NODES = 10_000
MAX_DEPTH = 10  # lists, items and quotes within each other: five levels of lists


class RichTextError(DigestError):
    """What should be a document is not one, or is too large."""


def too_long() -> RichTextError:
    """Return the error of a text that has more than a document may hold."""
    return RichTextError(
        f"The text is too long. At most {MAX_CHARACTERS:,} characters are possible."
    )


class Mark(TypedDict):
    """Formatting of a text: `bold`, `italic`, or `link` with `attrs` {"href": address}."""

    type: str
    attrs: NotRequired[dict[str, str]]


class Node(TypedDict):
    """A part of a document, as ProseMirror writes it in JSON."""

    type: str
    attrs: NotRequired[dict[str, Any]]
    content: NotRequired[list["Node"]]
    text: NotRequired[str]
    marks: NotRequired[list[Mark]]


class Document(TypedDict):
    """A whole document; it holds at least one block."""

    type: Literal["doc"]
    content: list[Node]


def empty() -> Document:
    """Return a document without text: one empty paragraph."""
    return {"type": "doc", "content": [{"type": "paragraph"}]}


def is_empty(document: Document) -> bool:
    """Return whether a document shows nothing: no picture, and no text but spaces."""
    return not any(
        node["type"] == "image" or node.get("text", "").strip() for node in nodes(document)
    )


def picture_ids(document: Document) -> list[str]:
    """Return the uuids of the pictures in a document, in their order."""
    return [node["attrs"]["picture"] for node in nodes(document) if node["type"] == "image"]


def plain_text(document: Document) -> str:
    """Return the text alone: blocks apart by blank lines, line breaks kept, no formatting."""
    blocks = (_block_text(block) for block in _text_blocks(document["content"]))
    return "\n\n".join(block for block in blocks if block)


def nodes(document: Document) -> Iterator[Node]:
    """Yield each node below the document, in the order of reading."""
    return _below(document["content"])


def _below(content: list[Node]) -> Iterator[Node]:
    for node in content:
        yield node
        yield from _below(node.get("content", []))


def _text_blocks(content: list[Node]) -> Iterator[Node]:
    return (node for node in _below(content) if node["type"] in {"paragraph", "heading"})


def _block_text(block: Node) -> str:
    parts = (
        "\n" if node["type"] == "hardBreak" else node["text"] for node in block.get("content", [])
    )
    return "".join(parts).strip()
