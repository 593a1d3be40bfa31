"""Unsaved issues to compile, and how a mail program reads what comes out."""

from collections.abc import Sequence
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr
from typing import Any

from digest.issues.models import Block, Issue, Story
from digest.newsletters.choices import BlockKind
from digest.newsletters.models import Appeal, Newsletter, Publication
from digest.rendering.compiled import Compiled, Recipient
from digest.rendering.issue import compile_issue
from tests.cast.newsletters import COURIER
from tests.clock import NOON

INES = Recipient(
    email="ines@reader.example",
    name="Inés Carrasco",
    unsubscribe_url="https://digest.example/unsubscribe/AbC_d-9",
    preferences_url="https://digest.example/preferences/AbC_d-9",
    message_id="7.42.a1b2@courier.example",
    date=NOON,
)


def issue(**fields: Any) -> Issue:
    """An unsaved issue for noon; fields of its publication and newsletter come in dicts."""
    publication = COURIER | {"slug": "courier"} | fields.pop("publication", {})
    newsletter = {
        "slug": "morning-tide",
        "name": "The Morning Tide",
        "list_id": "morning-tide.courier.example",
        # Plain text needs no sandbox; tests of templates bring their own.
        "subject": "The harbour, the seals and the ferry",
        "preheader": "",
    } | fields.pop("newsletter", {})
    newsletter_row = Newsletter(publication=Publication(**publication), **newsletter)
    return Issue(newsletter=newsletter_row, slot=NOON, **fields)


def story(position: int, block: str = "Latest Stories", **fields: Any) -> Story:
    """An unsaved story of a block with this title."""
    defaults = {
        "block": Block(kind=BlockKind.LATEST, title=block),
        "position": position,
        "title": f"Story number {position}.",
        "url": f"https://courier.example/story-{position}",
        "summary": f"Summary of number {position}.",
    }
    return Story(**defaults | fields)


def appeal(**fields: Any) -> Appeal:
    """An unsaved appeal."""
    defaults = {
        "heading": "A message from the newsroom",
        "body": "Subscribers pay for this.\n\nThank you.",
        "button": "Support us",
        "url": "https://courier.example/support",
    }
    return Appeal(**defaults | fields)


def blocks_of(stories: Sequence[Story], appeal: Appeal | None = None) -> list[Block]:
    """A lead for the first story, a block for each title, and the appeal behind the first."""
    titles = list(dict.fromkeys(story.block.title for story in stories[1:]))
    blocks = [Block(position=0, kind=BlockKind.LEAD)]
    blocks += [Block(kind=BlockKind.LATEST, title=title) for title in titles]
    if appeal:
        blocks.insert(2, Block(kind=BlockKind.APPEAL, appeal=appeal))
    for position, block in enumerate(blocks):
        block.position = position
    for number, row in enumerate(stories):
        by_title = {block.title: block for block in blocks if block.kind == BlockKind.LATEST}
        row.block = by_title[row.block.title] if number else blocks[0]
    return blocks


def compiled(*stories: Story, appeal: Appeal | None = None, **fields: Any) -> Compiled:
    """An issue of these stories (three where none are given), compiled."""
    rows = list(stories) or [story(n) for n in range(3)]
    return compile_issue(issue(**fields), blocks_of(rows, appeal), rows)


def opened(raw: bytes) -> EmailMessage:
    """What the standard library reads out of a mail."""
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def display_name(raw: bytes, field: str) -> str:
    """The name in From or To.

    The modern parser of Python 3.11 keeps the space between two encoded-words of a phrase, against
    RFC 2047 §6.2, so the older one reads it.
    """
    value = str(message_from_bytes(raw)[field])
    name = parseaddr("".join(value.splitlines()))[0]
    return str(make_header(decode_header(name)))


def part(raw: bytes, kind: str) -> str:
    """The text of the `plain` or `html` part."""
    body = opened(raw).get_body((kind,))
    assert isinstance(body, EmailMessage)
    return str(body.get_content()).replace("\r\n", "\n")


def wire_faults(raw: bytes) -> list[str]:
    """What is wrong with a mail's bytes: line ends, lengths, octets (RFC 5321, 5322, 2045)."""
    head, _, body = raw.partition(b"\r\n\r\n")
    bare = raw.replace(b"\r\n", b"")
    faults = [
        name for name, octet in (("CR", b"\r"), ("LF", b"\n"), ("NUL", b"\0")) if octet in bare
    ]
    faults += [f"header of {len(line)}" for line in head.split(b"\r\n") if len(line) > 998]
    faults += [f"line of {len(line)}" for line in body.split(b"\r\n") if len(line) > 76]
    faults += [
        "white space ends a line" for line in body.split(b"\r\n") if line[-1:] in b" \t" and line
    ]
    faults += ["starts with a dot" for line in body.split(b"\r\n") if line.startswith(b".")]
    if not body.isascii():
        faults.append("body is not ASCII")
    return faults
