"""An issue as ready bytes: a subscriber's mail is a join of them, with a few slots filled.

Head, text part and HTML part are rows of cuts. A cut is ready bytes (header lines, or a piece of
quoted-printable), perhaps followed by a slot, and it says when it is shown: always, only with some
of the stories, only in mail and not on the web. Choosing a subscriber's stories is choosing cuts.
"""

import json
import zlib
from binascii import a2b_qp
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import astuple, dataclass, field, fields
from datetime import datetime
from functools import lru_cache
from html import escape
from typing import Any

from digest.rendering import mime
from digest.rendering.errors import RenderingError

VERSION = 2
_LARGEST = 16_000_000  # octets of a stored form, inflated
_CHOICES_KEPT = 64


@dataclass(frozen=True, slots=True)
class Recipient:
    """What differs from subscriber to subscriber."""

    email: str
    name: str  # may be empty
    unsubscribe_url: str  # absolute, http or https
    message_id: str  # left@right; angle brackets are added where they are missing
    date: datetime  # aware
    preferences_url: str  # absolute
    unsubscribe_mailto: str = ""  # a mailto link, where mail that comes in is read


@dataclass(frozen=True, slots=True)
class Cut:
    """Ready bytes, the slot after them, and when both are shown."""

    ready: bytes  # ASCII
    slot: str = ""  # a name in SLOTS, or empty
    stories: tuple[int, ...] | None = None  # shown with any of these positions; None: always
    mail_only: bool = False  # not in the public web version

    def shown(self, chosen: Collection[int] | None) -> bool:
        """Say whether a subscriber with these stories sees it."""
        return (
            self.stories is None or chosen is None or any(each in chosen for each in self.stories)
        )


# Links stand in both parts.
_quoted = lru_cache(maxsize=16)(mime.quoted)

# What fills each slot; in the head a whole field, in a part a piece of quoted-printable.
SLOTS: dict[str, Callable[[Recipient], bytes]] = {
    "to": lambda to: mime.mailbox_field("To", to.name, to.email),
    "date": lambda to: mime.date_field(to.date.replace(microsecond=0)),
    "message_id": lambda to: mime.message_id_field(to.message_id),
    "list_unsubscribe": lambda to: mime.unsubscribe_field(
        to.unsubscribe_url, to.unsubscribe_mailto
    ),
    "text_email": lambda to: _quoted(to.email),
    "text_unsubscribe_url": lambda to: _quoted(to.unsubscribe_url),
    "text_preferences_url": lambda to: _quoted(to.preferences_url),
    "html_preferences_url": lambda to: _quoted(escape(to.preferences_url)),
    "html_email": lambda to: _quoted(escape(to.email)),
    "html_unsubscribe_url": lambda to: _quoted(escape(to.unsubscribe_url)),
}


