"""Confirm a subscription by the link in an email, and welcome the new subscriber."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from digest.core import jobs, links
from digest.core.errors import LinkError
from digest.newsletters.models import Newsletter
from digest.newsletters.publicity.states import NewsletterState
from digest.notices.content import CONFIRM_LASTS
from digest.notices.models import Notice
from digest.notices.queue import queue_to_subscriber
from digest.series import enrolling
from digest.subscribers import consent, own_values
from digest.subscribers.errors import SubscriberError
from digest.subscribers.evidence.answers import apply_answers
from digest.subscribers.models import Subscriber, Subscription
from digest.subscribers.suppression import is_suppressed


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The newsletters of a confirmation link by state; no newsletters: the request is unknown."""

    subscriber: Subscriber | None
    active: list[Newsletter] = field(default_factory=list)
    pending: list[Newsletter] = field(default_factory=list)  # can be confirmed
    refused: list[Newsletter] = field(default_factory=list)  # unsubscribed since, or suppressed
    ended: list[Newsletter] = field(default_factory=list)  # closed since

    @property
    def newsletters(self) -> list[Newsletter]:
        """Return all of them, first those that can be confirmed."""
        return [*self.pending, *self.active, *self.refused, *self.ended]


class ConfirmationLink(NamedTuple):
    """What the link of a confirmation names, and when it was made (aware)."""

    subscriber_id: int
    newsletter_ids: tuple[int, ...]
    requested_at: datetime
    expired: bool


def open_link(token: str, now: datetime) -> ConfirmationLink:
    """Return what the token of a confirmation link names, expired or not.

    Raises LinkError if it is not one of ours, LinkGoneError if its ids belong to others by now, or
    one of its newsletters is gone.
    """
    link, until = links.read_rows_until("confirm", token, now)
    if len(link.ids) < 2:
        raise LinkError(links.DAMAGED)
    subscriber_id, *newsletter_ids = link.ids
    subscriber = Subscriber.objects.filter(pk=subscriber_id).first()
    newsletters = Newsletter.objects.in_bulk(newsletter_ids)
    if subscriber and newsletters:
        link.require(subscriber, *(newsletters.get(pk, links.NOBODY) for pk in newsletter_ids))
    requested_at = until - CONFIRM_LASTS
    return ConfirmationLink(subscriber_id, tuple(newsletter_ids), requested_at, link.expired)


@transaction.atomic
def confirm(
    link: ConfirmationLink,
    *,
    ip: str | None,
    now: datetime,
    via: str = "confirmation",
) -> Confirmation:
    """Confirm the newsletters of a link, and welcome the subscriber to those that became active.

    Newsletters that the subscriber has unsubscribed from since the link was made stay as they are.
    """
    confirmed_ids = []
    for newsletter_id in link.newsletter_ids:
        with suppress(SubscriberError):
            if consent.confirm(
                link.subscriber_id,
                newsletter_id,
                via=via,
                ip=ip,
                requested_at=link.requested_at,
                now=now,
            ):
                apply_answers(link.subscriber_id, newsletter_id, link.requested_at)
                confirmed_ids.append(newsletter_id)
    if confirmed_ids:
        _complete(link, confirmed_ids, now)
    return get_confirmation(link)


def get_confirmation(link: ConfirmationLink) -> Confirmation:
    """Return the current state of a confirmation link."""
    subscriptions = Subscription.objects.filter(
        subscriber=link.subscriber_id, newsletter__in=link.newsletter_ids
    ).select_related("newsletter__publication", "subscriber")
    confirmation = Confirmation(Subscriber.objects.filter(pk=link.subscriber_id).first())
    for subscription in subscriptions.order_by("newsletter"):
        if subscription.state == Subscription.State.ACTIVE:
            confirmation.active.append(subscription.newsletter)
        elif subscription.newsletter.state == NewsletterState.CLOSED:
            confirmation.ended.append(subscription.newsletter)
        elif _is_refused(subscription, link.requested_at):
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


def _complete(link: ConfirmationLink, newsletter_ids: Sequence[int], now: datetime) -> None:
    """Apply what was entered at the sign-up, then welcome, since a series may ask for it."""
    newsletter = Newsletter.objects.get(pk=newsletter_ids[0])
    own_values.apply(link.subscriber_id, newsletter.publication_id, link.requested_at)
    _welcome(link.subscriber_id, newsletter_ids, now)


def _welcome(subscriber_id: int, newsletter_ids: Sequence[int], now: datetime) -> None:
    """Welcome a subscriber by the series of each newsletter, or by one notice for those without."""
    in_series = enrolling.welcomed(subscriber_id, newsletter_ids, now)
    if in_series:
        jobs.enqueue(jobs.PLAN_SERIES)
    unwelcomed_ids = [pk for pk in newsletter_ids if pk not in in_series]
    if not unwelcomed_ids:
        return
    subscriber = Subscriber.objects.get(pk=subscriber_id)
    first = Newsletter.objects.select_related("publication").get(pk=unwelcomed_ids[0])
    queue_to_subscriber(Notice.Kind.WELCOME, first, subscriber, now, newsletters=unwelcomed_ids)
