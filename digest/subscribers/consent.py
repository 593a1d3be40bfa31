"""Subscribe, confirm, unsubscribe, resubscribe: change a subscription and record the consent.

Every function here changes the subscription and appends its ConsentEvent in one transaction, under
a lock on the subscription, and changes nothing when it is called again.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from digest.core.addresses import Address
from digest.core.text import one_line
from digest.newsletters.models import Newsletter
from digest.newsletters.publicity.states import NewsletterState
from digest.subscribers.errors import (
    AddressSuppressedError,
    SubscriberError,
    UnsubscribedError,
)
from digest.subscribers.evidence.origins import NOWHERE, Origin
from digest.subscribers.models import (
    LONGEST_ADDRESS,
    LONGEST_NAME,
    ConsentEvent,
    Subscriber,
    Subscription,
)
from digest.subscribers.signups import wording_version
from digest.subscribers.suppression import (
    has_unsubscribed_elsewhere,
    is_suppressed,
    lift_own_wish,
    was_erased,
)

State = Subscription.State
Action = ConsentEvent.Action
VIA_REMOVAL = "removal"  # of many subscribers by an editor, who may undo it
VIA_UNDO = "undo"  # of leaving, by whoever just left


class Evidence(NamedTuple):
    """How consent was given or withdrawn, and to what."""

    via: str
    ip: str | None
    origin: Origin = NOWHERE
    wording: str = ""
    version: str = ""  # of the wording; empty: derived from it


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
    allow_resubscribe: bool = False,
    version: str = "",
    origin: Origin = NOWHERE,
) -> Subscription:
    """Subscribe an address to a newsletter; return the subscription.

    `confirmed` means that consent is proven (by another system's confirmation, or by an operator);
    otherwise the subscription is PENDING. `wording` is what they agreed to. A repetition changes
    nothing, except that `confirmed` activates a pending subscription, which otherwise waits again.

    Raises AddressSuppressedError, and UnsubscribedError for who unsubscribed or was erased, unless
    `allow_resubscribe`: the request may come from them, who stay UNSUBSCRIBED until they confirm.
    """
    _refuse_suppressed(address.key, address.email, newsletter)
    subscriber = _get_or_create_subscriber(address, one_line(name, LONGEST_NAME), language, now)
    fill_name(subscriber, one_line(name, LONGEST_NAME), newsletter)
    subscription, is_new = _get_or_create_subscription(subscriber, newsletter, now)
    before = None if is_new else State(subscription.state)
    if not allow_resubscribe:
        _refuse_unsubscribed(before, subscriber, newsletter)
    after = _after_request(before, confirmed=confirmed)
    if after == before != State.UNSUBSCRIBED:
        _renew_pending(subscription, now)
        return subscription
    if after != before:
        _set_state(subscription, after, now)
    if confirmed:
        lift_own_wish(address.key, newsletter.pk)
    action = Action.CONFIRMED if confirmed else Action.REQUESTED
    _record(subscription, action, Evidence(via, ip, origin, wording, version), now)
    return subscription


def _refuse_unsubscribed(
    before: State | None, subscriber: Subscriber, newsletter: Newsletter
) -> None:
    has_left_elsewhere = has_unsubscribed_elsewhere(subscriber.address_key, newsletter.pk)
    if before is State.UNSUBSCRIBED or (has_left_elsewhere and before is not State.ACTIVE):
        raise UnsubscribedError(
            f"{subscriber} has unsubscribed from {newsletter.slug}. Only the subscriber can "
            "subscribe again, with a confirmation."
        )
    if before is not State.ACTIVE and was_erased(subscriber.address_key):
        raise UnsubscribedError(
            f"{subscriber} was erased at their own request. Only the subscriber can subscribe "
            "again, with a confirmation."
        )


@transaction.atomic
def confirm(
    subscriber_id: int,
    newsletter_id: int,
    *,
    via: str,
    ip: str | None,
    now: datetime,
    requested_at: datetime | None = None,
) -> bool:
    """Activate a subscription that its subscriber confirms; True if that changed something.

    `requested_at` is when the confirmation was requested; one from before they unsubscribed does
    not count. Raises SubscriberError if there is no such subscription or the newsletter has ended,
    AddressSuppressedError, and UnsubscribedError.
    """
    subscription = _locked(subscriber_id, newsletter_id)
    if subscription.state == State.ACTIVE:
        return False
    subscriber, newsletter = subscription.subscriber, subscription.newsletter
    if newsletter.state == NewsletterState.CLOSED:
        raise SubscriberError(f"{newsletter.name} has ended: nobody can subscribe any more.")
    unsubscribed_at = subscription.unsubscribed_at
    if unsubscribed_at and (requested_at is None or requested_at < unsubscribed_at):
        raise UnsubscribedError(
            f"You have unsubscribed from {newsletter.name} since. Subscribe again."
        )
    _refuse_suppressed(subscriber.address_key, subscriber.email, newsletter)
    _set_state(subscription, State.ACTIVE, now)
    lift_own_wish(subscriber.address_key, newsletter.pk)
    version = _requested_version(subscription, requested_at)
    _record(subscription, Action.CONFIRMED, Evidence(via, ip, version=version), now)
    return True


def record_request(subscription: Subscription, evidence: Evidence, now: datetime) -> None:
    """Record a request that a mail tells of, for a pending subscription that had one already.

    Nothing is recorded if it came from the same place and agreed to the same wording.
    """
    if subscription.state != State.PENDING:
        return
    last = _requests(subscription).first()
    version = evidence.version or wording_version(evidence.wording)
    origin = (evidence.via, version, evidence.origin.page, evidence.origin.campaign)
    if last and origin == (last.via, last.wording_version, last.page, last.campaign):
        return
    _record(subscription, Action.REQUESTED, evidence, now)


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
    """Subscribe a subscriber (again) who uses their own link; True if that changed something.

    For the preferences page and "Resubscribe": the link proves that they read the mailbox. A pause
    of before is over, unless they undo that they left. Raises SubscriberError if the subscriber
    does not exist, and AddressSuppressedError.
    """
    subscriber = Subscriber.objects.filter(pk=subscriber_id).first()
    newsletter = Newsletter.objects.filter(pk=newsletter_id).first()
    if subscriber is None or newsletter is None:
        raise SubscriberError("This subscriber or this newsletter no longer exists.")
    _refuse_suppressed(subscriber.address_key, subscriber.email, newsletter)
    subscription, _ = _get_or_create_subscription(subscriber, newsletter, now)
    if subscription.state == State.ACTIVE:
        return False
    _set_state(subscription, State.ACTIVE, now, ends_pause=via != VIA_UNDO)
    lift_own_wish(subscriber.address_key, newsletter.pk)
    _record(subscription, Action.CONFIRMED, Evidence(via, ip, wording=wording), now)
    return True


@transaction.atomic
def unsubscribe(
    subscriber_id: int,
    newsletter_id: int,
    *,
    via: str,
    ip: str | None,
    now: datetime,
    issue: int = 0,
) -> bool:
    """Unsubscribe immediately, without a question (RFC 8058 §3.2); True if it changed something.

    `issue` is the id of the issue whose mail led to it, 0 for none. Raises SubscriberError if there
    is no such subscription.
    """
    subscription = _locked(subscriber_id, newsletter_id)
    if subscription.state == State.UNSUBSCRIBED:
        _keep_wish(subscription, now)
        return False
    _set_state(subscription, State.UNSUBSCRIBED, now)
    _record(subscription, Action.UNSUBSCRIBED, Evidence(via, ip), now, issue=issue)
    return True


def _keep_wish(subscription: Subscription, now: datetime) -> None:
    """Let no undo bring back a subscriber whom an editor removed, and who wants to leave too."""
    events = ConsentEvent.objects.filter(
        subscriber=subscription.subscriber_id, newsletter=subscription.newsletter_id
    )
    # A request that came meanwhile, perhaps of a stranger, says nothing about who ended it.
    ended = events.filter(action=Action.UNSUBSCRIBED).order_by("-pk")
    last_via = ended.values_list("via", flat=True).first()
    if last_via == VIA_REMOVAL:
        subscription.unsubscribed_at = now
        subscription.save(update_fields=["unsubscribed_at"])


def find_subscriber(address: Address) -> Subscriber:
    """Return the subscriber with this address; raise SubscriberError if there is none."""
    try:
        return Subscriber.objects.get(address_key=address.key)
    except Subscriber.DoesNotExist as cause:
        raise SubscriberError(f"No subscriber has the address {address.email}.") from cause


def _after_request(before: State | None, *, confirmed: bool) -> State:
    """Return the state that a subscription has after a request."""
    if confirmed or before is State.ACTIVE:
        return State.ACTIVE
    # A stranger may have sent the request: an import must not find an unsubscribed one as pending.
    return State.UNSUBSCRIBED if before is State.UNSUBSCRIBED else State.PENDING


def _refuse_suppressed(key: str, email: str, newsletter: Newsletter) -> None:
    if is_suppressed(key, newsletter.pk):
        raise AddressSuppressedError(
            f"{email} is suppressed. {newsletter.slug} cannot send to this address."
        )


def _get_or_create_subscriber(
    address: Address, name: str, language: str, now: datetime
) -> Subscriber:
    if len(address.key) > LONGEST_ADDRESS:  # case folding can lengthen it: ß becomes ss
        raise SubscriberError("The email address is too long.")
    subscriber, _ = Subscriber.objects.get_or_create(
        address_key=address.key,
        defaults={"email": address.email, "name": name, "language": language, "created_at": now},
    )
    return subscriber


def _get_or_create_subscription(
    subscriber: Subscriber, newsletter: Newsletter, now: datetime
) -> tuple[Subscription, bool]:
    """Return the subscription, locked, and whether it is new; a new one is PENDING."""
    return Subscription.objects.select_for_update().get_or_create(
        subscriber=subscriber,
        newsletter=newsletter,
        defaults={"state": State.PENDING, "created_at": now},
    )


def _renew_pending(subscription: Subscription, now: datetime) -> None:
    """Let a pending subscription that was requested again wait as long as the new mail's link."""
    if subscription.state == State.PENDING and subscription.created_at < now:
        subscription.created_at = now
        subscription.save(update_fields=["created_at"])


def _requests(subscription: Subscription) -> QuerySet[ConsentEvent]:
    """Return the requests for a subscription, the last one first."""
    return ConsentEvent.objects.filter(
        subscriber=subscription.subscriber_id,
        newsletter=subscription.newsletter_id,
        action=Action.REQUESTED,
    ).order_by("-pk")


def _requested_version(subscription: Subscription, requested_at: datetime | None) -> str:
    """Return the version of the wording that a confirmation is about, "" if none is known."""
    requests = _requests(subscription)
    if requested_at is not None:  # a link has whole seconds
        requests = requests.filter(at__lt=requested_at + timedelta(seconds=1))
    last = requests.first()
    return last.wording_version if last else ""


def fill_name(subscriber: Subscriber, name: str, newsletter: Newsletter) -> None:
    """Set a missing name, unless the mails of another publication would show it too."""
    if not name or subscriber.name:
        return
    publication = newsletter.publication_id
    if not subscriber.subscriptions.exclude(newsletter__publication=publication).exists():
        subscriber.name = name
        subscriber.save(update_fields=["name"])


def _locked(subscriber_id: int, newsletter_id: int) -> Subscription:
    try:
        return (
            Subscription.objects.select_for_update(of=("self",))
            .select_related("subscriber", "newsletter")
            .get(subscriber_id=subscriber_id, newsletter_id=newsletter_id)
        )
    except Subscription.DoesNotExist as cause:
        raise SubscriberError("This subscriber has no subscription to this newsletter.") from cause


def _set_state(
    subscription: Subscription, state: State, now: datetime, *, ends_pause: bool = True
) -> None:
    subscription.state = state
    if state is State.ACTIVE:
        subscription.confirmed_at = now
        subscription.paused_until = None if ends_pause else subscription.paused_until
    subscription.unsubscribed_at = now if state is State.UNSUBSCRIBED else None
    subscription.save(update_fields=["state", "confirmed_at", "unsubscribed_at", "paused_until"])


def _record(
    subscription: Subscription, action: Action, evidence: Evidence, at: datetime, issue: int = 0
) -> None:
    ConsentEvent.objects.create(
        subscriber_id=subscription.subscriber_id,
        newsletter_id=subscription.newsletter_id,
        action=action,
        at=at,
        via=evidence.via,
        ip=evidence.ip,
        wording=evidence.wording,
        wording_version=evidence.version or wording_version(evidence.wording),
        issue_id=issue or None,
        page=evidence.origin.page,
        campaign=evidence.origin.campaign,
    )
