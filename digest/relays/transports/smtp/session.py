"""From an address to a session that is ready for mail: greeting, EHLO, STARTTLS, AUTH.

The standard library's smtplib makes these blocking calls, once for each connection. The socket then
belongs to a conversation.
"""

import smtplib
import socket
import ssl
import time
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from digest.relays.errors import RelayDownError
from digest.relays.transports.base import Reply
from digest.relays.transports.reasons import reason_of
from digest.relays.transports.smtp.address import Auth, RelayAddress, StartTls
from digest.relays.transports.smtp.advice import advice_for
from digest.relays.transports.smtp.capabilities import Capabilities
from digest.relays.transports.smtp.wire import reply_text

CONNECT_SECONDS = 30


@dataclass(slots=True)
class Session:
    """A connection on which the relay is ready for MAIL."""

    socket: socket.socket
    capabilities: Capabilities
    greeting: str


def connect(address: RelayAddress) -> Session:
    """Open a session; raises RelayDownError, written for the person who runs the installation."""
    server = f"{address.host}:{address.port}"
    try:
        return _session(_log_in_at(address))
    except smtplib.SMTPResponseException as cause:
        reply = Reply(cause.smtp_code, reply_text(_octets(cause.smtp_error)))
        raise RelayDownError(
            f"{server} refuses us: {reply.code} {reply.text}",
            reply=reply,
            advice=advice_for(cause),
        ) from cause
    except ssl.SSLError as cause:
        problem = f"{server} cannot be reached with encryption: {reason_of(cause)}"
        raise RelayDownError(problem, advice=advice_for(cause)) from cause
    except (OSError, smtplib.SMTPException) as cause:
        problem = f"{server} cannot be reached: {reason_of(cause)}"
        raise RelayDownError(problem, advice=advice_for(cause)) from cause
    except ValueError as cause:  # a host that is not a name, a challenge that is not Base64
        problem = f"{server} cannot be used: {cause}"
        raise RelayDownError(problem, advice=advice_for(cause)) from cause


def _session(smtp: smtplib.SMTP) -> Session:
    if smtp.sock is None:
        raise smtplib.SMTPServerDisconnected("the connection was closed")
    if smtp.file is not None:
        smtp.file.close()  # it would hold the socket open
    smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Session(
        socket=smtp.sock,
        capabilities=Capabilities.of(smtp.esmtp_features),
        greeting=reply_text(smtp.ehlo_resp or smtp.helo_resp or b""),
    )


def _log_in_at(address: RelayAddress) -> smtplib.SMTP:
    smtp: smtplib.SMTP
    if address.tls:
        smtp = smtplib.SMTP_SSL(
            address.host, address.port, _our_name(), timeout=CONNECT_SECONDS, context=_verifying()
        )
    else:
        smtp = smtplib.SMTP(address.host, address.port, _our_name(), timeout=CONNECT_SECONDS)
    try:
        smtp.ehlo_or_helo_if_needed()
        _encrypt(smtp, address)
        if address.user:
            _log_in(smtp, address)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _encrypt(smtp: smtplib.SMTP, address: RelayAddress) -> None:
    """Use STARTTLS as set (RFC 3207); a server on this machine needs no valid certificate."""
    offered = smtp.has_extn("starttls")
    if address.starttls is StartTls.REQUIRED and not offered:
        raise smtplib.SMTPNotSupportedError(
            "it offers no STARTTLS (to send unencrypted, add ?starttls=never)"
        )
    if address.starttls is StartTls.NEVER or not offered:
        return
    smtp.starttls(context=_trusting() if address.starttls is StartTls.OPTIONAL else _verifying())
    smtp.ehlo()


def _verifying() -> ssl.SSLContext:
    """Return what checks certificates. Loading the machine's authorities takes 25 ms of CPU.

    So all connections of an hour share it: a relay that hangs up often is connected to often.
    """
    return _load_authorities(int(time.monotonic() // 3600))


@lru_cache(maxsize=1)
def _load_authorities(_hour: int) -> ssl.SSLContext:
    return ssl.create_default_context()


@cache
def _trusting() -> ssl.SSLContext:
    """Return what accepts any certificate, for encryption that may be left out anyway."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _log_in(smtp: smtplib.SMTP, address: RelayAddress) -> None:
    smtp.user, smtp.password = address.user, _password(address)
    if address.auth is Auth.ANY:
        smtp.login(smtp.user, smtp.password)
    elif address.auth is Auth.PLAIN:
        smtp.auth("PLAIN", smtp.auth_plain)
    elif address.auth is Auth.LOGIN:
        smtp.auth("LOGIN", smtp.auth_login)
    else:
        credentials = f"user={smtp.user}\1auth=Bearer {smtp.password}\1\1"

        def answer(challenge: bytes | None = None) -> str:
            # A challenge describes an error in JSON; an empty answer to it gets the 535.
            return credentials if challenge is None else ""

        smtp.auth("XOAUTH2", answer)


def _password(address: RelayAddress) -> str:
    if not address.password_file:
        return address.password
    password = Path(address.password_file).read_bytes().strip()
    if not password.isascii():  # an error that quotes it would show a part of it
        raise ValueError("its password file has characters other than ASCII.")
    return password.decode("ascii")


@cache
def _our_name() -> str:
    """Return our name in EHLO: smtplib's choice, made once because it may query DNS."""
    return smtplib.SMTP().local_hostname


def _octets(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
