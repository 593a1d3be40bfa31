"""From an address to a session that is ready for mail: greeting, EHLO, STARTTLS, AUTH.

The standard library's smtplib holds this part of the conversation, in blocking calls: it is said
once a connection. The socket is then taken over.
"""

import smtplib
import socket
import ssl
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from digest.relays.errors import RelayDownError
from digest.relays.transports.smtp.address import Auth, RelayAddress, StartTls
from digest.relays.transports.smtp.wire import line

CONNECT_SECONDS = 30


@dataclass(slots=True)
class Session:
    """A connection on which the relay waits for MAIL."""

    socket: socket.socket
    extensions: frozenset[str]  # lower case, as EHLO listed them
    largest: int  # octets of a message, 0: not said (RFC 1870)
    greeting: str


def connect(address: RelayAddress) -> Session:
    """Open a session; raise RelayDownError in words for the person who runs this."""
    place = f"{address.host}:{address.port}"
    try:
        return _session(_converse(address))
    except ssl.SSLError as cause:
        raise RelayDownError(f"No safe connection to {place}: {cause}") from cause
    except smtplib.SMTPResponseException as cause:
        words = f"{cause.smtp_code} {line(_bytes(cause.smtp_error))}"
        raise RelayDownError(f"{place} does not let us in: {words}") from cause
    except (OSError, smtplib.SMTPException) as cause:
        raise RelayDownError(f"{place} cannot be reached: {cause}") from cause


def _session(smtp: smtplib.SMTP) -> Session:
    if smtp.sock is None:
        raise smtplib.SMTPServerDisconnected("the connection was closed")
    if smtp.file is not None:
        smtp.file.close()  # holds the socket open beside us otherwise
    smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    size = smtp.esmtp_features.get("size", "").strip()
    return Session(
        socket=smtp.sock,
        extensions=frozenset(smtp.esmtp_features),
        largest=int(size) if size.isdecimal() else 0,
        greeting=line(smtp.ehlo_resp or smtp.helo_resp or b""),
    )


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
            _log_in(smtp, address)
    except BaseException:
        smtp.close()
        raise
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


def _log_in(smtp: smtplib.SMTP, address: RelayAddress) -> None:
    smtp.user, smtp.password = address.user, _password(address)
    if address.auth is Auth.ANY:
        smtp.login(smtp.user, smtp.password)
    elif address.auth is Auth.PLAIN:
        smtp.auth("PLAIN", smtp.auth_plain)
    elif address.auth is Auth.LOGIN:
        smtp.auth("LOGIN", smtp.auth_login)
    else:
        bearer = f"user={smtp.user}\1auth=Bearer {smtp.password}\1\1"

        def answer(challenge: bytes | None = None) -> str:
            # A challenge tells what was wrong in JSON; an empty answer ends it with a 535.
            return bearer if challenge is None else ""

        smtp.auth("XOAUTH2", answer)


def _password(address: RelayAddress) -> str:
    return (
        Path(address.password_file).read_text().strip()
        if address.password_file
        else (address.password)
    )


@cache
def _our_name() -> str:
    """Return how we greet: smtplib's choice, asked for once because it may ask the network."""
    return smtplib.SMTP().local_hostname


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
