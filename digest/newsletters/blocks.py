"""What each kind of block contains: which keys its content may have, and how they are checked.

    note      document (rich text), author, role, picture
    text      document
    image     picture, shape ("crop" to 3:2, or "whole"), alt, caption, credit, url
    link      url, title, description, site, picture
    feedback  question, answers (2 to 5 texts)
    media     url, title, description, duration, picture, media ("podcast" or "video")

All keys are optional: a block may be unfinished, and the checks before sending say so. `picture` is
the UUID of a picture of the library, `document` a rich text document.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from digest.core import rich_text
from digest.core.text import LONGEST_URL, one_line, printable, web_url
from digest.core.uuids import as_uuid
from digest.newsletters.block_fields import BlockFields
from digest.newsletters.choices import BlockKind, BlockStyle, ShownIn
from digest.newsletters.errors import NewsletterError

LONGEST_TITLE = 200  # characters
LONGEST_LINE = 300
LONGEST_TEXT = 2_000
MOST_ANSWERS = 5
MEDIA = ("podcast", "video")
SHAPES = ("crop", "whole")  # of an image


def check_fields(block: BlockFields) -> None:
    """Put the fields of a block into the form they are stored in, or raise NewsletterError."""
    if block.kind not in BlockKind.values:
        raise NewsletterError(f"{block.kind!r} is not a kind of block.")
    if block.style not in BlockStyle.values:
        raise NewsletterError(f"{block.style!r} is not a style of a block.")
    if block.shown_in not in ShownIn.values:
        raise NewsletterError(f"{block.shown_in!r} is none of both, mail and web.")
    block.title = _short(block.title, "title", LONGEST_TITLE)
    block.content = checked_content(block.kind, block.content)


def checked_content(kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a block of a kind, cleaned; raise NewsletterError for what cannot be.

    Keys that this kind does not have are an error, so that nothing is lost silently.
    """
    if not isinstance(content, Mapping):
        raise NewsletterError("The content of a block is an object.")
    checks = _CHECKS.get(BlockKind(kind), {})
    if unknown := sorted(set(content) - set(checks)):
        raise NewsletterError(f"A block of the kind {kind} has no {unknown[0]!r}.")
    return {name: checks[name](name, value) for name, value in content.items()}


def keys_of(kind: str) -> tuple[str, ...]:
    """Return the keys that the content of a block of this kind may have."""
    return tuple(_CHECKS.get(BlockKind(kind), ()))


def picture_uuids(content: Any) -> Iterator[UUID]:
    """Yield the pictures that the content of a block names, those of its rich text too."""
    if isinstance(content, list):
        for part in content:
            yield from picture_uuids(part)
    elif isinstance(content, dict):
        for name, value in content.items():
            if name == "picture" and isinstance(value, str):
                yield from filter(None, [as_uuid(value)])
            else:
                yield from picture_uuids(value)


def is_empty(block: BlockFields) -> bool:
    """Say whether a block has nothing to show; story and message blocks are filled elsewhere."""
    content = block.content
    match block.kind:
        case BlockKind.NOTE | BlockKind.TEXT:
            return not content.get("document")
        case BlockKind.IMAGE:
            return not content.get("picture")
        case BlockKind.LINK | BlockKind.MEDIA:
            return not (content.get("url") and content.get("title"))
        case BlockKind.FEEDBACK:
            return not (content.get("question") and content.get("answers"))
    return False


def have_content(blocks: Iterable[BlockFields]) -> bool:
    """Say whether one of these blocks shows something besides stories."""
    own = (block for block in blocks if not block.has_stories)
    return any(not (is_empty(block) or _has_blank_text(block)) for block in own)


def _has_blank_text(block: BlockFields) -> bool:
    document = block.content.get("document")
    return document is not None and rich_text.is_empty(rich_text.parse(document))


def _short(text: Any, name: str, longest: int) -> str:
    if not isinstance(text, str):
        raise NewsletterError(f"The {name} is not a text.")
    line = one_line(text)
    if len(line) > longest:
        raise NewsletterError(f"The {name} has {longest} characters at most.")
    return line


def _line(name: str, value: Any) -> str:
    return _short(value, name, LONGEST_LINE)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise NewsletterError(f"The {name} is a text of {LONGEST_TEXT:,} characters at most.")
    return printable(value).strip()


def _url(name: str, value: Any) -> str:
    address = web_url(value.strip()) if isinstance(value, str) else ""
    if value and (not address or len(address) > LONGEST_URL):
        raise NewsletterError(f"The {name} is not a web address. Begin it with https://.")
    return address


def _picture(name: str, value: Any) -> str:
    if not value:
        return ""
    try:
        return str(UUID(value))
    except (ValueError, AttributeError, TypeError) as cause:
        raise NewsletterError(f"The {name} is not a picture of the library.") from cause


def _document(name: str, value: Any) -> dict[str, Any]:
    """Return a rich text document; empty without anything to show."""
    try:
        document = rich_text.parse(value)
    except rich_text.RichTextError as cause:
        raise NewsletterError(f"The {name}: {cause}") from cause
    return {} if rich_text.is_empty(document) else dict(document)


def _answers(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > MOST_ANSWERS:
        raise NewsletterError(f"A feedback question has {MOST_ANSWERS} answers at most.")
    return [line for answer in value if (line := _line(name, answer))]


def _media(name: str, value: Any) -> str:
    if value not in MEDIA:
        raise NewsletterError(f"The {name} is podcast or video.")
    return str(value)


def _shape(name: str, value: Any) -> str:
    if value not in SHAPES:
        raise NewsletterError(f"The {name} is crop or whole.")
    return str(value)


Check = Callable[[str, Any], Any]

_CHECKS: dict[BlockKind, dict[str, Check]] = {
    BlockKind.NOTE: {"document": _document, "author": _line, "role": _line, "picture": _picture},
    BlockKind.TEXT: {"document": _document},
    BlockKind.IMAGE: {
        "picture": _picture,
        "shape": _shape,
        "alt": _line,
        "caption": _line,
        "credit": _line,
        "url": _url,
    },
    BlockKind.LINK: {
        "url": _url,
        "title": _line,
        "description": _text,
        "site": _line,
        "picture": _picture,
    },
    BlockKind.FEEDBACK: {"question": _line, "answers": _answers},
    BlockKind.MEDIA: {
        "url": _url,
        "title": _line,
        "description": _text,
        "duration": _line,
        "picture": _picture,
        "media": _media,
    },
}
