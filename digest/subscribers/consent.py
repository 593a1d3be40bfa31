"""Readers come, confirm and leave; each step is recorded with the state it changes, or not at all.

Every function here changes the subscription and appends its ConsentEvent in one transaction, under
a lock on the subscription, and changes nothing when it is called again.
"""

from datetime import datetime

from django.db import transaction

from digest.core.addresses import Address
from digest.newsletters.models import Newsletter
from digest.subscribers.errors import (
    AddressSuppressedError,
    ReaderHasLeftError,
    SubscriberError,
)
from digest.subscribers.models import LONGEST_ADDRESS, ConsentEvent, Subscriber, Subscription
from digest.subscribers.names import tidy
from digest.subscribers.suppression import is_suppressed

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
    again: bool = False,
) -> Subscription:
    """Let a reader ask for a newsletter; return the subscription.

    `confirmed` says that their own wish is proven (another system's confirmation, an operator's
    word); otherwise the subscription waits as PENDING. `wording` is what they agreed to. Asking
    again changes nothing, except that `confirmed` settles a pending one.

    Raises AddressSuppressedError, and ReaderHasLeftError unless `again`, which says that the
    reader, in person, wants to come back.
    """
    _refuse_suppressed(address.key, address.email, newsletter)
    subscriber = _meet(address, tidy(name), now)
    subscription, is_new = Subscription.objects.select_for_update().get_or_create(
        subscriber=subscriber,
        newsletter=newsletter,
        defaults={"state": State.PENDING, "created_at": now},
    )
    before = None if is_new else State(subscription.state)
    if before is State.UNSUBSCRIBED and not again:
        raise ReaderHasLeftError(
            f"{subscriber} has unsubscribed from {newsletter.slug}; only their own wish, made "
            "in person, brings them back."
        )
    after = _after_request(before, confirmed=confirmed)
    if after == before:
        return subscription
    _move(subscription, after, now)
    action = Action.CONFIRMED if confirmed else Action.REQUESTED
    _record(subscription, action, at=now, via=via, ip=ip, wording=wording)
    return subscription


@transaction.atomic
def confirm(
    subscriber_id: int, newsletter_id: int, *, via: str, ip: str | None, now: datetime
) -> bool:
    """Make a pending subscription active; True if that changed something.

    Raises SubscriberError for ids that are unknown together, AddressSuppressedError, and
    ReaderHasLeftError: a confirmation link from before the reader left does not bring them back.
    """
    subscription = _locked(subscriber_id, newsletter_id)
    if subscription.state == State.ACTIVE:
        return False
    reader, newsletter = subscription.subscriber, subscription.newsletter
    if subscription.state == State.UNSUBSCRIBED:
        raise ReaderHasLeftError(f"You have left {newsletter.name} since; subscribe anew.")
    _refuse_suppressed(reader.address_key, reader.email, newsletter)
    _move(subscription, State.ACTIVE, now)
    _record(subscription, Action.CONFIRMED, at=now, via=via, ip=ip)
    return True


@transaction.atomic
def unsubscribe(
    subscriber_id: int, newsletter_id: int, *, via: str, ip: str | None, now: datetime
) -> bool:
    """Let a reader leave (RFC 8058 §3.2: at once, asking nothing); True if that changed something.

    Raises SubscriberError for ids that are unknown together.
    """
    subscription = _locked(subscriber_id, newsletter_id)
    if subscription.state == State.UNSUBSCRIBED:
        return False
    _move(subscription, State.UNSUBSCRIBED, now)
    _record(subscription, Action.UNSUBSCRIBED, at=now, via=via, ip=ip)
    return True


def find(address: Address) -> Subscriber:
    """Return the reader with this address; raise SubscriberError if we know of none."""
    try:
        return Subscriber.objects.get(address_key=address.key)
    except Subscriber.DoesNotExist as cause:
        raise SubscriberError(f"No reader has the address {address.email}.") from cause


def _after_request(before: State | None, *, confirmed: bool) -> State:
    """Return the state that a request leads to."""
    if confirmed or before is State.ACTIVE:
        return State.ACTIVE
    return State.PENDING


def _refuse_suppressed(key: str, email: str, newsletter: Newsletter) -> None:
    if is_suppressed(key, newsletter.pk):
        raise AddressSuppressedError(
            f"{email} is suppressed: {newsletter.slug} must not mail this address."
        )


def _meet(address: Address, name: str, now: datetime) -> Subscriber:
    if len(address.key) > LONGEST_ADDRESS:  # case folding may lengthen: ß becomes ss
        raise SubscriberError("This is too long to be an email address.")
    subscriber, _ = Subscriber.objects.get_or_create(
        address_key=address.key,
        defaults={"email": address.email, "name": name, "created_at": now},
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
        raise SubscriberError("This reader never asked for this newsletter.") from cause


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
) -> None:
    ConsentEvent.objects.create(
        subscriber_id=subscription.subscriber_id,
        newsletter_id=subscription.newsletter_id,
        action=action,
        at=at,
        via=via,
        ip=ip,
        wording=wording,
    )
