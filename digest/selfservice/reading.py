"""Past issues that only subscribers may read: a link to one, sent to a subscriber's address.

A request is stored like a sign-up and settled by a worker, so neither text nor time of the answer
tells a stranger who subscribes.
"""

from dataclasses import dataclass
from datetime import datetime

from digest.core import addresses, links
from digest.newsletters.models import Newsletter
from digest.notices.models import Notice
from digest.notices.queue import queue_notice
from digest.selfservice.linked_rows import subscriber_and_newsletter
from digest.subscribers.models import SignUp, Subscriber, Subscription


@dataclass(frozen=True, slots=True)
class ReadingLink:
    """What such a link names."""

    subscriber: Subscriber
    newsletter: Newsletter


def settle(row: SignUp, now: datetime) -> Notice | None:
    """Send the link that a request asks for; None for whoever does not receive the newsletter."""
    key = addresses.parse(row.email).key
    active = Subscription.objects.filter(
        newsletter__in=row.newsletters, subscriber__address_key=key, state=Subscription.State.ACTIVE
    )
    subscription = active.select_related("subscriber", "newsletter__publication").first()
    if subscription is None or not subscription.newsletter.is_public:
        return None
    subscriber = subscription.subscriber
    return queue_notice(
        Notice.Kind.READ,
        subscription.newsletter.publication,
        email=subscriber.email,
        subscriber=subscriber,
        language=subscriber.language or row.language,
        context={"newsletters": [subscription.newsletter_id], "issue": row.reads},
        now=now,
    )


def open_link(token: str, now: datetime) -> ReadingLink | None:
    """Return what a link names, or None once it has expired.

    Raises LinkError for none of ours, LinkGoneError if its ids belong to others by now.
    """
    link, _ = links.read_rows_until("read", token, now, count=2)
    subscriber, newsletter = subscriber_and_newsletter(link)
    return None if link.expired else ReadingLink(subscriber, newsletter)
