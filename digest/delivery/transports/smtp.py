"""Plain SMTP: one connection, one message after the other.

    connect, EHLO, STARTTLS, AUTH    once, and again after MESSAGES messages or a broken line
    MAIL, RCPT, DATA, message        for each message

A 4xx or 5xx to RCPT or to the message concerns that reader alone. Whatever the relay says to us
before it knows the reader (greeting, TLS, AUTH, MAIL) concerns us, and so does 421 at any moment:
nobody's attempt is used up by it.
"""

import re
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from digest.core.errors import ConfigurationError
from digest.delivery.errors import RelayDownError, ReplyLostError
from digest.delivery.transports.base import Envelope, Reply

MESSAGES = 500  # for each connection
CONNECT_SECONDS = 30
COMMAND_SECONDS = 300  # RFC 5321 §4.5.3.2.2, .3
FINAL_SECONDS = 600  # RFC 5321 §4.5.3.2.6
LOOPBACK = {"localhost", "127.0.0.1", "::1"}

_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_DOT = re.compile(rb"(?m)^\.")
_FIELDS = re.compile(rb"\s+")


class StartTls(StrEnum):
    """When to encrypt a connection that begins in the clear."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """Where the relay is and how to speak to it."""

    host: str
    port: int
    tls: bool = False  # from the first byte (smtps)
    starttls: StartTls = StartTls.REQUIRED
    user: str = ""
    password: str = field(default="", repr=False)


def parse_address(url: str) -> RelayAddress:
    """Read `smtp://user:password@host:587?starttls=required` or `smtps://…`.

    STARTTLS with a verified certificate is required beyond this machine unless the URL says
    otherwise. Raises ConfigurationError without repeating the URL: it may hold a password.
    """
    try:
        parts = urlsplit(url)
        port, query = parts.port, parse_qs(parts.query, strict_parsing=bool(parts.query))
        starttls = StartTls(query.pop("starttls", [_usual(parts.hostname)])[0])
    except ValueError as cause:
        raise ConfigurationError(f"DIGEST_SMTP_URL cannot be read: {cause}") from cause
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or query:
        raise ConfigurationError("DIGEST_SMTP_URL: use smtp://user:password@host:587 or smtps://…")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not (user + password).isascii():
        raise ConfigurationError("DIGEST_SMTP_URL: user and password can only be ASCII")
    tls = parts.scheme == "smtps"
    return RelayAddress(
        host=parts.hostname,
        port=port or (465 if tls else 25),
        tls=tls,
        starttls=StartTls.NEVER if tls else starttls,
        user=user,
        password=password,
    )


class SmtpTransport:
    """Hands mail to one relay over SMTP."""

    def __init__(self, address: RelayAddress) -> None:
        self.address = address
        self._smtp: smtplib.SMTP | None = None
        self._sent = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def deliver(self, envelope: Envelope, message: bytes) -> Reply:
        """Hand one message over; see Transport.deliver."""
        body = _on_the_wire(message)
        smtp = self._connection()
        try:
            return self._introduce(smtp, envelope, body) or self._hand_over(smtp, body)
        except ReplyLostError:
            self._drop()
            raise
        except (OSError, smtplib.SMTPException) as cause:
            self._drop()
            raise RelayDownError(f"The connection to {self.address.host} broke: {cause}") from cause

    def check(self) -> str:
        """Connect, and return how the relay greets us; raise RelayDownError if it doesn't."""
        smtp = self._connection()
        return _line(smtp.ehlo_resp or smtp.helo_resp or b"")

    def close(self) -> None:
        """Say goodbye, without insisting."""
        if self._smtp is not None:
            with suppress(OSError, smtplib.SMTPException):
                self._smtp.quit()
        self._drop()

    def _connection(self) -> smtplib.SMTP:
        if self._smtp is not None and self._sent >= MESSAGES:
            self.close()
        if self._smtp is None:
            self._smtp, self._sent = _connect(self.address), 0
        return self._smtp

    def _introduce(self, smtp: smtplib.SMTP, envelope: Envelope, body: bytes) -> Reply | None:
        """Say MAIL, RCPT and DATA; return the relay's word if it does not want the message."""
        plain = (envelope.sender + envelope.recipient).isascii()
        if not plain and not smtp.has_extn("smtputf8"):
            if not envelope.sender.isascii():
                raise RelayDownError(f"{self.address.host} has no SMTPUTF8, our sender needs it")
            return Reply(553, "5.6.7 The relay has no SMTPUTF8, which this address needs.")
        smtp.command_encoding = "ascii" if plain else "utf-8"
        reply = self._heard(*smtp.mail(envelope.sender, _options(smtp, body, plain=plain)))
        if not reply.accepted:
            self._reset(smtp)
            if reply.code == 552:  # RFC 1870 §6.1: too big, which is the message's own affair
                return reply
            raise RelayDownError(f"{self.address.host} refuses our sender: {_spoken(reply)}")
        reply = self._heard(*smtp.rcpt(envelope.recipient))
        if reply.accepted:
            reply = self._heard(*smtp.docmd("DATA"))
            if reply.code == 354:
                return None
        self._reset(smtp)
        return reply

    def _reset(self, smtp: smtplib.SMTP) -> None:
        """Get ready for the next message; a relay that hangs up now has spoken all the same."""
        try:
            ready = smtp.docmd("RSET")[0] == 250
        except (OSError, smtplib.SMTPException):
            ready = False
        if not ready:
            self._drop()

    def _hand_over(self, smtp: smtplib.SMTP, body: bytes) -> Reply:
        """Send the message with its final dot, and wait for the word on it."""
        smtp.send(body)  # fails before the dot has left, or not at all
        self._sent += 1
        try:
            if smtp.sock is not None:
                smtp.sock.settimeout(FINAL_SECONDS)
            answer = smtp.getreply()
            if smtp.sock is not None:
                smtp.sock.settimeout(COMMAND_SECONDS)
        except (OSError, smtplib.SMTPException) as cause:
            raise ReplyLostError(f"No reply after the message: {cause}") from cause
        return self._heard(*answer)

    def _heard(self, code: int, text: bytes) -> Reply:
        reply = Reply(code, _line(text))
        if code == 421:  # RFC 5321 §3.8: the relay is closing the connection
            self._drop()
            raise RelayDownError(f"{self.address.host} sent us away: {_spoken(reply)}")
        return reply

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
        self._smtp = None


