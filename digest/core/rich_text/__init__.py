"""Rich text: what editors write, as a small document that is checked whenever it comes in.

A document is ProseMirror's JSON with exactly these nodes: `doc`, `paragraph`, `heading` (levels 2
and 3), `bulletList`, `orderedList`, `listItem`, `blockquote`, `image`, `text`, `hardBreak`; and
these marks: `bold`, `italic`, `link`. Quotes and list items hold paragraphs and lists only. It is
stored as it is, in JSON. `digest.rendering.rich_text` makes HTML and plain text of it.
"""

from digest.core.rich_text.checking import from_json, parse
from digest.core.rich_text.document import (
    MAX_CHARACTERS,
    Document,
    Mark,
    Node,
    RichTextError,
    empty,
    is_empty,
    picture_ids,
    plain_text,
)
from digest.core.rich_text.html_parsing import from_html
from digest.core.rich_text.links import link_address
from digest.core.rich_text.text_parsing import from_field, from_text

__all__ = [
    "MAX_CHARACTERS",
    "Document",
    "Mark",
    "Node",
    "RichTextError",
    "empty",
    "from_field",
    "from_html",
    "from_json",
    "from_text",
    "is_empty",
    "link_address",
    "parse",
    "picture_ids",
    "plain_text",
]
