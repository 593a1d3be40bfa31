"""What somebody may see of a subscriber: nothing that only another publication was told.

Otherwise whoever adds an address that they only know would read who that is.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Exists, F, OuterRef, QuerySet, Subquery, Value, When

from digest.subscribers.models import Subscriber, Subscription
from digest.tenancy.scope import PublicationScope


@dataclass(frozen=True, slots=True)
class PersonalDetails:
    """Name, language and zone, "" if unknown or hidden; since when, and when last active (UTC)."""

    name: str
    language: str
    timezone: str
    known_since: datetime
    last_active_at: datetime | None


def subscribers_with_details(scope: PublicationScope) -> QuerySet[Subscriber]:
    """Return the subscribers in scope, with what `details_of` has to know of each.

    `is_elsewhere` says whether they have subscriptions out of scope, so their name is hidden.
    """
    if scope.publication_ids is None:
        return scope.subscribers().annotate(is_elsewhere=Value(value=False))
    subscriptions = Subscription.objects.filter(subscriber=OuterRef("pk"))
    inside = subscriptions.filter(scope.condition("newsletter__publication"))
    outside = subscriptions.exclude(scope.condition("newsletter__publication"))
    return scope.subscribers().annotate(
        is_elsewhere=Exists(outside),
        subscribed_since=Subquery(inside.order_by("created_at").values("created_at")[:1]),
    )


def with_visible_name(
    subscriptions: QuerySet[Subscription], scope: PublicationScope
) -> QuerySet[Subscription]:
    """Return subscriptions with `visible_name`, "" where `details_of` would hide the name."""
    if scope.publication_ids is None:
        return subscriptions.annotate(visible_name=F("subscriber__name"))
    outside = Subscription.objects.filter(subscriber=OuterRef("subscriber")).exclude(
        scope.condition("newsletter__publication")
    )
    name = Case(When(Exists(outside), then=Value("")), default=F("subscriber__name"))
    return subscriptions.annotate(visible_name=name)


def details_of(subscriber: Subscriber, scope: PublicationScope) -> PersonalDetails:
    """Return the details of one of `subscribers_with_details(scope)`.

    Where the subscriber has subscriptions out of scope too, only since when they have those in it.
    """
    is_hidden = not scope.is_everything and getattr(subscriber, "is_elsewhere", True)
    # Annotated; mypy knows only the model.
    known_since = subscriber.created_at if scope.is_everything else subscriber.subscribed_since  # type: ignore[attr-defined]
    return PersonalDetails(
        name="" if is_hidden else subscriber.name,
        language="" if is_hidden else subscriber.language,
        timezone="" if is_hidden else subscriber.timezone,
        known_since=known_since,
        last_active_at=None if is_hidden else subscriber.acted_at,
    )
