"""Signed links: who may do what, without a login and without a table.

Here are the links that Digest writes into mails and pages, each with the function that reads it;
`pages` has their addresses, `tokens` signs numbers for one purpose, `rows` signs the rows that a
link names. Tokens to unsubscribe never expire: a mail may be read years later.
"""

import re
from base64 import b32decode, b32encode
from datetime import datetime
from typing import NamedTuple

from django.conf import settings

from digest.core.errors import LinkError
from digest.core.links.pages import Page, absolute
from digest.core.links.rows import (
    NOBODY,
    OUTDATED,
    Named,
    Row,
    RowsLink,
    check_of,
    read_rows,
    read_rows_until,
    row_of_mailbox,
    sign_rows,
    sign_rows_until,
)
from digest.core.links.tokens import (
    DAMAGED,
    EXPIRED,
    encode,
    read,
    read_until,
    sign,
    sign_octets,
    sign_until,
)

__all__ = [
    "DAMAGED",
    "EXPIRED",
    "NOBODY",
    "OUTDATED",
    "Named",
    "Page",
    "Row",
    "RowsLink",
    "absolute",
    "read",
    "read_rows",
    "read_rows_until",
    "read_until",
    "row_of_mailbox",
    "sign",
    "sign_rows",
    "sign_rows_until",
    "sign_until",
]

NOT_COUNTED = "test"  # what follows tracked links in mails whose clicks are not counted
WEB_VERSION = "web"  # what follows them on the page of an issue, which is not a mail either
_VARIANT = re.compile(r"v([0-9])\Z")  # what follows them in an experiment that names nobody


class SubscriberLink(NamedTuple):
    """What the unsubscribe link of a mail names."""

    subscriber: int  # 0: nobody, it stood in a test mail
    newsletter: int
    issue: int  # 0: it stood in no issue. Not covered by the check: an issue may be deleted
    check: bytes  # of subscriber and newsletter

    def require(self, subscriber: Named, newsletter: Named) -> None:
        """Raise LinkGoneError unless the link was made for these two."""
        RowsLink((), self.check).require(subscriber, newsletter)


def bounce_token(issue: Named, subscriber: Named) -> str:
    """Return the token in an envelope sender that says which mail came back (VERP).

    In base32 without a case, because servers on the way may change it; some 50 characters, for a
    local part may have 64 (RFC 5321 §4.5.3.1.1).
    """
    ids = [issue.pk, subscriber.pk]
    return encode_bounce(sign_octets("bounce", ids, check_of((issue, subscriber))))


def encode_bounce(raw: bytes) -> str:
    """Return a bounce token's octets as they stand in an address."""
    return b32encode(raw).rstrip(b"=").lower().decode("ascii")


def read_bounce_token(token: str) -> RowsLink:
    """Return issue and subscriber of a bounce token, in any case; LinkError for anything else."""
    try:
        raw = b32decode(token.upper() + "=" * (-len(token) % 8))
    except ValueError as cause:
        raise LinkError(DAMAGED) from cause
    return read_rows("bounce", encode(raw), count=2)


def unsubscribe_token(subscriber: Named, newsletter: Named, issue: int = 0) -> str:
    """Return the token under which this subscriber leaves this newsletter."""
    ids = [subscriber.pk, newsletter.pk, issue]
    return encode(sign_octets("unsubscribe", ids, check_of((subscriber, newsletter))))


def read_unsubscribe_token(token: str) -> SubscriberLink:
    """Return whom an unsubscribe token names; raise LinkError if it is not one of ours."""
    link = read_rows("unsubscribe", token, count=3)
    subscriber, newsletter, issue = link.ids
    return SubscriberLink(subscriber, newsletter, issue, link.check)


def issue_url(issue: Named) -> str:
    """Return the link under which a mail shows its issue in a browser; it identifies nobody."""
    return Page.LINKED_ISSUE.url(token=sign_rows("issue", issue))


def read_issue_token(token: str) -> RowsLink:
    """Return the issue of such a link's token; raise LinkError if it is not one of ours."""
    return read_rows("issue", token, count=1)


def click_url(issue: Named, link: Named) -> str:
    """Return the address of a tracked link; the same for all subscribers, so it names nobody."""
    return Page.CLICK.url(token=sign_rows("click", issue, link))


def read_click_token(token: str) -> RowsLink:
    """Return issue and tracked link of a click's token; LinkError if it is not one of ours."""
    return read_rows("click", token, count=2)


def open_url(issue: Named) -> str:
    """Return the address of an issue's pixel, without `.gif` at its end."""
    return Page.OPEN.url(token=sign_rows("open", issue))


def read_open_token(token: str) -> RowsLink:
    """Return the issue of a pixel's token; raise LinkError if it is not one of ours."""
    return read_rows("open", token, count=1)


def clicker_token(issue: Named, subscriber: Named) -> str:
    """Return what follows tracked links in the mail of a subscriber whose clicks are counted."""
    return sign_rows("clicker", issue, subscriber)


def variant_suffix(variant: int) -> str:
    """Return what follows tracked links in a mail with this subject of a test, 0 to 9."""
    return f"v{variant}"


def read_variant(suffix: str) -> int | None:
    """Return the variant that follows a tracked link's token; None if it says something else."""
    match = _VARIANT.match(suffix)
    return int(match[1]) if match else None


def read_clicker_token(token: str) -> RowsLink:
    """Return issue and subscriber of such a token; raise LinkError if it is not one of ours."""
    return read_rows("clicker", token, count=2)


def ways_out(subscriber: Named, newsletter: Named, issue: int = 0) -> tuple[str, str]:
    """Return the web address that leaves, and the mailto link, or nothing where no mail is read."""
    token = unsubscribe_token(subscriber, newsletter, issue)
    return Page.UNSUBSCRIBE.url(token=token), unsubscribe_mailto(token)


def unsubscribe_mailto(token: str) -> str:
    """Return the mailto link of an unsubscribe token, or nothing where no mail is read."""
    domain = settings.DIGEST_INBOUND_DOMAIN
    return f"mailto:unsubscribe+{token}@{domain}?subject=unsubscribe" if domain else ""


def preferences_url(subscriber: Named, publication: Named) -> str:
    """Return the link to a subscriber's preferences in every mail; it never expires."""
    return Page.PREFERENCES.url(token=sign_rows("preferences", subscriber, publication))


def fresh_preferences_url(
    subscriber: Named, publication: Named, address_key: str, until: datetime
) -> str:
    """Return a link to the same page that may do more, for a while.

    Mails are forwarded, links and all; so what hurts (another address, erasure, all data at once)
    takes a link that was sent for it a short time ago, to the address that the subscriber still
    has: whoever had the mailbox before an address was changed, or changed back, has no say.
    """
    mailbox = row_of_mailbox(address_key)
    token = sign_rows_until("preferences-fresh", until, subscriber, publication, mailbox)
    return Page.PREFERENCES.url(token=token)
