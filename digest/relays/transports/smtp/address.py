"""The address of a relay that speaks SMTP: where it is and how to connect."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from digest.core.errors import ConfigurationError

CONNECTIONS = 4
MESSAGES = 1_000
MAX_CONNECTIONS = 100
MAX_MESSAGES = 1_000_000
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_HOST = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?|\[[0-9A-Fa-f:.]+\]")
_WEB_PAGE = re.compile(r"|https?://[^\s\"<>]+")


class StartTls(StrEnum):
    """When to encrypt a connection that begins in the clear."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    NEVER = "never"


class Auth(StrEnum):
    """How to log in."""

    ANY = "any"  # the best of CRAM-MD5, PLAIN and LOGIN that the relay offers
    PLAIN = "plain"
    LOGIN = "login"
    XOAUTH2 = "xoauth2"  # the password is an access token, read again for each connection


class Security(StrEnum):
    """How a connection is encrypted, as mail programs name it in their settings."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """Where the relay is and how to connect."""

    host: str
    port: int
    tls: bool = False  # from the first byte (smtps)
    starttls: StartTls = StartTls.REQUIRED
    user: str = ""
    password: str = field(default="", repr=False)
    password_file: str = ""  # read again for each connection, if set
    auth: Auth = Auth.ANY
    connections: int = CONNECTIONS  # at once, for one process
    messages: int = MESSAGES  # over one connection; then a new one is opened
    mailbox: str = ""  # web page of a relay that stores all mail and delivers nothing


def parse_address(url: str) -> RelayAddress:
    """Read `smtp://user:password@host:587?starttls=required` or `smtps://…`.

    Further options: `connections`, `messages`, `auth` (plain, login, xoauth2), `password_file`,
    `mailbox` (the web page of a relay that stores all mail and delivers nothing).
    STARTTLS with a verified certificate is required beyond this machine unless the URL says
    otherwise. Raises ConfigurationError without repeating the URL: it may hold a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        options = _read_options(parts)
    except ValueError:
        # The text of the error may quote a part of the password.
        raise ConfigurationError(
            "The address of the relay cannot be read: use smtp://user:password@host:587, with "
            "%2F for a slash in the password, and options as docs/operating.md lists them."
        ) from None
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ConfigurationError(
            "The address of the relay: use smtp://user:password@host:587 or smtps://…"
        )
    if not _WEB_PAGE.fullmatch(options["mailbox"]):
        raise ConfigurationError("The address of the relay: mailbox is a web page, http://…")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not (user + password).isascii():
        raise ConfigurationError("The relay's user and password can only be ASCII.")
    tls = parts.scheme == "smtps"
    if tls:
        options["starttls"] = StartTls.NEVER
    return RelayAddress(
        host=parts.hostname,
        port=port or (465 if tls else 25),
        tls=tls,
        user=user,
        password=password,
        **options,
    )


def write_address(
    *, host: str, port: int, security: Security, user: str = "", password: str = ""
) -> str:
    """Return an address that `parse_address` reads; raises ConfigurationError as it does."""
    login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
    authority = f"[{host}]" if ":" in host else host
    if not _HOST.fullmatch(authority):
        raise ConfigurationError(f"{host!r} is not a host; use a name like smtp.news.example.")
    if security is Security.TLS:
        url = f"smtps://{login}{authority}:{port}"
    else:
        starttls = StartTls.REQUIRED if security is Security.STARTTLS else StartTls.NEVER
        url = f"smtp://{login}{authority}:{port}?starttls={starttls}"
    parse_address(url)
    return url


def _read_options(parts: SplitResult) -> dict[str, Any]:
    """Return the options of an address by the names of RelayAddress; raises ValueError."""
    query = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    options = {
        "starttls": StartTls(query.pop("starttls", _default_starttls(parts.hostname))),
        "auth": Auth(query.pop("auth", Auth.ANY)),
        "connections": _number(query, "connections", CONNECTIONS, MAX_CONNECTIONS),
        "messages": _number(query, "messages", MESSAGES, MAX_MESSAGES),
        "password_file": query.pop("password_file", ""),
        "mailbox": query.pop("mailbox", ""),
    }
    if query:
        raise ValueError("an unknown option")
    return options


def _default_starttls(host: str | None) -> StartTls:
    return StartTls.OPTIONAL if host in LOOPBACK else StartTls.REQUIRED


def _number(options: dict[str, str], name: str, default: int, most: int) -> int:
    text = options.pop(name, str(default))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise ValueError(f"{name} is a number from 1 to {most}")
    return int(text)
