"""Subscribers: add, find, show, export, unsubscribe, erase."""

from datetime import datetime
from typing import Annotated, Any

from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status
from pydantic import BaseModel, Field, IPvAnyAddress

from digest.accounts.scopes import Scope
from digest.api.authentication import Caller, caller_of, needs
from digest.api.idempotency import doing_once
from digest.api.lookup import get_newsletter
from digest.api.paging import Asked, Page, page
from digest.api.problems import STATUSES, ProblemError
from digest.api.schemas import Email, Id, Line, Slug, Switch, Text, Told
from digest.core import addresses, clock, languages
from digest.core.addresses import Address
from digest.newsletters.models import Newsletter
from digest.selfservice import data_export, erasure
from digest.subscribers import consent, signup_limits, signups
from digest.subscribers.models import Subscriber, Subscription

router = Router(tags=["subscribers"])

VIA = "api"


class SubscriberNew(Told):
    """A subscriber's wish. Unless it is confirmed already, a mail asks them to confirm it."""

    email: Email
    newsletters: Annotated[list[Slug], Field(min_length=1, max_length=20)]
    name: Annotated[Line, Field(max_length=200)] = ""
    language: Annotated[
        str, Field(pattern=f"^({languages.TAG})?$", max_length=languages.LONGEST_TAG)
    ] = ""
    confirmed: Annotated[Switch, Field(description="their own wish is proven, by evidence")] = False
    evidence: Annotated[
        Text, Field(description="what they agreed to, when and where; needed if confirmed")
    ] = ""
    ip: Annotated[IPvAnyAddress | None, Field(description="from where they asked")] = None


class SubscriberAsked(Asked):
    """Which subscribers."""

    email: Email | None = Field(None, description="the one with this address, however spelt")


class SubscriptionFacts(BaseModel):
    """What a subscriber asked of one newsletter."""

    newsletter: str
    state: str
    cadence: str
    topics: list[str]
    subscribed_at: datetime
    confirmed_at: datetime | None
    unsubscribed_at: datetime | None
    paused_until: datetime | None


class SubscriberFacts(BaseModel):
    """A subscriber."""

    id: int
    email: str
    name: str
    language: str
    timezone: str
    known_since: datetime
    subscriptions: list[SubscriptionFacts]


class TakenFacts(BaseModel):
    """A wish was taken down. The answer is the same for every address, known or not."""

    email: str
    newsletters: list[str]


@router.get(
    "/subscribers",
    auth=needs(Scope.SUBSCRIBERS_READ),
    response={200: Page[SubscriberFacts], **STATUSES},
)
def list_subscribers(request: HttpRequest, asked: Query[SubscriberAsked]) -> Any:
    """List subscribers, or find one by address."""
    caller = caller_of(request)
    known = caller.scope.subscribers().prefetch_related(
        Prefetch("subscriptions", _asked(caller), to_attr="asked_for")
    )
    if asked.email:
        known = known.filter(address_key=addresses.parse(asked.email).key)
    return page(known, asked, "subscribers", lambda one: _facts(one, caller))


@router.post(
    "/subscribers",
    auth=needs(Scope.SUBSCRIBERS_WRITE),
    response={201: SubscriberFacts, 202: TakenFacts, **STATUSES},
)
@doing_once
def add_subscriber(request: HttpRequest, told: SubscriberNew) -> Any:
    """Add a subscriber: 202, and a mail asks them to confirm; or 201, if their wish is proven.

    A proven wish brings nobody back who has left or is suppressed (409).
    """
    caller = caller_of(request)
    address = addresses.parse(told.email)
    wanted = [get_newsletter(caller, slug) for slug in dict.fromkeys(told.newsletters)]
    if told.confirmed:
        return Status(201, _facts(_confirmed(address, wanted, told), caller))
    _take(address, wanted, told)
    return Status(
        202, {"email": address.email, "newsletters": [newsletter.slug for newsletter in wanted]}
    )


@router.get(
    "/subscribers/{number}",
    auth=needs(Scope.SUBSCRIBERS_READ),
    response={200: SubscriberFacts, **STATUSES},
)
def show_subscriber(request: HttpRequest, number: Id) -> Any:
    """Show a subscriber with their subscriptions."""
    caller = caller_of(request)
    return _facts(get_object_or_404(caller.scope.subscribers(), pk=number), caller)


