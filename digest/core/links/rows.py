"""Tokens that name rows: their ids, and 64 bits of their UUIDs.

After a restore the ids are given again, to other rows, and `RowsLink.require` refuses the old link
(docs/decisions/0022).
"""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from digest.core.errors import LinkError, LinkGoneError
from digest.core.links.tokens import DAMAGED, decode_varints, encode, read_payload, sign_octets

OUTDATED = "This link belongs to nobody any more. Use the link in a newer mail."
CHECK = 8  # octets


class Named(Protocol):
    """A row that a link names (digest.core.uuids)."""

    @property
    def pk(self) -> int: ...

    @property
    def uuid(self) -> UUID: ...


class Row(NamedTuple):
    """What a link needs of a row."""

    pk: int
    uuid: UUID


NOBODY = Row(0, UUID(int=0))  # the subscriber of a test mail


def row_of_mailbox(address_key: str) -> Row:
    """Return what binds a link to an address, which has no row of its own."""
    return Row(0, UUID(bytes=hashlib.sha256(address_key.encode()).digest()[:16]))


class RowsLink(NamedTuple):
    """What a token that names rows carries: their ids, and a check value of their UUIDs."""

    ids: tuple[int, ...]
    check: bytes
    expired: bool = False

    def matches(self, *rows: Named) -> bool:
        """Say whether the link was made for these rows, in this order."""
        return hmac.compare_digest(self.check, check_of(rows))

    def require(self, *rows: Named) -> None:
        """Raise LinkGoneError unless the link was made for these rows, in this order."""
        if not self.matches(*rows):
            raise LinkGoneError(OUTDATED)


def sign_rows(purpose: str, *rows: Named) -> str:
    """Return a token that names these rows alone, and never expires."""
    return encode(sign_octets(purpose, [row.pk for row in rows], check_of(rows)))


def sign_rows_until(purpose: str, until: datetime, *rows: Named) -> str:
    """Return a token like `sign_rows`'s that expires after `until` (aware; whole seconds count)."""
    ids = [int(until.timestamp()), *(row.pk for row in rows)]
    return encode(sign_octets(purpose, ids, check_of(rows)))


def read_rows(purpose: str, token: str, *, count: int | None = None) -> RowsLink:
    """Return what a token of `sign_rows` carries, not yet compared with the rows as they are now.

    Raises LinkError for a token that is not one of ours, or names another number of rows.
    """
    payload = read_payload(purpose, token)
    ids = tuple(decode_varints(payload[:-CHECK]))
    if count not in {None, len(ids)}:
        raise LinkError(DAMAGED)
    return RowsLink(ids, payload[-CHECK:])


def read_rows_until(
    purpose: str, token: str, now: datetime, *, count: int | None = None
) -> tuple[RowsLink, datetime]:
    """Return what a token of `sign_rows_until` carries, expired or not, and its last second (UTC).

    Raises LinkError for a token that is not one of ours.
    """
    link = read_rows(purpose, token, count=None if count is None else count + 1)
    if not link.ids:
        raise LinkError(DAMAGED)
    until, *ids = link.ids
    end = datetime.fromtimestamp(until, tz=UTC)
    return RowsLink(tuple(ids), link.check, expired=now.timestamp() > until), end


def check_of(rows: Iterable[Named]) -> bytes:
    """Return 64 bits that only these rows have; their UUIDs are random."""
    uuids = b"".join([row.uuid.bytes for row in rows])
    return hashlib.sha256(uuids).digest()[:CHECK]
