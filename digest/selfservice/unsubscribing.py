"""Unsubscribe by the link in an email (RFC 8058), and what a subscriber may do right after it.

For one day the page that confirms the unsubscription can resubscribe. The link alone cannot,
because it travels with forwarded mail.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from django.db import transaction

from digest.core import links
from digest.core.errors import LinkError
from digest.core.links import SubscriberLink
from digest.newsletters.models import Newsletter
from digest.subscribers import consent, preferences
from digest.subscribers.errors import SubscriberError
from digest.subscribers.models import Subscriber, Subscription, UnsubscribeFeedback

RESUBSCRIBE_LASTS = timedelta(days=1)
LONGEST_COMMENT = 500  # characters

State = Subscription.State


class Status(Enum):
    """How the holder of an unsubscribe link relates to its newsletter."""

    SUBSCRIBED = auto()
    UNSUBSCRIBED = auto()
    UNKNOWN = auto()  # erased, or never subscribed
    TEST = auto()  # the link of a test mail, which has no subscriber


@dataclass(frozen=True, slots=True)
class LinkedSubscription:
    """The subscription that an unsubscribe link is for, and what its page can offer."""

    status: Status
    newsletter: Newsletter | None
    subscriber: Subscriber | None = None
    other_count: int = 0  # other newsletters of the publication that they receive
    rarer_cadences: tuple[str, ...] = ()  # offered, and with less mail than their own


def open_link(token: str) -> SubscriberLink:
    """Return whom and what an unsubscribe token names; the other functions take its result.

    Raises LinkError if it is not one of ours, LinkGoneError if its ids belong to others by now.
    """
    link = links.read_unsubscribe_token(token)
    newsletter = Newsletter.objects.filter(pk=link.newsletter).first()
    subscriber = Subscriber.objects.filter(pk=link.subscriber).first() if link.subscriber else None
    if newsletter and (subscriber or not link.subscriber):
        link.require(subscriber or links.NOBODY, newsletter)
    return link


def get_subscription(link: SubscriberLink) -> LinkedSubscription:
    """Return the subscription behind a link."""
    newsletter = Newsletter.objects.select_related("publication").filter(pk=link.newsletter).first()
    if link.subscriber == 0:
        return LinkedSubscription(Status.TEST, newsletter)
    subscriptions = Subscription.objects.filter(subscriber=link.subscriber)
    subscription = (
        subscriptions.filter(newsletter=link.newsletter).select_related("subscriber").first()
    )
    if subscription is None or newsletter is None:
        return LinkedSubscription(Status.UNKNOWN, newsletter)
    other_subscriptions = subscriptions.filter(
        newsletter__publication=newsletter.publication, state=State.ACTIVE
    ).exclude(newsletter=newsletter)
    unsubscribed = subscription.state == State.UNSUBSCRIBED
    return LinkedSubscription(
        status=Status.UNSUBSCRIBED if unsubscribed else Status.SUBSCRIBED,
        newsletter=newsletter,
        subscriber=subscription.subscriber,
        other_count=other_subscriptions.count(),
        rarer_cadences=preferences.rarer_cadences(newsletter, subscription.cadence),
    )


def unsubscribe(link: SubscriberLink, *, via: str, ip: str | None, now: datetime) -> None:
    """Unsubscribe the holder of a link; does nothing for an erased subscriber or a repetition."""
    if link.subscriber:
        try:
            consent.unsubscribe(
                link.subscriber, link.newsletter, via=via, ip=ip, now=now, issue=link.issue
            )
        except SubscriberError:
            return


@transaction.atomic
def unsubscribe_from_all(link: SubscriberLink, *, ip: str | None, now: datetime) -> None:
    """Unsubscribe the holder of a link from every newsletter of the publication."""
    publications = Newsletter.objects.filter(pk=link.newsletter).values("publication")
    subscriptions = Subscription.objects.filter(
        subscriber=link.subscriber, newsletter__publication__in=publications
    )
    for newsletter_id in subscriptions.values_list("newsletter_id", flat=True):
        issue = link.issue if newsletter_id == link.newsletter else 0
        consent.unsubscribe(link.subscriber, newsletter_id, via="page", ip=ip, now=now, issue=issue)


def resubscribe_token(link: SubscriberLink) -> str:
    """Return the token with which the page can undo this very unsubscription, or ""."""
    unsubscribed_at = _unsubscribed_at(link)
    if unsubscribed_at is None:
        return ""
    until = unsubscribed_at + RESUBSCRIBE_LASTS
    microseconds = _microseconds(unsubscribed_at)
    ids = (link.subscriber, link.newsletter, int.from_bytes(link.check))
    return links.sign_until("undo", until, *ids, microseconds)


def resubscribe(link: SubscriberLink, token: str, *, ip: str | None, now: datetime) -> bool:
    """Undo an unsubscription; False if the token is for another one or has expired.

    Raises AddressSuppressedError.
    """
    try:
        *ids, microseconds = links.read_until("undo", token, now)
    except (LinkError, ValueError):
        return False
    unsubscribed_at = _unsubscribed_at(link)
    if ids != [link.subscriber, link.newsletter, int.from_bytes(link.check)]:
        return False
    if unsubscribed_at is None or _microseconds(unsubscribed_at) != microseconds:
        return False
    return consent.resubscribe(
        link.subscriber, link.newsletter, via=consent.VIA_UNDO, ip=ip, now=now
    )


def receive_less_often(link: SubscriberLink, cadence: str) -> bool:
    """Switch to a rarer cadence; False if it is not offered, or without a subscription."""
    subscription = get_subscription(link)
    if subscription.status is not Status.SUBSCRIBED or subscription.newsletter is None:
        return False
    return preferences.set_cadence(link.subscriber, subscription.newsletter, cadence)


def save_feedback(link: SubscriberLink, reason: str, comment: str, now: datetime) -> bool:
    """Save why somebody unsubscribed, in place of earlier feedback; False for an unknown reason."""
    if reason not in UnsubscribeFeedback.Reason.values:
        return False
    if get_subscription(link).status is not Status.UNSUBSCRIBED:
        return False
    printable = "".join(c for c in comment if c.isprintable() or c == "\n")
    UnsubscribeFeedback.objects.update_or_create(
        subscriber_id=link.subscriber,
        newsletter_id=link.newsletter,
        defaults={"reason": reason, "comment": printable[:LONGEST_COMMENT].strip(), "at": now},
    )
    return True


def _unsubscribed_at(link: SubscriberLink) -> datetime | None:
    subscriptions = Subscription.objects.filter(
        subscriber=link.subscriber, newsletter=link.newsletter, state=State.UNSUBSCRIBED
    )
    return subscriptions.values_list("unsubscribed_at", flat=True).first()


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)