@dataclass(frozen=True, slots=True)
class Compiled:
    """An issue, rendered, inlined and encoded once."""

    subject: str
    preheader: str
    dropped: tuple[int, ...]  # positions of stories that the size limit left out
    boundary: str
    head_cuts: tuple[Cut, ...] = field(repr=False)
    text_cuts: tuple[Cut, ...] = field(repr=False)
    html_cuts: tuple[Cut, ...] = field(repr=False)
    _rows: dict[frozenset[int] | None, list[bytes | str]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def message(self, recipient: Recipient, *, stories: Collection[int] | None = None) -> bytes:
        """Return a subscriber's mail: a full RFC 5322 message with CRLF line ends.

        `stories` are the positions to include, None for all. Non-ASCII bytes stand in it only when
        the address has a non-ASCII local part, and then it needs SMTPUTF8 (RFC 6531). No line
        starts with a dot (`mime.is_smtp_safe`). Raises RenderingError for an address, link or
        Message-ID that may not stand in a header.
        """
        filled = {name: fill(recipient) for name, fill in SLOTS.items()}
        if not all(map(mime.is_smtp_safe, filled.values())):
            raise RenderingError(f"The mail to {recipient.email!r} would not be safe to send.")
        row = self._row(None if stories is None else frozenset(stories))
        return b"".join([each if isinstance(each, bytes) else filled[each] for each in row])

    def html(self, stories: Collection[int] | None = None) -> str:
        """Return the public web version, without anything that is for one subscriber."""
        return _public(self.html_cuts, None if stories is None else frozenset(stories))

    def text(self, stories: Collection[int] | None = None) -> str:
        """Return the text version, without anything that is for one subscriber."""
        return _public(self.text_cuts, None if stories is None else frozenset(stories))

    def dumps(self) -> bytes:
        """Return a form to store: deflated JSON of ASCII pieces, with a version."""
        facts = {each.name: getattr(self, each.name) for each in fields(self) if each.init}
        for name in _CUTS:
            facts[name] = [(cut.ready.decode("ascii"), *astuple(cut)[1:]) for cut in facts[name]]
        return zlib.compress(json.dumps({"version": VERSION} | facts).encode())

    @classmethod
    def loads(cls, data: bytes) -> "Compiled":
        """Read what `dumps` wrote; raise RenderingError for anything else."""
        try:
            facts = json.loads(_inflated(data))
            version = facts.pop("version")
            for name in _CUTS:
                facts[name] = tuple(_cut(*each) for each in facts[name])
            facts["dropped"] = tuple(facts["dropped"])
            made = cls(**facts)
        except (ValueError, TypeError, KeyError, AttributeError, zlib.error) as cause:
            raise RenderingError("A stored issue cannot be read; compile it again.") from cause
        if version != VERSION:
            raise RenderingError(
                f"A stored issue is of version {version}, not {VERSION}; compile it again."
            )
        return made

    def _row(self, chosen: frozenset[int] | None) -> list[bytes | str]:
        """Return the mail of one choice of stories: long runs of bytes, and names of slots."""
        row = self._rows.get(chosen)
        if row is None:
            if len(self._rows) >= _CHOICES_KEPT:
                self._rows.clear()
            row = self._rows[chosen] = _joined(self._mail(chosen))
        return row

    def _mail(self, chosen: frozenset[int] | None) -> Iterable[bytes | str]:
        line = f"--{self.boundary}".encode("ascii")
        yield from _pieces(self.head_cuts, chosen)
        for subtype, cuts in (("plain", self.text_cuts), ("html", self.html_cuts)):
            yield line + _PART % subtype.encode("ascii")
            yield from _pieces(cuts, chosen)
            yield mime.CRLF
        yield line + b"--\r\n"


_CUTS = ("head_cuts", "text_cuts", "html_cuts")
_PART = (
    b'\r\nContent-Type: text/%b; charset="utf-8"\r\n'
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
)


def _pieces(cuts: Sequence[Cut], chosen: frozenset[int] | None) -> Iterable[bytes | str]:
    for cut in cuts:
        if cut.shown(chosen):
            yield cut.ready
            if cut.slot:
                yield cut.slot


def _joined(pieces: Iterable[bytes | str]) -> list[bytes | str]:
    row: list[bytes | str] = []
    for piece in pieces:
        before = row[-1] if row else None
        if isinstance(piece, bytes) and isinstance(before, bytes):
            row[-1] = before + piece
        else:
            row.append(piece)
    return row


def _public(cuts: Sequence[Cut], chosen: frozenset[int] | None) -> str:
    ready = b"".join(cut.ready for cut in cuts if cut.shown(chosen) and not cut.mail_only)
    return a2b_qp(ready).decode().replace("\r\n", "\n")


def _cut(ready: str, slot: str, stories: list[int] | None, mail_only: Any) -> Cut:
    if slot and slot not in SLOTS:
        raise ValueError(slot)
    positions = None if stories is None else tuple(stories)
    if not mime.is_smtp_safe(ready.encode("ascii")):
        raise ValueError(ready)
    return Cut(ready.encode("ascii"), slot, positions, bool(mail_only))


def _inflated(data: bytes) -> bytes:
    inflate = zlib.decompressobj()
    whole = inflate.decompress(data, _LARGEST)
    if not inflate.eof:
        raise ValueError("cut short, or too large")
    return whole
