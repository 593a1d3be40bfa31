"""An edition as ready bytes: a reader's mail is a join of them, with a few slots filled."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Recipient:
    """What differs from reader to reader."""

    email: str
    name: str  # may be empty
    unsubscribe_url: str  # absolute, http or https
    message_id: str  # left@right; angle brackets are added where they are missing
    date: datetime  # aware


@dataclass(frozen=True, slots=True)
class Compiled:
    """An edition, rendered, inlined and encoded once."""

    subject: str
    preheader: str
    dropped: tuple[int, ...]  # positions of stories that the size limit left out

    def message(self, recipient: Recipient, *, stories: Collection[int] | None = None) -> bytes:
        """Return a reader's mail: a full RFC 5322 message with CRLF line ends.

        `stories` are the positions to include, None for all. Non-ASCII bytes stand in it only when
        the address has a non-ASCII local part, and then it needs SMTPUTF8 (RFC 6531). Raises
        RenderingError for an address, link or Message-ID that may not stand in a header.
        """
        raise NotImplementedError

    def html(self) -> str:
        """Return the public web version, without anything that is for one reader."""
        raise NotImplementedError

    def text(self) -> str:
        """Return the text version, without anything that is for one reader."""
        raise NotImplementedError

    def dumps(self) -> bytes:
        """Return a form to store."""
        raise NotImplementedError

    @classmethod
    def loads(cls, data: bytes) -> "Compiled":
        """Read what `dumps` wrote; raise RenderingError for anything else."""
        raise NotImplementedError
