"""Whose mail came back: by our signed tokens, and by nothing else that a stranger typed.

Only a provider that we asked with our own key may name a subscriber by address (`trace_address`).

The address that a report is sent to comes first, then what the returned message carries: ENVID and
Message-ID, then the token to unsubscribe. All of them are signed and name their rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

from digest.bounces.reading.report import Tokens
from digest.core import addresses, links
from digest.core.database.statements import fetch_row
from digest.core.errors import InvalidAddressError, LinkError
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.subscribers.models import Subscriber


@dataclass(frozen=True, slots=True)
class Trace:
    """The mail that came back."""

    subscriber: Subscriber
    issue: Issue | None


# What is needed of the rows; the other fields are fetched where somebody reads them.
_SUBSCRIBER = ["id", "uuid", "email", "address_key"]
_ISSUE = ["id", "uuid", "newsletter_id", "slot", "send_at"]


def trace(tokens: Tokens, own_token: str = "") -> Trace | None:
    """Return whose mail came back; `own_token` is that of the address the report was sent to."""
    for issue_id, subscriber_id, link in _links(tokens, own_token):
        if result := _open(issue_id, subscriber_id, link):
            return result
    for token in tokens.unsubscribe:
        if result := _open_unsubscribe(token):
            return result
    return None


def trace_address(address: str) -> Trace | None:
    """Return the subscriber with an address that somebody trusted names; of which issue is open."""
    try:
        key = addresses.parse(address).key
    except InvalidAddressError:
        return None
    subscriber = Subscriber.objects.filter(address_key=key).first()
    return Trace(subscriber, None) if subscriber else None


def check_token(token: str) -> bool:
    """Return whether a token in an envelope sender is one of ours, without the database."""
    try:
        links.read_bounce_token(token)
    except LinkError:
        return False
    return True


def _links(tokens: Tokens, own_token: str) -> Iterator[tuple[int, int, links.RowsLink]]:
    for token in filter(None, (own_token, *tokens.bounce)):
        try:
            link = links.read_bounce_token(token)
        except LinkError:
            continue
        yield link.ids[0], link.ids[1], link
    for token in tokens.message_id:
        try:
            link = links.read_rows("message-id", token, count=2)
        except LinkError:
            continue
        yield link.ids[0], link.ids[1], link


def _open(issue_id: int, subscriber_id: int, link: links.RowsLink) -> Trace | None:
    """Return the rows that a link was made for; None for a copy, and for rows that are gone."""
    row = fetch_row(_ROWS, [subscriber_id, issue_id])
    if row is None:
        return None
    split = len(_SUBSCRIBER)
    subscriber = Subscriber.from_db(connection.alias, _SUBSCRIBER, row[:split])
    issue = Issue.from_db(connection.alias, _ISSUE, row[split:])
    try:
        link.require(issue, subscriber)
    except LinkError:
        return None
    return Trace(subscriber, issue)


def _open_unsubscribe(token: str) -> Trace | None:
    try:
        link = links.read_unsubscribe_token(token)
        subscriber = Subscriber.objects.get(pk=link.subscriber)
        newsletter = Newsletter.objects.get(pk=link.newsletter)
        link.require(subscriber, newsletter)
    except (LinkError, Subscriber.DoesNotExist, Newsletter.DoesNotExist):
        return None
    return Trace(subscriber, newsletter.issues.filter(pk=link.issue).first())


# Two rows that nothing relates but the link, which the ORM would read by two statements.
_ROWS = f"""
SELECT {", ".join(f"subscriber.{column}" for column in _SUBSCRIBER)},
    {", ".join(f"issue.{column}" for column in _ISSUE)}
FROM subscribers_subscriber AS subscriber, issues_issue AS issue
WHERE subscriber.id = %s AND issue.id = %s
"""  # noqa: S608  no value of anybody's
