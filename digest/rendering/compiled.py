"""A compiled issue: ready bytes; a subscriber's mail is a join of them, with a few slots filled.

Head, text part and HTML part are rows of cuts. A cut is ready bytes (header lines, or a piece of
quoted-printable), optionally followed by a slot. It is included always or only with some of the
keys (stories by position from 0 on, blocks by `Block.key`, which is negative, and what belongs to a
variant by `variants`), and in mail, on the web or in both. Choosing a subscriber's stories, blocks
and variant is choosing cuts.
"""

import json
import zlib
from binascii import a2b_qp
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import astuple, dataclass, field, fields, replace
from datetime import datetime
from functools import lru_cache, partial
from html import escape

from digest.rendering import mime
from digest.rendering.blocks import variants
from digest.rendering.errors import RenderingError

VERSION = 5
_MOST_OCTETS = 16_000_000  # of a stored form, inflated
_CACHED_CHOICES = 64


@dataclass(slots=True)  # not frozen, which would take four times as long: a mail has one of its own
class Recipient:
    """The values that differ between subscribers."""

    email: str
    name: str  # may be empty
    unsubscribe_url: str  # absolute, http or https
    message_id: str  # left@right, with or without angle brackets
    date: datetime  # aware; faster if it is the same object for many
    preferences_url: str  # absolute
    unsubscribe_mailto: str = ""  # a mailto link, if inbound mail is read
    click: str = ""  # what follows the token of each tracked link: `/` and a token, or nothing
    subject: str = ""  # another than the issue's, where subjects are tested


@dataclass(frozen=True, slots=True)
class Cut:
    """Ready bytes, the slot after them, and when both are included."""

    ready: bytes  # ASCII
    slot: str = ""  # a name in SLOTS, or empty
    keys: tuple[int, ...] | None = None  # included with any of these; None: always
    shown_in: str = "both"  # mail, web (the public version) or both

    def is_included(self, chosen: Collection[int] | None, medium: str) -> bool:
        """Return whether it belongs to a mail or page with these keys; None: all usual ones."""
        if self.shown_in not in ("both", medium):
            return False
        if self.keys is None:
            return True
        if chosen is None:
            return variants.is_usual(self.keys)
        return any(key in chosen for key in self.keys)


# Links are in both parts.
_quoted = lru_cache(maxsize=16)(mime.quoted)
_quoted_html = lru_cache(maxsize=16)(lambda text: _quoted(escape(text)))
_subject = lru_cache(maxsize=16)(partial(mime.text_field, "Subject"))

# The content of each slot: in the head a whole field, in a part a piece of quoted-printable. Both
# are SMTP-safe whatever they are given (`mime.is_smtp_safe`, which tests hold for each slot), so a
# mail of 28 KB is not looked through again.
SLOTS: dict[str, Callable[[Recipient], bytes]] = {
    "to": lambda recipient: mime.mailbox_field("To", recipient.name, recipient.email),
    "subject": lambda recipient: _subject(recipient.subject),
    "date": lambda recipient: mime.date_field(recipient.date),
    "message_id": lambda recipient: mime.message_id_field(recipient.message_id),
    "list_unsubscribe": lambda recipient: mime.unsubscribe_field(
        recipient.unsubscribe_url, recipient.unsubscribe_mailto
    ),
    "text_email": lambda recipient: _quoted(recipient.email),
    "text_unsubscribe_url": lambda recipient: _quoted(recipient.unsubscribe_url),
    "text_preferences_url": lambda recipient: _quoted(recipient.preferences_url),
    "html_preferences_url": lambda recipient: _quoted_html(recipient.preferences_url),
    "html_email": lambda recipient: _quoted_html(recipient.email),
    "html_unsubscribe_url": lambda recipient: _quoted_html(recipient.unsubscribe_url),
    "text_click": lambda recipient: _quoted(recipient.click),
    "html_click": lambda recipient: _quoted(recipient.click),  # nothing that HTML would escape
}
CLICKS = frozenset({"text_click", "html_click"})


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
    names_subscribers: bool = False  # in tracked links, so that a subscriber's clicks are counted
    _forms: dict[frozenset[int] | None, "_Form"] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def message(self, recipient: Recipient, *, keys: Collection[int] | None = None) -> bytes:
        """Return a subscriber's mail: a full RFC 5322 message with CRLF line ends.

        `keys` are the stories and blocks to include, None for all. It contains non-ASCII bytes
        only if the address has a non-ASCII local part, and then it needs SMTPUTF8 (RFC 6531). No
        line starts with a dot (`mime.is_smtp_safe`). Raises RenderingError for an address, link or
        Message-ID that is not allowed in a header.
        """
        if not recipient.subject:
            recipient = replace(recipient, subject=self.subject)
        return self._form(None if keys is None else frozenset(keys)).fill(recipient)

    def html(self, keys: Collection[int] | None = None, *, click: str = "") -> str:
        """Return the public web version, without anything for one subscriber.

        `click` is what follows the token of each tracked link, as in `Recipient`.
        """
        return _public(self.html_cuts, None if keys is None else frozenset(keys), click)

    def text(self, keys: Collection[int] | None = None, *, click: str = "") -> str:
        """Return the text version, without anything for one subscriber."""
        return _public(self.text_cuts, None if keys is None else frozenset(keys), click)

    def dumps(self) -> bytes:
        """Return bytes to store: deflated JSON of ASCII pieces, with a version."""
        values = {row.name: getattr(self, row.name) for row in fields(self) if row.init}
        for name in _CUTS:
            values[name] = [(cut.ready.decode("ascii"), *astuple(cut)[1:]) for cut in values[name]]
        return zlib.compress(json.dumps({"version": VERSION} | values).encode())

    @classmethod
    def loads(cls, data: bytes) -> "Compiled":
        """Read what `dumps` wrote; raise RenderingError for anything else."""
        try:
            values = json.loads(_inflate(data))
            version = values.pop("version")
            for name in _CUTS:
                values[name] = tuple(_read_cut(*row) for row in values[name])
            values["dropped"] = tuple(values["dropped"])
            compiled = cls(**values)
        except (ValueError, TypeError, KeyError, AttributeError, zlib.error) as cause:
            raise RenderingError("A stored issue cannot be read. Compile it again.") from cause
        if version != VERSION:
            raise RenderingError(
                f"A stored issue has version {version} instead of {VERSION}. Compile it again."
            )
        return compiled

    def _form(self, chosen: frozenset[int] | None) -> "_Form":
        """Return the mail for a choice of keys, with its slots open."""
        form = self._forms.get(chosen)
        if form is None:
            if len(self._forms) >= _CACHED_CHOICES:
                self._forms.clear()
            form = self._forms[chosen] = _Form(_join(self._mail(chosen)))
        return form

    def _mail(self, chosen: frozenset[int] | None) -> Iterable[bytes | str]:
        line = f"--{self.boundary}".encode("ascii")
        yield from _pieces(self.head_cuts, chosen)
        for subtype, cuts in (("plain", self.text_cuts), ("html", self.html_cuts)):
            yield line + _PART % subtype.encode("ascii")
            yield from _pieces(cuts, chosen)
            yield mime.CRLF
        yield line + b"--\r\n"


