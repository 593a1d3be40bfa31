"""Send a proof: an issue as it would go out now, to one address, without a trace in the ledger."""

import random
from datetime import datetime

import redis
from django.conf import settings

from digest.accounts.models import User
from digest.core import addresses, links
from digest.core.addresses import Address
from digest.core.rate_limits import limiter, parse_limit
from digest.core.text import counted
from digest.issues.building import draft
from digest.issues.models import Issue
from digest.newsletters import members
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter
from digest.relays import dkim, registry, routes
from digest.relays.models import Relay
from digest.relays.transports.base import Envelope, Reply
from digest.rendering.compiled import Recipient
from digest.rendering.issue import compile_issue
from digest.sending.errors import DeliveryError
from digest.sending.outgoing import compose_sample


def send_test(
    newsletter: Newsletter, address: Address, now: datetime, by: User | None = None
) -> Reply:
    """Send the issue that would go out at `now` to one address, marked as a test.

    `by` is the user who asks for it, who has the right to send; None is the operator. Raises
    DeliveryError if it is one too many, if there is nothing to send, or if the relay refuses it.
    """
    if by:
        _count(by)
    preview = draft(newsletter, now)
    if not preview.stories:
        raise DeliveryError(f"There is nothing to send: {preview.selection.skip}")
    compiled = compile_issue(preview.issue, preview.blocks, preview.stories)
    content = compiled.message(_recipient(newsletter, address, now))
    return _send_marked(newsletter, address, content, now)


def send_proof(issue: Issue, address: Address, now: datetime, by: User) -> Reply:
    """Send an issue as it is now to one address, marked as a test.

    Raises DeliveryError if the user may not or the relay refuses it, DigestError if it cannot be
    rendered.
    """
    _require_recipient(by, issue.newsletter, address)
    _count(by)
    return _send_marked(issue.newsletter, address, compose_sample(issue, address.email), now)


def _require_recipient(by: User, newsletter: Newsletter, address: Address) -> None:
    """Raise DeliveryError unless the user may send a test to this address.

    A test is mail, of any content: without the right to send, it goes to the team alone.
    """
    publication_id = newsletter.publication_id
    may_send = members.has_right(by, Right.SEND, publication_id, newsletter.pk)
    if not may_send and not members.is_on_team(address.email, publication_id):
        raise DeliveryError(
            "You can send tests only to members of the team. To send them to other addresses, you "
            "need the right to send."
        )


def _count(by: User) -> None:
    """Count a test of a user; raise DeliveryError if it is one too many."""
    limit = parse_limit(settings.DIGEST_TEST_LIMIT, "DIGEST_TEST_LIMIT")
    tests = limiter("tests")
    try:
        if tests.hit(limit, str(by.pk)):
            return
        minutes = -(-tests.seconds_left(limit, str(by.pk)) // 60)
    except redis.RedisError as cause:
        raise DeliveryError("Tests cannot be counted at the moment. Try again soon.") from cause
    raise DeliveryError(f"You have sent many tests. Try again in {counted(minutes, 'minute')}.")


def _send_marked(newsletter: Newsletter, address: Address, content: bytes, now: datetime) -> Reply:
    """Send a message to one address, with a mark in its subject."""
    publication = newsletter.publication
    header, _, body = content.partition(b"\r\n\r\n")
    header = header.replace(b"\r\nSubject: ", b"\r\nSubject: [Test] ", 1)
    content = header + b"\r\n\r\n" + body
    sender = addresses.envelope(publication.sender_email)
    with registry.open_transport(_relay(newsletter, now)) as transport:
        if transport.preserves_message:
            content = dkim.sign(content, publication.sender_domain, now)
        reply = transport.deliver(Envelope(sender, addresses.envelope(address.email)), content)
    if not reply.accepted:
        raise DeliveryError(f"The relay refused the test: {reply.code} {reply.text}")
    return reply


def _relay(newsletter: Newsletter, now: datetime) -> Relay:
    """Return a relay for the newsletter's sender; one that is backing off is used all the same."""
    domain = routes.sender_domain(newsletter.publication.sender_email)
    relays = registry.active_relays()
    if advice := routes.domains_without_relay([domain], relays).get(domain):
        raise DeliveryError(advice)
    fit = routes.relays_for_domain(domain, relays)
    return routes.choose_relay(routes.available_relays(fit, now) or fit, random.Random())  # noqa: S311


def _recipient(newsletter: Newsletter, address: Address, now: datetime) -> Recipient:
    stamp = links.sign("test-message-id", newsletter.pk, int(now.timestamp() * 1_000_000))
    return Recipient(
        email=address.email,
        name="",
        unsubscribe_url=links.ways_out(links.NOBODY, newsletter)[0],
        message_id=f"<{stamp}@{newsletter.publication.sender_domain}>",
        date=now,
        preferences_url=links.preferences_url(links.NOBODY, newsletter.publication),
    )