@router.get(
    "/subscribers/{number}/export",
    auth=needs(Scope.SUBSCRIBERS_EXPORT),
    response={200: dict[str, Any], **STATUSES},
)
def export_subscriber(request: HttpRequest, number: Id) -> Any:
    """Return all that is known of a subscriber; for a token of one publication, all of it there."""
    caller = caller_of(request)
    known = data_export.export_subscriber(get_object_or_404(caller.scope.subscribers(), pk=number))
    if caller.publication_id is None:
        return known
    return data_export.limit_to_newsletters(
        known, set(caller.scope.newsletters().values_list("slug", flat=True))
    )


@router.delete(
    "/subscribers/{number}/subscriptions/{slug}",
    auth=needs(Scope.SUBSCRIBERS_WRITE),
    response={204: None, **STATUSES},
)
def unsubscribe(request: HttpRequest, number: Id, slug: Slug) -> Any:
    """Let a subscriber leave a newsletter; twice changes nothing."""
    caller, now = caller_of(request), clock.now()
    subscriber, newsletter = (
        get_object_or_404(caller.scope.subscribers(), pk=number),
        get_newsletter(caller, slug),
    )
    if not subscriber.subscriptions.filter(newsletter=newsletter).exists():
        raise Http404
    consent.unsubscribe(subscriber.pk, newsletter.pk, via=VIA, ip=None, now=now)
    return Status(204, None)


@router.delete(
    "/subscribers/{number}",
    auth=needs(Scope.SUBSCRIBERS_ERASE),
    response={204: None, **STATUSES},
)
def erase_subscriber(request: HttpRequest, number: Id) -> Any:
    """Erase a subscriber for good at their own wish; a keyed hash blocks later imports.

    Not for a token of one publication: a subscriber may have newsletters of others.
    """
    caller = caller_of(request)
    caller.everywhere("Erasing a subscriber")
    erasure.erase(get_object_or_404(caller.scope.subscribers(), pk=number).pk, clock.now())
    return Status(204, None)


def _confirmed(address: Address, wanted: list[Newsletter], told: SubscriberNew) -> Subscriber:
    if not told.evidence.strip():
        raise ProblemError(422, "Say in evidence what they agreed to, when and where.")
    made = [
        consent.subscribe(
            address,
            newsletter,
            via=VIA,
            confirmed=True,
            wording=told.evidence,
            ip=str(told.ip) if told.ip else None,
            name=told.name,
            language=told.language,
            now=clock.now(),
        )
        for newsletter in wanted
    ]
    return Subscriber.objects.get(pk=made[0].subscriber_id)


def _take(address: Address, wanted: list[Newsletter], told: SubscriberNew) -> None:
    """Take a wish down at the door, as a page would."""
    if shut := [one.slug for one in wanted if not (one.active and one.listed)]:
        raise ProblemError(409, f"{shut[0]} is not open to everybody: paused, or unlisted.")
    if len({newsletter.publication_id for newsletter in wanted}) > 1:
        raise ProblemError(422, "A wish is about newsletters of one publication.")
    ip = str(told.ip) if told.ip else None
    if signup_limits.admit(address, ip):
        signups.store_signup(
            address,
            wanted,
            via=VIA,
            ip=ip,
            language=told.language,
            wording=told.evidence,
            now=clock.now(),
        )


def _facts(subscriber: Subscriber, caller: Caller) -> dict[str, Any]:
    fetched: list[Subscription] | None = getattr(subscriber, "asked_for", None)
    asked = _asked(caller).filter(subscriber=subscriber) if fetched is None else fetched
    return {
        "id": subscriber.pk,
        "email": subscriber.email,
        "name": subscriber.name,
        "language": subscriber.language,
        "timezone": subscriber.timezone,
        "known_since": subscriber.created_at,
        "subscriptions": [_subscription_facts(one) for one in asked],
    }


def _asked(caller: Caller) -> QuerySet[Subscription]:
    """Return the subscriptions that a caller may see."""
    asked = Subscription.objects.select_related("newsletter", "subscriber").order_by("pk")
    if caller.publication_id is None:
        return asked
    return asked.filter(newsletter__publication=caller.publication_id)


def _subscription_facts(one: Subscription) -> dict[str, Any]:
    known = data_export.export_subscription(one)
    return {name: known[name] for name in SubscriptionFacts.model_fields}
