"""A mailbox by IMAP (RFC 9051), with UIDPLUS and MOVE where the server has them."""

import imaplib
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from digest.bounces.mailboxes import oauth
from digest.bounces.mailboxes.address import MailboxAddress
from digest.bounces.mailboxes.errors import MailboxError, UnreadableMessageError
from digest.bounces.mailboxes.oauth import Grant
from digest.bounces.mailboxes.sessions import ANSWER_SECONDS, explain, tls_context
from digest.bounces.reading.structure import LARGEST_MAIL

Answer = TypeVar("Answer")
PART = 256 * 1024  # octets that are asked for at once
_FAILURES = (imaplib.IMAP4.error, OSError, EOFError)


class ImapSession:
    """Implements `sessions.Session`; a key is `UIDVALIDITY/UID`."""

    def __init__(self, address: MailboxAddress) -> None:
        self.address = address
        self._folder_exists = False
        self._imap = self._attempt(self._connect)
        self._capabilities = set(self._imap.capabilities)
        try:
            self._attempt(self._sign_in)
            # Servers offer more after the login.
            self._capabilities = self._attempt(self._ask_capabilities)
            self.validity = self._attempt(self._select)
        except BaseException:
            self.abort()
            raise

    def keys(self) -> list[str]:
        """Return the keys of all messages."""
        data = self._uid("SEARCH", "ALL")
        return [f"{self.validity}/{int(uid)}" for uid in (data[0] or b"").split()]

    def fetch(self, key: str) -> bytes:
        """Return a message up to LARGEST_MAIL octets, by parts; it stays unread."""
        content = bytearray()
        while len(content) < LARGEST_MAIL:
            part = self._fetch_part(key, len(content), min(PART, LARGEST_MAIL - len(content)))
            content += part
            if len(part) < PART:
                break
        return bytes(content)

    def _fetch_part(self, key: str, start: int, size: int) -> bytes:
        data = self._uid("FETCH", _uid_of(key), f"(BODY.PEEK[]<{start}.{size}>)")
        for item in data:
            if isinstance(item, tuple):
                return bytes(item[1])
        if start:
            return b""  # nothing is behind the last octet
        raise UnreadableMessageError(f"The server has no message {key}.")

    def clear(self, key: str) -> None:
        """Move a message to the address's folder, or delete it."""
        uid = _uid_of(key)
        if self.address.move_to and self._offers("MOVE"):
            self._ensure_folder()
            self._uid("MOVE", uid, _quoted(self.address.move_to))
            return
        if self.address.move_to:
            self._ensure_folder()
            self._uid("COPY", uid, _quoted(self.address.move_to))
        self._uid("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)")
        # Without UIDPLUS, EXPUNGE would also delete what other programs have marked.
        if self._offers("UIDPLUS"):
            self._uid("EXPUNGE", uid)

    def close(self) -> None:
        """Sign out."""
        with suppress(*_FAILURES):
            self._imap.logout()

    def abort(self) -> None:
        """Hang up."""
        with suppress(*_FAILURES):
            self._imap.shutdown()

    def _connect(self) -> imaplib.IMAP4:
        place = (self.address.host, self.address.port)
        if self.address.tls:
            return imaplib.IMAP4_SSL(*place, ssl_context=tls_context(), timeout=ANSWER_SECONDS)
        imap = imaplib.IMAP4(*place, timeout=ANSWER_SECONDS)
        if self.address.starttls:
            imap.starttls(tls_context())
        return imap

    def _sign_in(self) -> None:
        if self.address.grant:
            self._sign_in_by_token(self.address.grant)
            return
        login = f"\0{self.address.user}\0{self.address.password}".encode()
        if self._offers("AUTH=PLAIN"):
            # The library encodes it in Base64 itself.
            self._imap.authenticate("PLAIN", lambda _challenge: login)
        else:
            self._imap.login(_quoted(self.address.user), self.address.password)

    def _sign_in_by_token(self, grant: Grant) -> None:
        """Use XOAUTH2, which Google and Microsoft document; a refusal comes as a challenge."""
        if not self._offers("AUTH=XOAUTH2"):
            raise MailboxError(f"{self.address.host} does not offer to sign in with XOAUTH2.")
        token = oauth.access_token(grant).access_token
        login = f"user={self.address.user}\x01auth=Bearer {token}\x01\x01".encode()
        try:
            self._imap.authenticate("XOAUTH2", lambda challenge: b"" if challenge else login)
        except imaplib.IMAP4.error as problem:
            oauth.forget(grant)
            raise MailboxError(
                f"{self.address.host} refuses the token for {self.address.user}. Check the user, "
                "and that the client may read mail by IMAP."
            ) from problem

    def _select(self) -> int:
        status, data = self._imap.select(_quoted(self.address.folder))
        if status != "OK":
            raise MailboxError(f"There is no folder {self.address.folder}: {_text(data)}.")
        _, validity = self._imap.response("UIDVALIDITY")
        return int((validity and validity[0]) or 0)

    def _ensure_folder(self) -> None:
        if not self._folder_exists:
            # It exists already, or the server says so when a message is moved.
            self._attempt(lambda: self._imap.create(_quoted(self.address.move_to)))
            self._folder_exists = True

    def _offers(self, capability: str) -> bool:
        return capability in self._capabilities

    def _ask_capabilities(self) -> set[str]:
        _, data = self._imap.capability()
        return set(data[-1].decode("ascii", "replace").upper().split())

    def _uid(self, command: str, *arguments: str) -> list[Any]:
        status, data = self._attempt(lambda: self._imap.uid(command, *arguments))
        if status != "OK":
            raise MailboxError(f"{self.address.host} refuses {command}: {_text(data)}.")
        return data

    def _attempt(self, work: Callable[[], Answer]) -> Answer:
        try:
            return work()
        except _FAILURES as problem:
            raise explain(problem, self.address) from problem


def _uid_of(key: str) -> str:
    return key.rpartition("/")[2]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _text(data: list[Any]) -> str:
    first = data[0] if data else b""
    return first.decode(errors="replace")[:200] if isinstance(first, bytes) else "no reason given"
