"""The mailboxes of this installation: add, change, check, remove.

An address holds a password, so the database stores it sealed, and no page or command shows it.
"""

import re
from dataclasses import replace
from datetime import datetime

from digest.bounces.mailboxes import oauth
from digest.bounces.mailboxes.address import MailboxAddress, parse_address, with_refresh_token
from digest.bounces.mailboxes.errors import MailboxError
from digest.bounces.mailboxes.sessions import open_session
from digest.bounces.models import Mailbox
from digest.core import sealing
from digest.core.database.uniqueness import refuse_duplicate
from digest.core.errors import DigestError

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def add(name: str, url: str, now: datetime) -> Mailbox:
    """Add a mailbox, which is polled from now on; raises MailboxError."""
    if not _NAME.fullmatch(name) or len(name) > 64:
        raise MailboxError(f"{name!r} is not a valid name; use a-z, 0-9 and hyphens.")
    parse_address(url)
    mailbox = Mailbox(name=name, sealed_url=sealing.seal(url), due_at=now)
    with refuse_duplicate(MailboxError(f"A mailbox called {name} exists already.")):
        mailbox.save()
    return mailbox


def change(mailbox: Mailbox, now: datetime, *, url: str = "", active: bool | None = None) -> None:
    """Change a mailbox's address (empty: no change), or whether it is polled; raises MailboxError.

    It is polled at once, whatever went wrong before.
    """
    if url:
        parse_address(url)
        mailbox.sealed_url = sealing.seal(url)
    if active is not None:
        mailbox.active = active
    mailbox.due_at, mailbox.failures, mailbox.problem = now, 0, ""
    mailbox.save(update_fields=["sealed_url", "active", "due_at", "failures", "problem"])


def find(name: str) -> Mailbox:
    """Return a mailbox; raises MailboxError naming those that exist."""
    if row := Mailbox.objects.filter(name=name).first():
        return row
    names = ", ".join(Mailbox.objects.order_by("name").values_list("name", flat=True)[:10])
    raise MailboxError(f"There is no mailbox {name!r}. There are: {names or 'none'}.")


def address_of(mailbox: Mailbox) -> MailboxAddress:
    """Return a mailbox's address; raises ConfigurationError if the secret key is another one."""
    return parse_address(sealing.unseal(mailbox.sealed_url))


def store_refresh_token(mailbox: Mailbox) -> None:
    """Store the refresh token that came with the last access token, if it is a new one.

    Microsoft's last for 90 days, and each use gives the next.
    """
    url = sealing.unseal(mailbox.sealed_url)
    if (grant := parse_address(url).grant) is None:
        return
    token = oauth.access_token(grant)
    if token.refresh_token not in {"", grant.refresh_token}:
        mailbox.sealed_url = sealing.seal(with_refresh_token(url, token.refresh_token))
        Mailbox.objects.filter(pk=mailbox.pk).update(sealed_url=mailbox.sealed_url)
        oauth.store(replace(grant, refresh_token=token.refresh_token), token)


def describe(mailbox: Mailbox) -> str:
    """Return where a mailbox is, without the password; the problem where nobody can tell."""
    try:
        return address_of(mailbox).describe()
    except DigestError as problem:
        return f"({problem})"


def check_address(url: str) -> int:
    """Sign in and return how many messages there are; raises MailboxError. Nothing is changed."""
    with open_session(parse_address(url)) as session:
        return len(session.keys())


def check(mailbox: Mailbox) -> int:
    """Do the same with a stored mailbox; raises ConfigurationError as `address_of` does too."""
    with open_session(address_of(mailbox)) as session:
        return len(session.keys())
