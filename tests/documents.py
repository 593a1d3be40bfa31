"""Rich text documents for tests, written briefly."""

from typing import Any

PICTURE = "6f1c1a4e-0b0a-4f1c-9d43-1f0c6a3b2d10"


def document(*blocks: Any) -> dict[str, Any]:
    """Return a document with these blocks."""
    return {"type": "doc", "content": list(blocks)}


def block(kind: str, *content: Any, **attrs: Any) -> dict[str, Any]:
    """Return a node of any kind."""
    return {"type": kind} | ({"attrs": attrs} if attrs else {}) | {"content": list(content)}


def paragraph(*content: Any) -> dict[str, Any]:
    """Return a paragraph."""
    return block("paragraph", *content)


def text(value: str, *marks: Any) -> dict[str, Any]:
    """Return a text with marks."""
    return {"type": "text", "text": value} | ({"marks": list(marks)} if marks else {})


def link(href: object) -> dict[str, Any]:
    """Return the mark of a link."""
    return {"type": "link", "attrs": {"href": href}}


def image(picture: object = PICTURE, alt: str = "") -> dict[str, Any]:
    """Return an image with a picture of the library."""
    return {"type": "image", "attrs": {"picture": picture, "alt": alt}}


def nested(levels: int) -> dict[str, Any]:
    """Return lists within each other."""
    node = paragraph(text("deep"))
    for _ in range(levels):
        node = block("bulletList", block("listItem", paragraph(text("x")), node))
    return node
