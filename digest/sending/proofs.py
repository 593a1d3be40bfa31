"""Send a test: what would go out now, to one address, at once, leaving no trace in the ledger."""

import random
from datetime import datetime

from digest.core import addresses, links
from digest.core.addresses import Address
from digest.issues.building import draft
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.relays import dkim, registry, routes
from digest.sending.errors import DeliveryError
from digest.relays.models import Relay
from digest.relays.transports.base import Envelope, Reply
from digest.rendering.compiled import Recipient
from digest.rendering.issue import compile_issue
from digest.sending.outgoing import sample


def send_test(newsletter: Newsletter, address: Address, now: datetime) -> Reply:
    """Send the issue that would go out at `now` to one address, marked as a test.

    Raises DeliveryError if there is nothing to send or the relay does not take it.
    """
    made = draft(newsletter, now)
    if not made.stories:
        raise DeliveryError(f"There is nothing to send: {made.selection.skip}")
    compiled = compile_issue(made.issue, made.stories, made.issue.appeal)
    made.issue.subject = f"[Test] {compiled.subject}"
    marked = compile_issue(made.issue, made.stories, made.issue.appeal)
    sender = addresses.envelope(newsletter.publication.sender_email)
    with registry.open_transport(_relay(newsletter, now)) as transport:
        envelope = Envelope(sender, addresses.envelope(address.email))
        message = marked.message(_recipient(newsletter, address, now))
        if transport.preserves_message:
            message = dkim.sign(message, newsletter.publication.sender_domain, now)
        reply = transport.deliver(envelope, message)
    if not reply.accepted:
        raise DeliveryError(f"The relay refused the test: {reply.code} {reply.text}")
    return reply


def send_sample(issue: Issue, address: Address, now: datetime) -> Reply:
    """Send an issue as it is on the desk to one address, marked as a test; no trace is left.

    Raises DeliveryError if the relay does not take it, DigestError if it cannot be rendered.
    """
    newsletter = issue.newsletter
    octets = sample(issue, address.email)
    head, _, body = octets.partition(b"\r\n\r\n")
    marked = head.replace(b"\r\nSubject: ", b"\r\nSubject: [Test] ", 1) + b"\r\n\r\n" + body
    with registry.open_transport(_relay(newsletter, now)) as transport:
        sender = addresses.envelope(newsletter.publication.sender_email)
        if transport.preserves_message:
            marked = dkim.sign(marked, newsletter.publication.sender_domain, now)
        reply = transport.deliver(Envelope(sender, addresses.envelope(address.email)), marked)
    if not reply.accepted:
        raise DeliveryError(f"The relay refused the test: {reply.code} {reply.text}")
    return reply


def _relay(newsletter: Newsletter, now: datetime) -> Relay:
    """Return a relay for the newsletter's sender; one that rests is asked all the same."""
    domain = routes.sender_domain(newsletter.publication.sender_email)
    relays = registry.active_relays()
    if advice := routes.domains_without_relay([domain], relays).get(domain):
        raise DeliveryError(advice)
    fit = routes.relays_for_domain(domain, relays)
    return routes.choose_relay(routes.available_relays(fit, now) or fit, random.Random())  # noqa: S311


def _recipient(newsletter: Newsletter, address: Address, now: datetime) -> Recipient:
    nobody = links.SubscriberLink(subscriber=0, newsletter=newsletter.pk, issue=0)
    stamp = links.sign("test-message-id", newsletter.pk, int(now.timestamp() * 1_000_000))
    return Recipient(
        email=address.email,
        name="",
        unsubscribe_url=links.absolute(f"/unsubscribe/{links.unsubscribe_token(nobody)}"),
        message_id=f"<{stamp}@{newsletter.publication.sender_domain}>",
        date=now,
        preferences_url=links.preferences_url(0, newsletter.publication_id),
    )
