"""Where a relay is and how to speak to it, as one address says it."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from digest.core.errors import ConfigurationError

CONNECTIONS = 4
MESSAGES = 1_000
MOST_CONNECTIONS = 100
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")
_PAGE = re.compile(r"|https?://[^\s\"<>]+")


class StartTls(StrEnum):
    """When to encrypt a connection that begins in the clear."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    NEVER = "never"


class Auth(StrEnum):
    """How to log in."""

    ANY = "any"  # the best that the relay offers of CRAM-MD5, PLAIN and LOGIN
    PLAIN = "plain"
    LOGIN = "login"
    XOAUTH2 = "xoauth2"  # the password is an access token, read anew for each connection


class Security(StrEnum):
    """How a connection is kept from listeners, in the words of a mail program's settings."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """Where the relay is and how to speak to it."""

    host: str
    port: int
    tls: bool = False  # from the first byte (smtps)
    starttls: StartTls = StartTls.REQUIRED
    user: str = ""
    password: str = field(default="", repr=False)
    password_file: str = ""  # read anew for each connection, where it is set
    auth: Auth = Auth.ANY
    connections: int = CONNECTIONS  # at once, of one process
    messages: int = MESSAGES  # of one connection; then it is renewed
    mailbox: str = ""  # where all mail is kept and can be read; it hands nothing on


def parse_address(url: str) -> RelayAddress:
    """Read `smtp://user:password@host:587?starttls=required` or `smtps://…`.

    Further options: `connections`, `messages`, `auth` (plain, login, xoauth2), `password_file`,
    `mailbox` (the web page of a relay that keeps all mail to itself).
    STARTTLS with a verified certificate is required beyond this machine unless the URL says
    otherwise. Raises ConfigurationError without repeating the URL: it may hold a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        starttls = StartTls(options.pop("starttls", _usual(parts.hostname)))
        auth = Auth(options.pop("auth", Auth.ANY))
        connections = _number(options, "connections", CONNECTIONS, MOST_CONNECTIONS)
        messages = _number(options, "messages", MESSAGES, 1_000_000)
    except ValueError:
        # Its words may quote a part of the password.
        raise ConfigurationError(
            "The address of the relay cannot be read: use smtp://user:password@host:587, with "
            "%2F for a slash in the password, and options as docs/operating.md lists them."
        ) from None
    password_file = options.pop("password_file", "")
    mailbox = options.pop("mailbox", "")
    if not _PAGE.fullmatch(mailbox):
        raise ConfigurationError("The address of the relay: mailbox is a page, http://…")
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or options:
        raise ConfigurationError(
            "The address of the relay: use smtp://user:password@host:587 or smtps://…"
        )
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not (user + password).isascii():
        raise ConfigurationError("The relay's user and password can only be ASCII")
    tls = parts.scheme == "smtps"
    return RelayAddress(
        host=parts.hostname,
        port=port or (465 if tls else 25),
        tls=tls,
        starttls=StartTls.NEVER if tls else starttls,
        user=user,
        password=password,
        password_file=password_file,
        auth=auth,
        connections=connections,
        messages=messages,
        mailbox=mailbox,
    )


def write_address(
    *, host: str, port: int, security: Security, user: str = "", password: str = ""
) -> str:
    """Put an address together that `parse_address` reads; raise ConfigurationError as it does."""
    login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
    place = f"[{host}]" if ":" in host else host
    if not _HOST.fullmatch(place):
        raise ConfigurationError(f"{host!r} is no host; use a name like smtp.news.example.")
    if security is Security.TLS:
        url = f"smtps://{login}{place}:{port}"
    else:
        starttls = StartTls.REQUIRED if security is Security.STARTTLS else StartTls.NEVER
        url = f"smtp://{login}{place}:{port}?starttls={starttls}"
    parse_address(url)
    return url


def _usual(host: str | None) -> StartTls:
    return StartTls.OPTIONAL if host in LOOPBACK else StartTls.REQUIRED


def _number(options: dict[str, str], name: str, usual: int, most: int) -> int:
    text = options.pop(name, str(usual))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise ValueError(f"{name} is a number from 1 to {most}")
    return int(text)
