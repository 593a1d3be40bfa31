"""When a subscriber last showed a sign of life. A new kind of sign is a line in SIGNS."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, Max, OuterRef, QuerySet

from digest.analytics.models import Hit, HitKind, Verdict
from digest.bounces.models import SunsetQuestion
from digest.subscribers.models import AddressChange, ConsentEvent, Subscriber


@dataclass(frozen=True, slots=True)
class Sign:
    """Rows that each say that a subscriber did something at a moment."""

    rows: Callable[[], QuerySet[Any]]
    subscriber: str  # the field of its id
    moment: str  # the field of the time


SIGNS = (
    Sign(
        lambda: Hit.objects.filter(kind=HitKind.CLICK, verdict=Verdict.HUMAN),
        "subscriber_id",
        "at",
    ),
    Sign(lambda: ConsentEvent.objects.exclude(action="imported"), "subscriber_id", "at"),
    Sign(AddressChange.objects.all, "subscriber_id", "confirmed_at"),
    Sign(Subscriber.objects.all, "pk", "acted_at"),  # preferences, and mail to us
    Sign(
        lambda: SunsetQuestion.objects.filter(outcome=SunsetQuestion.Outcome.STAYED),
        "subscription__subscriber_id",
        "settled_at",
    ),
)


def last_sign_of_life(subscriber: Subscriber) -> datetime | None:
    """Return when a subscriber last did something themselves (aware, UTC)."""
    moments = [
        sign.rows()
        .filter(**{sign.subscriber: subscriber.pk})
        .aggregate(last=Max(sign.moment))["last"]
        for sign in SIGNS
    ]
    return max(filter(None, moments), default=None)


def has_sign_since(since: datetime | OuterRef) -> list[Exists]:
    """Return conditions on subscriptions, one for each sign: it was shown after a moment.

    Or on other rows that have a `subscriber_id`; the moment may be a column of theirs.
    """
    return [
        Exists(
            sign.rows().filter(
                **{sign.subscriber: OuterRef("subscriber_id"), f"{sign.moment}__gt": since}
            )
        )
        for sign in SIGNS
    ]
