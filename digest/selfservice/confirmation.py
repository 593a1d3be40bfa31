"""Confirm a subscription by the link in an email, and welcome the new subscriber."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from digest.newsletters.models import Newsletter
from digest.notices.models import Notice
from digest.notices.queue import queue_notice
from digest.subscribers import consent
from digest.subscribers.errors import SubscriberError
from digest.subscribers.models import Subscriber, Subscription
from digest.subscribers.suppression import is_suppressed


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The newsletters of a confirmation link by state; no newsletters: the request is unknown."""

    subscriber_id: int
    language: str = ""  # the subscriber's
    active: list[Newsletter] = field(default_factory=list)
    pending: list[Newsletter] = field(default_factory=list)  # can be confirmed
    refused: list[Newsletter] = field(default_factory=list)  # unsubscribed since, or suppressed

    @property
    def newsletters(self) -> list[Newsletter]:
        """Return all of them, first those that can be confirmed."""
        return [*self.pending, *self.active, *self.refused]


@transaction.atomic
def confirm(
    subscriber_id: int,
    newsletter_ids: Sequence[int],
    *,
    requested_at: datetime,
    ip: str | None,
    now: datetime,
    via: str = "confirmation",
) -> Confirmation:
    """Confirm the newsletters of a link, and welcome the subscriber to those that became active.

    `requested_at` is when the link was made. Deleted newsletters, and those that the subscriber has
    unsubscribed from since, stay as they are.
    """
    confirmed_ids = []
    for newsletter_id in newsletter_ids:
        with suppress(SubscriberError):
            if consent.confirm(
                subscriber_id, newsletter_id, via=via, ip=ip, requested_at=requested_at, now=now
            ):
                confirmed_ids.append(newsletter_id)
    if confirmed_ids:
        _welcome(subscriber_id, confirmed_ids, now)
    return get_confirmation(subscriber_id, newsletter_ids, requested_at)


def get_confirmation(
    subscriber_id: int, newsletter_ids: Sequence[int], requested_at: datetime
) -> Confirmation:
    """Return the current state of a confirmation link that was made at `requested_at`."""
    subscriptions = Subscription.objects.filter(
        subscriber=subscriber_id, newsletter__in=newsletter_ids
    ).select_related("newsletter__publication", "subscriber")
    language = Subscriber.objects.filter(pk=subscriber_id).values_list("language", flat=True)
    confirmation = Confirmation(subscriber_id, language.first() or "")
    for subscription in subscriptions.order_by("newsletter"):
        if subscription.state == Subscription.State.ACTIVE:
            confirmation.active.append(subscription.newsletter)
        elif _is_refused(subscription, requested_at):
            confirmation.refused.append(subscription.newsletter)
        else:
            confirmation.pending.append(subscription.newsletter)
    return confirmation


def _is_refused(subscription: Subscription, requested_at: datetime) -> bool:
    """Return whether this newsletter can no longer be confirmed by a link made at a moment."""
    unsubscribed_at = subscription.unsubscribed_at
    if unsubscribed_at is not None and unsubscribed_at > requested_at:
        return True
    return is_suppressed(subscription.subscriber.address_key, subscription.newsletter_id)


def _welcome(subscriber_id: int, newsletter_ids: Sequence[int], now: datetime) -> None:
    subscriber = Subscriber.objects.get(pk=subscriber_id)
    first = Newsletter.objects.select_related("publication").get(pk=newsletter_ids[0])
    queue_notice(
        Notice.Kind.WELCOME,
        first.publication,
        email=subscriber.email,
        subscriber=subscriber,
        language=subscriber.language or first.language or first.publication.language,
        context={"newsletters": list(newsletter_ids)},
        now=now,
    )