class _Form:
    """The mail for one choice of keys: runs of ready bytes, and slots between them."""

    def __init__(self, row: Sequence[bytes | str]) -> None:
        self._pieces = [piece if isinstance(piece, bytes) else b"" for piece in row]
        names = {piece for piece in row if isinstance(piece, str)}
        # A slot that occurs in ten links is filled once.
        self._slots = [
            (SLOTS[name], [index for index, piece in enumerate(row) if piece == name])
            for name in sorted(names)
        ]

    def fill(self, recipient: Recipient) -> bytes:
        """Return a subscriber's mail."""
        pieces = self._pieces.copy()
        for fill, places in self._slots:
            content = fill(recipient)
            for place in places:
                pieces[place] = content
        return b"".join(pieces)


_CUTS = ("head_cuts", "text_cuts", "html_cuts")
_PART = (
    b'\r\nContent-Type: text/%b; charset="utf-8"\r\n'
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
)


def _pieces(cuts: Sequence[Cut], chosen: frozenset[int] | None) -> Iterable[bytes | str]:
    for cut in cuts:
        if cut.is_included(chosen, "mail"):
            yield cut.ready
            if cut.slot:
                yield cut.slot


def _join(pieces: Iterable[bytes | str]) -> list[bytes | str]:
    row: list[bytes | str] = []
    for piece in pieces:
        previous = row[-1] if row else None
        if isinstance(piece, bytes) and isinstance(previous, bytes):
            row[-1] = previous + piece
        else:
            row.append(piece)
    return row


def _public(cuts: Sequence[Cut], chosen: frozenset[int] | None, click: str) -> str:
    filling = mime.quoted(click)
    ready = b"".join(
        cut.ready + filling if cut.slot in CLICKS else cut.ready
        for cut in cuts
        if cut.is_included(chosen, "web")
    )
    return a2b_qp(ready).decode().replace("\r\n", "\n")


def _read_cut(ready: str, slot: str, keys: list[int] | None, shown_in: str) -> Cut:
    if slot and slot not in SLOTS:
        raise ValueError(slot)
    if shown_in not in ("both", "mail", "web"):
        raise ValueError(shown_in)
    if not mime.is_smtp_safe(ready.encode("ascii")):
        raise ValueError(ready)
    return Cut(ready.encode("ascii"), slot, None if keys is None else tuple(keys), shown_in)


def _inflate(data: bytes) -> bytes:
    decompressor = zlib.decompressobj()
    inflated = decompressor.decompress(data, _MOST_OCTETS)
    if not decompressor.eof:
        raise ValueError("truncated, or too large")
    return inflated
