"""Subscribers: add, find, show, export, unsubscribe, erase."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Status
from pydantic import BaseModel, Field, IPvAnyAddress

from digest.accounts.scopes import Scope
from digest.api import audit_trail
from digest.api.authentication import Caller, caller_of
from digest.api.idempotency import idempotent
from digest.api.lookup import get_newsletter, get_publication
from digest.api.paging import Page, PageQuery, paginate
from digest.api.problems import ProblemError
from digest.api.routing import Operations
from digest.api.schemas import Email, Id, Line, Payload, Slug, Switch, Text
from digest.core import addresses, clock, languages
from digest.core.addresses import Address
from digest.newsletters.models import Newsletter
from digest.selfservice import data_export, erasure
from digest.subscribers import consent, profiles, signup_limits, signups
from digest.subscribers.errors import AddressSuppressedError, UnsubscribedError
from digest.subscribers.models import Profile, Subscriber, Subscription
from digest.tenancy.visibility import details_of, subscribers_with_details

router = Operations(tags=["subscribers"])

VIA = "api"


class SubscriberIn(Payload):
    """A new subscription. Unless it is confirmed already, a mail asks the subscriber to confirm."""

    email: Email
    newsletters: Annotated[list[Slug], Field(min_length=1, max_length=20)]
    name: Annotated[Line, Field(max_length=200)] = ""
    language: Annotated[
        str, Field(pattern=f"^({languages.TAG})?$", max_length=languages.LONGEST_TAG)
    ] = ""
    confirmed: Annotated[
        Switch, Field(description="The consent is proven by `evidence`; no mail asks for it.")
    ] = False
    evidence: Annotated[
        Text, Field(description="What they agreed to, when and where. Required if confirmed.")
    ] = ""
    ip: Annotated[IPvAnyAddress | None, Field(description="The subscriber's IP address.")] = None


class SubscriberQuery(PageQuery):
    """Which subscribers."""

    email: Email | None = Field(
        None, description="Only the subscriber with this address, in any spelling."
    )


class SubscriptionOut(BaseModel):
    """A subscription to one newsletter."""

    newsletter: str
    state: str
    cadence: str
    topics: list[str]
    subscribed_at: datetime
    confirmed_at: datetime | None
    unsubscribed_at: datetime | None
    paused_until: datetime | None


class ProfileOut(BaseModel):
    """What a publication knows of a subscriber."""

    publication: str
    tags: list[str]
    attributes: dict[str, str | bool | int | float]


class ProfilePatch(Payload):
    """Changes to what a publication knows of a subscriber. Absent fields stay as they are."""

    publication: Slug
    tags: Annotated[
        list[Line] | None, Field(max_length=100, description="Replaces all tags of the subscriber.")
    ] = None
    attributes: Annotated[
        dict[str, Line | bool | int | float | None],
        Field(max_length=100, description="Values by key; null removes one. Others stay."),
    ] = {}


class SubscriberOut(BaseModel):
    """A subscriber."""

    id: int
    uuid: UUID = Field(description="The subscriber's for ever; an id may be given again.")
    email: str
    name: str
    language: str
    timezone: str
    created_at: datetime
    subscriptions: list[SubscriptionOut]
    profiles: list[ProfileOut] = Field(description="One for each publication that has any of it.")


class AcceptedOut(BaseModel):
    """The request was accepted. The response repeats what was sent, for every address alike."""

    email: str
    newsletters: list[str]


@router.read("/subscribers", Scope.SUBSCRIBERS_READ, returns=Page[SubscriberOut])
def list_subscribers(request: HttpRequest, query: Query[SubscriberQuery]) -> Any:
    """List subscribers, or find one by its address."""
    caller = caller_of(request)
    subscribers = subscribers_with_details(caller.scope).prefetch_related(
        Prefetch("subscriptions", _subscriptions(caller), to_attr="subscriptions_in_scope"),
        Prefetch("profiles", _profiles(caller), to_attr="profiles_in_scope"),
    )
    if query.email:
        subscribers = subscribers.filter(address_key=addresses.parse(query.email).key)
    return paginate(
        subscribers, query, "subscribers", lambda subscriber: _serialize(subscriber, caller)
    )


@router.accept("/subscribers", Scope.SUBSCRIBERS_WRITE, returns=AcceptedOut)
@idempotent
def add_subscriber(request: HttpRequest, payload: SubscriberIn) -> Any:
    """Add a subscriber: a mail asks for confirmation, unless the consent is confirmed already.

    The response is the same for every address. Subscribers who unsubscribed or are suppressed are
    not added; `GET /subscribers` (with `subscribers:read`) shows who subscribes.
    """
    caller = caller_of(request)
    address = addresses.parse(payload.email)
    newsletters = [get_newsletter(caller, slug) for slug in dict.fromkeys(payload.newsletters)]
    if payload.confirmed:
        _add_confirmed(address, newsletters, payload)
    else:
        _sign_up(address, newsletters, payload)
    return Status(
        202,
        {"email": address.email, "newsletters": [newsletter.slug for newsletter in newsletters]},
    )


@router.read("/subscribers/{subscriber_id}", Scope.SUBSCRIBERS_READ, returns=SubscriberOut)
def show_subscriber(request: HttpRequest, subscriber_id: Id, uuid: UUID | None = None) -> Any:
    """Show a subscriber with their subscriptions."""
    caller = caller_of(request)
    return _serialize(_subscriber(caller, subscriber_id, uuid), caller)


@router.read(
    "/subscribers/{subscriber_id}/export", Scope.SUBSCRIBERS_EXPORT, returns=dict[str, Any]
)
def export_subscriber(request: HttpRequest, subscriber_id: Id, uuid: UUID | None = None) -> Any:
    """Export a subscriber's data; a token of one publication gets only that publication's."""
    caller = caller_of(request)
    audit_trail.record_reading(request)
    subscriber = _subscriber(caller, subscriber_id, uuid)
    return data_export.export_in_scope(subscriber, caller.scope)


@router.change("/subscribers/{subscriber_id}/profile", Scope.SUBSCRIBERS_WRITE, returns=ProfileOut)
def change_profile(
    request: HttpRequest, subscriber_id: Id, payload: ProfilePatch, uuid: UUID | None = None
) -> Any:
    """Change the tags and attribute values of a subscriber in one publication."""
    caller = caller_of(request)
    subscriber = _subscriber(caller, subscriber_id, uuid)
    publication = get_publication(caller, payload.publication)
    if not subscriber.subscriptions.filter(newsletter__publication=publication).exists():
        raise Http404
    with transaction.atomic():
        if payload.tags is not None:
            profiles.set_tags(subscriber.pk, publication.pk, payload.tags)
        profiles.set_attributes(subscriber.pk, publication.pk, payload.attributes)
    return _serialize_profile(profiles.profile_of(subscriber.pk, publication.pk))


@router.remove("/subscribers/{subscriber_id}/subscriptions/{slug}", Scope.SUBSCRIBERS_WRITE)
def unsubscribe(
    request: HttpRequest, subscriber_id: Id, slug: Slug, uuid: UUID | None = None
) -> Any:
    """Unsubscribe a subscriber from a newsletter. Repeating it changes nothing."""
    caller, now = caller_of(request), clock.now()
    subscriber, newsletter = (
        _subscriber(caller, subscriber_id, uuid),
        get_newsletter(caller, slug),
    )
    if not subscriber.subscriptions.filter(newsletter=newsletter).exists():
        raise Http404
    consent.unsubscribe(subscriber.pk, newsletter.pk, via=VIA, ip=None, now=now)
    return Status(204, None)


@router.remove("/subscribers/{subscriber_id}", Scope.SUBSCRIBERS_ERASE)
def erase_subscriber(request: HttpRequest, subscriber_id: Id, uuid: UUID | None = None) -> Any:
    """Erase a subscriber for good, at their own request. A keyed hash prevents later imports.

    A token of one publication may not: the subscriber may have newsletters of others.
    """
    caller = caller_of(request)
    caller.require_every_publication("Erasing a subscriber")
    erasure.erase(_subscriber(caller, subscriber_id, uuid).pk, clock.now())
    return Status(204, None)


def _add_confirmed(address: Address, newsletters: list[Newsletter], payload: SubscriberIn) -> None:
    """Subscribe an address; where it unsubscribed, was erased or is suppressed, nothing happens.

    An error would tell a token that may only write who left, or whom others have suppressed.
    """
    if not payload.evidence.strip():
        raise ProblemError(422, "State in evidence what they agreed to, when and where.")
    for newsletter in newsletters:
        with suppress(AddressSuppressedError, UnsubscribedError):
            consent.subscribe(
                address,
                newsletter,
                via=VIA,
                confirmed=True,
                wording=payload.evidence,
                ip=str(payload.ip) if payload.ip else None,
                name=payload.name,
                language=payload.language,
                now=clock.now(),
            )


def _sign_up(address: Address, newsletters: list[Newsletter], payload: SubscriberIn) -> None:
    """Accept a sign-up as the public page does, with the same limits."""
    if closed := [row.slug for row in newsletters if not row.accepts_signups]:
        raise ProblemError(409, f"{closed[0]} does not accept sign-ups: it is private or closed.")
    if len({newsletter.publication_id for newsletter in newsletters}) > 1:
        raise ProblemError(422, "Choose newsletters of one publication.")
    ip = str(payload.ip) if payload.ip else None
    if signup_limits.admit(address, ip):
        signups.store_signup(
            address,
            newsletters,
            via=VIA,
            ip=ip,
            language=payload.language,
            wording=payload.evidence,
            answers={"name": payload.name} if payload.name else None,
            now=clock.now(),
        )


def _subscriber(caller: Caller, subscriber_id: int, uuid: UUID | None) -> Subscriber:
    """Return a subscriber in scope; with `uuid` nobody else who was given the id since (404)."""
    subscriber = get_object_or_404(subscribers_with_details(caller.scope), pk=subscriber_id)
    if uuid not in {None, subscriber.uuid}:
        raise Http404
    return subscriber


def _serialize(subscriber: Subscriber, caller: Caller) -> dict[str, Any]:
    fetched: list[Subscription] | None = getattr(subscriber, "subscriptions_in_scope", None)
    subscriptions = (
        _subscriptions(caller).filter(subscriber=subscriber) if fetched is None else fetched
    )
    details = details_of(subscriber, caller.scope)
    return {
        "id": subscriber.pk,
        "uuid": subscriber.uuid,
        "email": subscriber.email,
        "name": details.name,
        "language": details.language,
        "timezone": details.timezone,
        "created_at": details.known_since,
        "subscriptions": [_serialize_subscription(row) for row in subscriptions],
        "profiles": [_serialize_profile(row) for row in _profiles_of(subscriber, caller)],
    }


def _subscriptions(caller: Caller) -> QuerySet[Subscription]:
    """Return the subscriptions that a caller reaches."""
    subscriptions = Subscription.objects.select_related("newsletter", "subscriber").order_by("pk")
    return caller.scope.filter(subscriptions, "newsletter__publication")


def _profiles(caller: Caller) -> QuerySet[Profile]:
    """Return the profiles that a caller reaches."""
    return caller.scope.filter(Profile.objects.select_related("publication").order_by("pk"))


def _profiles_of(subscriber: Subscriber, caller: Caller) -> Iterable[Profile]:
    fetched: list[Profile] | None = getattr(subscriber, "profiles_in_scope", None)
    return _profiles(caller).filter(subscriber=subscriber) if fetched is None else fetched


def _serialize_profile(profile: Profile) -> dict[str, Any]:
    return {
        "publication": profile.publication.slug,
        "tags": profile.tags,
        "attributes": profile.attributes,
    }


def _serialize_subscription(subscription: Subscription) -> dict[str, Any]:
    values = data_export.export_subscription(subscription)
    return {name: values[name] for name in SubscriptionOut.model_fields}
