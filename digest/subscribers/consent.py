"""Subscribers come, confirm and leave; each step is recorded with the state it changes, or not at all.

Every function here changes the subscription and appends its ConsentEvent in one transaction, under
a lock on the subscription, and changes nothing when it is called again.
"""

from datetime import datetime

from django.db import transaction

from digest.core.addresses import Address
from digest.newsletters.models import Newsletter
from digest.subscribers.errors import (
    AddressSuppressedError,
    SubscriberError,
    SubscriberHasLeftError,
)
from digest.subscribers.models import LONGEST_ADDRESS, ConsentEvent, Subscriber, Subscription
from digest.subscribers.names import tidy
from digest.subscribers.signups import version_of
from digest.subscribers.suppression import forgive_erased, is_suppressed

State = Subscription.State
Action = ConsentEvent.Action


@transaction.atomic
def subscribe(
    address: Address,
    newsletter: Newsletter,
    *,
    via: str,
    confirmed: bool,
    wording: str,
    now: datetime,
    ip: str | None = None,
    name: str = "",
    language: str = "",
    again: bool = False,
    wording_version: str = "",
) -> Subscription:
    """Let a subscriber ask for a newsletter; return the subscription.

    `confirmed` says that their own wish is proven (another system's confirmation, an operator's
    word); otherwise the subscription waits as PENDING. `wording` is what they agreed to. Asking
    again changes nothing, except that `confirmed` settles a pending one.

    Raises AddressSuppressedError, and SubscriberHasLeftError unless `again`, which says that
    somebody asks in the subscriber's name to come back; until they confirm it, they stay
    UNSUBSCRIBED.
    """
    _refuse_suppressed(address.key, address.email, newsletter)
    subscriber = _meet(address, tidy(name), language, now)
    subscription, is_new = Subscription.objects.select_for_update().get_or_create(
        subscriber=subscriber,
        newsletter=newsletter,
        defaults={"state": State.PENDING, "created_at": now},
    )
    before = None if is_new else State(subscription.state)
    if before is State.UNSUBSCRIBED and not again:
        raise SubscriberHasLeftError(
            f"{subscriber} has unsubscribed from {newsletter.slug}; only their own wish, made "
            "in person, brings them back."
        )
    after = _after_request(before, confirmed=confirmed)
    if after == before != State.UNSUBSCRIBED:
        return subscription
    if after != before:
        _move(subscription, after, now)
    if confirmed:
        forgive_erased(address.key)
    action = Action.CONFIRMED if confirmed else Action.REQUESTED
    said = {"wording": wording, "wording_version": wording_version or version_of(wording)}
    _record(subscription, action, at=now, via=via, ip=ip, **said)
    return subscription


@transaction.atomic
def confirm(
    subscriber_id: int,
    newsletter_id: int,
    *,
    via: str,
    ip: str | None,
    now: datetime,
    asked_at: datetime | None = None,
) -> bool:
    """Make a subscription active that waits for its subscriber's word; True if that changed something.

    `asked_at` is when the link was sent that proves the wish; one from before the subscriber left
    does not bring them back. Raises SubscriberError for ids that are unknown together,
    AddressSuppressedError, and SubscriberHasLeftError.
    """
    subscription = _locked(subscriber_id, newsletter_id)
    if subscription.state == State.ACTIVE:
        return False
    subscriber, newsletter = subscription.subscriber, subscription.newsletter
    left_at = subscription.unsubscribed_at
    if left_at and (asked_at is None or asked_at < left_at):
        raise SubscriberHasLeftError(f"You have left {newsletter.name} since; subscribe anew.")
    _refuse_suppressed(subscriber.address_key, subscriber.email, newsletter)
    _move(subscription, State.ACTIVE, now)
    forgive_erased(subscriber.address_key)
    _record(subscription, Action.CONFIRMED, at=now, via=via, ip=ip)
    return True


