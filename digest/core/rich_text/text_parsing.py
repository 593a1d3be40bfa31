"""Plain text as a document, and what a form sends: JSON by the editor, text without JavaScript."""

import re

from digest.core.rich_text.checking import from_json, parse
from digest.core.rich_text.document import (
    MAX_CHARACTERS,
    Document,
    Node,
    RichTextError,
    plain_text,
)
from digest.core.text import printable

_BLANK_LINES = re.compile(r"\n[ ]*(?:\n[ ]*)+")


def from_text(text: str) -> Document:
    """Return plain text as a document: blank lines separate paragraphs, line ends are kept.

    Raises RichTextError for more than 50,000 characters.
    """
    if len(text) > MAX_CHARACTERS:
        raise RichTextError(
            f"The text is too long. At most {MAX_CHARACTERS:,} characters are possible."
        )
    paragraphs = _BLANK_LINES.split(printable(text).strip())
    return parse({"type": "doc", "content": [_paragraph(part) for part in paragraphs if part]})


def from_field(value: str, previous: Document) -> Document:
    """Return what a form's rich text field sent, which had shown `previous`.

    The editor sends JSON. Without JavaScript it is a plain text: if nobody changed it, `previous`
    keeps its formatting. Raises RichTextError.
    """
    if value.lstrip().startswith('{"type":"doc"'):
        return from_json(value)
    text = value.replace("\r\n", "\n")
    return previous if text.strip() == plain_text(previous) else from_text(text)


def _paragraph(text: str) -> Node:
    content: list[Node] = []
    for line in text.split("\n"):
        content += [{"type": "hardBreak"}, {"type": "text", "text": line.strip()}]
    return {"type": "paragraph", "content": content[1:]}
