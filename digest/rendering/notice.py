"""Render a notice as a mail: the theme's HTML and a text part, inlined once per letter.

The text of a notice is a Letter (digest.rendering.letters). Its links are slots, so a letter to ten
thousand people is rendered and inlined once; each mail is then a join.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from html import escape
from secrets import token_hex
from typing import NamedTuple

from digest.core.languages import direction
from digest.newsletters.models import Publication
from digest.rendering import environment, mime
from digest.rendering.cleaned import LONGEST_SUBJECT, mail_url, shortened
from digest.rendering.content import address_lines
from digest.rendering.cutting import Marks, Piece
from digest.rendering.inlining import inline
from digest.rendering.themes.branding import tokens_of
from digest.rendering.themes.theme import Tokens, theme_of


class Teaser(NamedTuple):
    """A story in a letter."""

    title: str
    url: str
    summary: str


@dataclass(frozen=True, slots=True)
class Letter:
    """The text of a notice in one language, without markup; links are names of slots."""

    language: str
    subject: str
    heading: str
    paragraphs: tuple[str, ...]
    button: tuple[str, str] | None = None  # its label, the slot of its link
    after: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()  # like the button
    stories_heading: str = ""
    stories: tuple[Teaser, ...] = ()


@dataclass(frozen=True, slots=True)
class Masthead:
    """The publication that a letter comes from."""

    name: str
    url: str
    postal_lines: tuple[str, ...]
    sender_name: str
    sender_email: str
    reply_to: str
    tokens: Tokens

    @classmethod
    def of(cls, publication: Publication) -> "Masthead":
        """Return the masthead of a publication."""
        return cls(
            name=publication.name,
            url=mail_url(publication.url),
            postal_lines=tuple(address_lines(publication)),
            sender_name=publication.sender_name,
            sender_email=publication.sender_email,
            reply_to=publication.reply_to,
            tokens=tokens_of(publication),
        )


@dataclass(frozen=True, slots=True)
class Addressee:
    """The values that differ between mails."""

    email: str
    message_id: str  # left@right
    date: datetime  # aware
    links: Mapping[str, str]  # slot: absolute link
    unsubscribe_url: str = ""  # adds the one-click header fields
    unsubscribe_mailto: str = ""


def compose(letter: Letter, masthead: Masthead, to: Addressee, *, replied: bool = False) -> bytes:
    """Return the mail: RFC 5322 with CRLF.

    `replied` means that it answers a mail (RFC 3834 §3.1.7). Raises RenderingError for a value that
    is not allowed in a header.
    """
    text, html = _compiled(letter, masthead)
    boundary = f"=_{token_hex(12)}"
    plain = "".join(_fill(piece, to.links) for piece in text)
    rich = "".join(_fill(piece, to.links, html=True) for piece in html)
    return b"".join(
        [
            *_head(letter, masthead, to, boundary, replied=replied),
            *_part(boundary, "plain", plain),
            *_part(boundary, "html", rich),
            f"--{boundary}--\r\n".encode("ascii"),
        ]
    )


@lru_cache(maxsize=256)
def _compiled(letter: Letter, masthead: Masthead) -> tuple[Sequence[Piece], Sequence[Piece]]:
    """Render and inline; the result is the same for everyone who gets the letter."""
    text_direction = direction(letter.language)
    values = {
        "letter": letter,
        "mast": masthead,
        "theme": theme_of(masthead.tokens, text_direction),
        "direction": text_direction,
    }
    return (
        _cut("text", "notice.txt.j2", letter, values),
        _cut("html", "notice.html.j2", letter, values),
    )


def _cut(kind: str, template: str, letter: Letter, values: dict[str, object]) -> Sequence[Piece]:
    marks = Marks("html" if kind == "html" else "text", slots=None)
    rendered = environment.render(template, values | {"marks": marks}, letter.language)
    return marks.cut(inline(rendered) if kind == "html" else rendered)


def _fill(piece: Piece, links: Mapping[str, str], *, html: bool = False) -> str:
    if not piece.slot:
        return piece.text
    link = links[piece.slot.partition("_")[2]]  # a slot's name starts with the kind of its document
    return piece.text + (escape(link) if html else link)


def _head(
    letter: Letter, masthead: Masthead, to: Addressee, boundary: str, *, replied: bool
) -> list[bytes]:
    kind = b"auto-replied" if replied else b"auto-generated"
    return [
        mime.mailbox_field("From", masthead.sender_name, masthead.sender_email),
        mime.mailbox_field("To", "", to.email),
        mime.mailbox_field("Reply-To", "", masthead.reply_to) if masthead.reply_to else b"",
        mime.text_field("Subject", shortened(letter.subject, LONGEST_SUBJECT)),
        mime.date_field(to.date),
        mime.message_id_field(to.message_id),
        mime.one_click_fields(to.unsubscribe_url, to.unsubscribe_mailto),
        b"Auto-Submitted: " + kind + b"\r\n",
        b"X-Auto-Response-Suppress: All\r\n",  # Exchange obeys this one instead
        mime.language_field(letter.language),
        b"MIME-Version: 1.0\r\n",
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'.encode("ascii"),
    ]


def _part(boundary: str, subtype: str, text: str) -> list[bytes]:
    return [
        f'--{boundary}\r\nContent-Type: text/{subtype}; charset="utf-8"\r\n'.encode("ascii"),
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n",
        mime.quoted(text),
        mime.CRLF,
    ]