def _options(smtp: smtplib.SMTP, body: bytes, *, plain: bool) -> list[str]:
    """Return what to tell in MAIL; extensions only where the relay has them."""
    options = [f"SIZE={len(body)}"] if smtp.has_extn("size") else []
    if not body.isascii() and smtp.has_extn("8bitmime"):
        options.append("BODY=8BITMIME")
    return options if plain else [*options, "SMTPUTF8"]


@cache
def _our_name() -> str:
    """Return how we greet: smtplib's choice, asked for once because it may ask the network."""
    return smtplib.SMTP().local_hostname


def _usual(host: str | None) -> StartTls:
    return StartTls.OPTIONAL if host in LOOPBACK else StartTls.REQUIRED


def _connect(address: RelayAddress) -> smtplib.SMTP:
    place = f"{address.host}:{address.port}"
    try:
        return _converse(address)
    except ssl.SSLError as cause:
        raise RelayDownError(f"No safe connection to {place}: {cause}") from cause
    except smtplib.SMTPResponseException as cause:
        words = f"{cause.smtp_code} {_line(_bytes(cause.smtp_error))}"
        raise RelayDownError(f"{place} does not let us in: {words}") from cause
    except (OSError, smtplib.SMTPException) as cause:
        raise RelayDownError(f"{place} cannot be reached: {cause}") from cause


def _converse(address: RelayAddress) -> smtplib.SMTP:
    context = ssl.create_default_context()
    smtp: smtplib.SMTP
    if address.tls:
        smtp = smtplib.SMTP_SSL(
            address.host, address.port, _our_name(), timeout=CONNECT_SECONDS, context=context
        )
    else:
        smtp = smtplib.SMTP(address.host, address.port, _our_name(), timeout=CONNECT_SECONDS)
    try:
        smtp.ehlo_or_helo_if_needed()
        _encrypt(smtp, address, context)
        if address.user:
            smtp.login(address.user, address.password)
    except BaseException:
        smtp.close()
        raise
    if smtp.sock is not None:
        smtp.sock.settimeout(COMMAND_SECONDS)
    return smtp


def _encrypt(smtp: smtplib.SMTP, address: RelayAddress, context: ssl.SSLContext) -> None:
    """Use STARTTLS as set (RFC 3207); on this machine an unverifiable certificate is no reason."""
    offered = smtp.has_extn("starttls")
    if address.starttls is StartTls.REQUIRED and not offered:
        raise smtplib.SMTPNotSupportedError(
            "it offers no STARTTLS (if that is meant to be: ?starttls=never)"
        )
    if address.starttls is StartTls.NEVER or not offered:
        return
    if address.starttls is StartTls.OPTIONAL:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    smtp.starttls(context=context)
    smtp.ehlo()


def _on_the_wire(message: bytes) -> bytes:
    """Stuff dots (RFC 5321 §4.5.2) and add the final one.

    A bare CR or LF could end the message early for a lenient relay (SMTP smuggling), so our own
    messages have none, and one that has is not sent.
    """
    if _BARE.search(message):
        raise ValueError("a message with a bare CR or LF")
    end = b"" if message.endswith(b"\r\n") else b"\r\n"
    return _DOT.sub(b"..", message) + end + b".\r\n"


def _line(text: bytes) -> str:
    decoded = _FIELDS.sub(b" ", text).decode("utf-8", "replace").strip()
    return "".join(character for character in decoded if character.isprintable())[:500]


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _spoken(reply: Reply) -> str:
    return f"{reply.code} {reply.text}"