@transaction.atomic
def resubscribe(
    subscriber_id: int,
    newsletter_id: int,
    *,
    via: str,
    ip: str | None,
    now: datetime,
    wording: str = "",
) -> bool:
    """Let a subscriber, known by their own link, have a newsletter (again); True if that changed it.

    For the preferences and for "undo": whoever holds the link gets mail at the address. Raises
    SubscriberError for an unknown subscriber, AddressSuppressedError.
    """
    subscriber = Subscriber.objects.filter(pk=subscriber_id).first()
    newsletter = Newsletter.objects.filter(pk=newsletter_id).first()
    if subscriber is None or newsletter is None:
        raise SubscriberError("This subscriber, or this newsletter, is not known any more.")
    _refuse_suppressed(subscriber.address_key, subscriber.email, newsletter)
    subscription, _ = Subscription.objects.select_for_update().get_or_create(
        subscriber=subscriber,
        newsletter=newsletter,
        defaults={"state": State.PENDING, "created_at": now},
    )
    if subscription.state == State.ACTIVE:
        return False
    _move(subscription, State.ACTIVE, now)
    forgive_erased(subscriber.address_key)
    said = {"wording": wording, "wording_version": version_of(wording)}
    _record(subscription, Action.CONFIRMED, at=now, via=via, ip=ip, **said)
    return True


@transaction.atomic
def unsubscribe(
    subscriber_id: int, newsletter_id: int, *, via: str, ip: str | None, now: datetime
) -> bool:
    """Let a subscriber leave (RFC 8058 §3.2: at once, asking nothing); True if that changed something.

    Raises SubscriberError for ids that are unknown together.
    """
    subscription = _locked(subscriber_id, newsletter_id)
    if subscription.state == State.UNSUBSCRIBED:
        return False
    _move(subscription, State.UNSUBSCRIBED, now)
    _record(subscription, Action.UNSUBSCRIBED, at=now, via=via, ip=ip)
    return True


def find(address: Address) -> Subscriber:
    """Return the subscriber with this address; raise SubscriberError if we know of none."""
    try:
        return Subscriber.objects.get(address_key=address.key)
    except Subscriber.DoesNotExist as cause:
        raise SubscriberError(f"No subscriber has the address {address.email}.") from cause


def _after_request(before: State | None, *, confirmed: bool) -> State:
    """Return the state that a request leads to."""
    if confirmed or before is State.ACTIVE:
        return State.ACTIVE
    # A stranger may have asked: an import must not find the subscriber who left as "pending".
    return State.UNSUBSCRIBED if before is State.UNSUBSCRIBED else State.PENDING


def _refuse_suppressed(key: str, email: str, newsletter: Newsletter) -> None:
    if is_suppressed(key, newsletter.pk):
        raise AddressSuppressedError(
            f"{email} is suppressed: {newsletter.slug} must not mail this address."
        )


def _meet(address: Address, name: str, language: str, now: datetime) -> Subscriber:
    if len(address.key) > LONGEST_ADDRESS:  # case folding may lengthen: ß becomes ss
        raise SubscriberError("This is too long to be an email address.")
    subscriber, _ = Subscriber.objects.get_or_create(
        address_key=address.key,
        defaults={
            "email": address.email,
            "name": name,
            "language": language,
            "created_at": now,
        },
    )
    if name and not subscriber.name:
        subscriber.name = name
        subscriber.save(update_fields=["name"])
    return subscriber


def _locked(subscriber_id: int, newsletter_id: int) -> Subscription:
    try:
        return (
            Subscription.objects.select_for_update(of=("self",))
            .select_related("subscriber", "newsletter")
            .get(subscriber_id=subscriber_id, newsletter_id=newsletter_id)
        )
    except Subscription.DoesNotExist as cause:
        raise SubscriberError("This subscriber never asked for this newsletter.") from cause


def _move(subscription: Subscription, state: State, now: datetime) -> None:
    subscription.state = state
    if state is State.ACTIVE:
        subscription.confirmed_at = now
    subscription.unsubscribed_at = now if state is State.UNSUBSCRIBED else None
    subscription.save(update_fields=["state", "confirmed_at", "unsubscribed_at"])


def _record(
    subscription: Subscription,
    action: Action,
    *,
    at: datetime,
    via: str,
    ip: str | None,
    wording: str = "",
    wording_version: str = "",
) -> None:
    ConsentEvent.objects.create(
        subscriber_id=subscription.subscriber_id,
        newsletter_id=subscription.newsletter_id,
        action=action,
        at=at,
        via=via,
        ip=ip,
        wording=wording,
        wording_version=wording_version,
    )
