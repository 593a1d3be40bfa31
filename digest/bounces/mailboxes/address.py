"""The address of a mailbox: its server, how to sign in, and what becomes of messages.

imaps://user:password@host/INBOX    IMAP within TLS
imap://user:password@host           IMAP, then STARTTLS
pop3s://…, pop3://…                 the same for POP

Options: `move_to=FOLDER` (IMAP) moves messages that were recorded there instead of deleting them;
`starttls=never` leaves the connection unencrypted. Without a password (IMAP):

oauth=google      with client_id, client_secret, refresh_token
oauth=microsoft   the same; with `tenant`, and without refresh_token as the application itself
oauth=https://…   another provider's token endpoint; with `scope` where it wants one
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from digest.bounces.mailboxes import oauth
from digest.bounces.mailboxes.errors import MailboxError
from digest.bounces.mailboxes.oauth import Grant

INBOX = "INBOX"
PORTS = {"imap": 143, "imaps": 993, "pop3": 110, "pop3s": 995}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]+\]")
# Others would need IMAP's own UTF-7 or quoting (RFC 3501 §5.1).
_FOLDER = re.compile(r"[A-Za-z0-9 ._/+-]{1,100}")
_TENANT = re.compile(r"[A-Za-z0-9.-]{1,100}")
_OF_OAUTH = ("client_id", "client_secret", "refresh_token", "scope", "tenant")
_FORM = "use imaps://user:password@host/INBOX or pop3s://user:password@host."


@dataclass(frozen=True, slots=True)
class MailboxAddress:
    """Where a mailbox is and how to sign in."""

    scheme: str  # a key of PORTS
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    starttls: bool = False
    folder: str = INBOX
    move_to: str = ""  # empty: messages that were recorded are deleted
    grant: Grant | None = None  # signs in with an access token instead of the password

    @property
    def is_imap(self) -> bool:
        """Whether it is polled by IMAP."""
        return self.scheme.startswith("imap")

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted from its first byte."""
        return self.scheme.endswith("s")

    def describe(self) -> str:
        """Return the address without the password."""
        folder = f"/{self.folder}" if self.is_imap else ""
        return f"{self.scheme}://{self.user}@{self.host}:{self.port}{folder}"


def parse_address(url: str) -> MailboxAddress:
    """Read an address as shown above; raises MailboxError, which repeats no secret."""
    try:
        parts = urlsplit(url)
        port = parts.port
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise MailboxError(f"The address of the mailbox cannot be read: {_FORM}") from None
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    grant = _grant(parts, options)
    if parts.scheme not in PORTS or not parts.hostname or not user or bool(password) == bool(grant):
        raise MailboxError(f"The address of the mailbox: {_FORM}")
    if set("\r\n\0") & set(user + password):
        raise MailboxError("User and password of a mailbox are on one line.")
    starttls = _starttls(parts, options.pop("starttls", ""))
    move_to = options.pop("move_to", "")
    if options:
        raise MailboxError(
            "The address of a mailbox has the options move_to, starttls, and those of oauth only."
        )
    address = MailboxAddress(
        parts.scheme,
        parts.hostname,
        port or PORTS[parts.scheme],
        user,
        password,
        starttls,
        unquote(parts.path.strip("/")) or INBOX,
        move_to,
        grant,
    )
    _check_folders(address)
    return address


def write_address(
    scheme: str,
    host: str,
    user: str,
    password: str,
    *,
    port: int | None = None,
    folder: str = "",
    move_to: str = "",
    oauth_options: Mapping[str, str] | None = None,
) -> str:
    """Return an address that `parse_address` reads; raises MailboxError as it does.

    `oauth_options`: instead of the password, the options of OAuth; empty ones are left out.
    """
    authority = f"[{host}]" if ":" in host else host
    if not _HOST.fullmatch(authority):
        raise MailboxError(f"{host!r} is not a host; use a name like imap.news.example.")
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    place = f"{authority}:{port}" if port else authority
    options = {"move_to": move_to, **(oauth_options or {})}
    query = urlencode({name: value for name, value in options.items() if value}, quote_via=quote)
    url = f"{scheme}://{login}@{place}/{quote(folder)}{'?' if query else ''}{query}"
    parse_address(url)
    return url


def with_refresh_token(url: str, refresh_token: str) -> str:
    """Return an address with another refresh token."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query)) | {"refresh_token": refresh_token}
    return parts._replace(query=urlencode(options)).geturl()


def _grant(parts: SplitResult, options: dict[str, str]) -> Grant | None:
    """Take the options of OAuth out of `options`; None where there are none."""
    kind = options.pop("oauth", "")
    values = {name: options.pop(name, "") for name in _OF_OAUTH}
    if not kind:
        if any(values.values()):
            raise MailboxError("Say whose client_id it is: oauth=google, or oauth=microsoft.")
        return None
    if not parts.scheme.startswith("imap"):
        raise MailboxError("Signing in with OAuth works by IMAP only.")
    tenant = values.pop("tenant") or "common"
    if not _TENANT.fullmatch(tenant):
        raise MailboxError("tenant is the directory's id or its domain.")
    grant = Grant(_token_url(kind, tenant), **values)
    if not grant.client_id or not (grant.refresh_token or grant.client_secret):
        raise MailboxError("OAuth needs client_id, and refresh_token or client_secret.")
    if kind == "microsoft" and not grant.refresh_token and not grant.scope:
        grant = replace(grant, scope=oauth.MICROSOFT_APPLICATION)
    return grant


def _token_url(kind: str, tenant: str) -> str:
    urls = {"google": oauth.GOOGLE, "microsoft": oauth.MICROSOFT.format(tenant=tenant)}
    url = urls.get(kind, kind)
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return url
    raise MailboxError("oauth is google, microsoft, or the https:// address of a token endpoint.")


def _starttls(parts: SplitResult, option: str) -> bool:
    """Return whether a connection that begins unencrypted has to be encrypted."""
    if option not in {"", "never", "required"}:
        raise MailboxError("starttls is required or never.")
    if parts.scheme.endswith("s"):
        return False
    return option == "required" or (not option and parts.hostname not in _LOOPBACK)


def _check_folders(address: MailboxAddress) -> None:
    for folder in filter(None, (address.folder, address.move_to)):
        if not _FOLDER.fullmatch(folder):
            raise MailboxError(f"{folder!r} is not a folder that can be used; use A-Z, 0-9, . - /")
    if not address.is_imap and (address.move_to or address.folder != INBOX):
        raise MailboxError("POP knows no folders: leave them out, or use IMAP.")
    if address.move_to == address.folder:
        raise MailboxError("Messages have to be moved to another folder than the one polled.")
