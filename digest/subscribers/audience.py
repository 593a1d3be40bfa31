"""Who receives a newsletter: the one rule that planning and sending share."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from digest.newsletters.models import Cadence, Newsletter
from digest.subscribers.models import Subscription
from digest.subscribers.segments.membership import Membership, memberships_of
from digest.subscribers.suppression import suppressions_for


@dataclass(frozen=True, slots=True)
class Audience:
    """The part of an issue that subscribers' choices are compared with, as plain values."""

    cadences: frozenset[Cadence] = frozenset(Cadence)  # of the subscribers who get it
    topics: frozenset[str] = frozenset()  # of its stories, among those that subscribers can choose
    choosable: frozenset[str] = frozenset()  # titles of the newsletter's topic blocks now
    # Only for subscribers who chose one of these topics; none: for all.
    only_topics: frozenset[str] = frozenset()
    only_segments: tuple[Membership, ...] = ()  # only for members of all these; none: for all
    # Segments that blocks or appeals are for: who belongs to which is known of each who is claimed.
    segments: tuple[Membership, ...] = ()


FOR_ALL = Audience()


def audience_of(newsletter: Newsletter, now: datetime) -> Audience:
    """Return whom a newsletter is for: everyone, or the members of its segment."""
    return Audience(only_segments=memberships_of([newsletter.segment_id], now))


def is_member(subscriber_id: int, newsletter: Newsletter, now: datetime) -> bool:
    """Say whether a subscriber belongs to the segment of a newsletter; True if it is for all."""
    rows = Subscription.objects.filter(subscriber=subscriber_id)
    segments = audience_of(newsletter, now).only_segments
    conditions = [segment.condition("subscriber_id") for segment in segments]
    return not conditions or rows.filter(*conditions).exists()


def eligible(
    newsletter_id: int, now: datetime, audience: Audience = FOR_ALL
) -> QuerySet[Subscription]:
    """Return the subscriptions whose subscribers this newsletter may mail at `now` (aware, UTC).

    They are active, not paused, and suppressed neither for this newsletter nor for all; their
    cadence is one of the audience's, it has at least one of their topics, and they belong to its
    segments. Unordered; iterate by `subscriber_id`, which the index `subscription_audience` serves.
    """
    suppressed = suppressions_for(newsletter_id).filter(
        address_key=OuterRef("subscriber__address_key")
    )
    return Subscription.objects.filter(
        Q(paused_until__isnull=True) | Q(paused_until__lte=now),
        _cadence(audience),
        _topics(audience),
        *(segment.condition("subscriber_id") for segment in audience.only_segments),
        ~Exists(suppressed),
        newsletter_id=newsletter_id,
        state=Subscription.State.ACTIVE,
    )


def why_not(
    newsletter_id: int, subscriber_id: int, now: datetime, audience: Audience = FOR_ALL
) -> str:
    """Return why a subscriber who is not eligible must not be mailed, or not this audience."""
    return exclusion_reasons(newsletter_id, [subscriber_id], now, audience)[subscriber_id]


def exclusion_reasons(
    newsletter_id: int,
    subscriber_ids: Collection[int],
    now: datetime,
    audience: Audience = FOR_ALL,
) -> dict[int, str]:
    """Return why subscribers who are not eligible must not be mailed, by id; see `why_not`.

    Takes a few queries for any number of subscribers.
    """
    active = Subscription.objects.filter(
        newsletter=newsletter_id,
        subscriber__in=subscriber_ids,
        state=Subscription.State.ACTIVE,
    )
    subscriptions = {row.subscriber_id: row for row in active.select_related("subscriber")}
    keys = [row.subscriber.address_key for row in subscriptions.values()]
    suppressions = suppressions_for(newsletter_id).filter(address_key__in=keys).order_by("-pk")
    reasons = {row.address_key: row.reason for row in suppressions}  # the oldest one counts
    outside = {row.name: _outside(row, active) for row in audience.only_segments}
    return {
        subscriber_id: _exclusion_reason(
            subscriptions.get(subscriber_id), reasons, now, audience, outside
        )
        for subscriber_id in subscriber_ids
    }


def _exclusion_reason(
    subscription: Subscription | None,
    suppressions: Mapping[str, str],
    now: datetime,
    audience: Audience,
    outside: Mapping[str, Collection[int]],
) -> str:
    if subscription is None:
        return "The subscriber has unsubscribed."
    if (reason := suppressions.get(subscription.subscriber.address_key)) is not None:
        return f"The address is suppressed: {reason}"
    if subscription.paused_until and subscription.paused_until > now:
        return "The subscriber has paused."
    for name, ids in outside.items():
        if subscription.subscriber_id in ids:
            return f"The subscriber does not belong to the segment “{name}”."
    return _choice_reason(subscription, audience)


def _choice_reason(subscription: Subscription, audience: Audience) -> str:
    if subscription.cadence in audience.cadences:
        return "Nothing in it is about the topics that the subscriber chose."
    if subscription.cadence == Cadence.EVERY:
        return "The subscriber asked for every issue."
    return f"The subscriber asked for it {subscription.get_cadence_display()}."


def _outside(segment: Membership, rows: QuerySet[Subscription]) -> set[int]:
    """Return the ids of the subscribers who do not belong to a segment."""
    members = rows.filter(segment.condition("subscriber_id"))
    ids = set(rows.values_list("subscriber_id", flat=True))
    return ids.difference(members.values_list("subscriber_id", flat=True))


def _cadence(audience: Audience) -> Q:
    if audience.cadences >= frozenset(Cadence):
        return Q()
    return Q(cadence__in=sorted(audience.cadences))


def _topics(audience: Audience) -> Q:
    """Subscribers without topics get everything; so do those whose topics no longer exist."""
    if audience.only_topics:
        return Q(topics__overlap=sorted(audience.only_topics))
    if audience.topics >= audience.choosable:
        return Q()
    choosable, topics = sorted(audience.choosable), sorted(audience.topics)
    return Q(topics=[]) | Q(topics__overlap=topics) | ~Q(topics__overlap=choosable)
