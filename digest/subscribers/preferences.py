"""A subscriber's preferences for the newsletters of one publication: read them, change them.

Every change is made under the subscriber's own link. Subscribing and unsubscribing go through
`consent`, so that they are recorded; the rest (cadence, topics, pause, name, language, time zone)
does not concern consent and is simply stored.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from digest.core import clock
from digest.core.errors import DigestError
from digest.core.text import one_line
from digest.newsletters.choices import BlockKind
from digest.newsletters.models import Cadence, LayoutBlock, Newsletter, Publication
from digest.newsletters.publicity.states import NewsletterState
from digest.subscribers import consent
from digest.subscribers.activity import record_activity
from digest.subscribers.audience import is_member
from digest.subscribers.errors import SubscriberError
from digest.subscribers.models import LONGEST_NAME, Subscriber, Subscription

State = Subscription.State


@dataclass(frozen=True, slots=True)
class NewsletterPreferences:
    """A subscriber's preferences for one newsletter, and what they can choose."""

    newsletter: Newsletter
    active: bool
    cadence: str
    cadences: tuple[Cadence, ...]  # offered, their own among them; a single one: no choice
    topics: tuple[str, ...]  # chosen; none: everything
    offered_topics: tuple[str, ...]
    muted_topics: tuple[str, ...] = ()  # whose stories are left out
    is_member: bool = True  # of the segment that the newsletter is for, if it is for one
    paused_until: datetime | None = None  # if that is still to come (aware)


@dataclass(frozen=True, slots=True)
class Preferences:
    """A subscriber's preferences for the newsletters of one publication."""

    subscriber: Subscriber
    publication: Publication
    newsletters: tuple[NewsletterPreferences, ...]

    @property
    def any_active(self) -> bool:
        """Return whether they receive at least one newsletter."""
        return any(row.active for row in self.newsletters)

    @property
    def any_paused(self) -> bool:
        """Return whether at least one of them is paused, as one is that nobody seemed to read."""
        return any(row.paused_until for row in self.newsletters)

    @property
    def paused_until(self) -> datetime | None:
        """Return when the last pause ends (aware), if all that they receive is paused."""
        pauses = [row.paused_until for row in self.newsletters if row.active]
        return None if None in pauses else max(filter(None, pauses), default=None)


@dataclass(frozen=True, slots=True)
class PreferenceChange:
    """The preferences that a subscriber submits for one newsletter."""

    active: bool
    cadence: str = Cadence.EVERY
    topics: Collection[str] = ()


def get_preferences(subscriber_id: int, publication_id: int, now: datetime) -> Preferences | None:
    """Return a subscriber's preferences, or None if the subscriber does not exist (any more).

    They cover the newsletters that anybody may subscribe to, and those that the subscriber has or
    had a subscription to; of closed ones only those that they are subscribed to.
    """
    subscriber = Subscriber.objects.filter(pk=subscriber_id).first()
    publication = Publication.objects.filter(pk=publication_id).first()
    if subscriber is None or publication is None:
        return None
    subscriptions = {row.newsletter_id: row for row in subscriber.subscriptions.all()}
    active = [pk for pk, row in subscriptions.items() if row.state == Subscription.State.ACTIVE]
    newsletters = publication.newsletters.filter(
        Q(pk__in=Newsletter.objects.open_to_all())
        | (Q(pk__in=list(subscriptions)) & ~Q(state=NewsletterState.CLOSED))
        | Q(pk__in=active)
    ).order_by("name", "pk")
    topics = topics_of(publication)
    rows = tuple(
        replace(
            _preferences(
                newsletter, subscriptions.get(newsletter.pk), topics.get(newsletter.pk, ())
            ),
            is_member=is_member(subscriber_id, newsletter, now),
            paused_until=_future_pause(subscriptions.get(newsletter.pk), now),
        )
        for newsletter in newsletters
    )
    return Preferences(subscriber, publication, rows)


@transaction.atomic
def apply_changes(
    current: Preferences,
    changes: Mapping[int, PreferenceChange],
    *,
    wording: str,
    ip: str | None,
    now: datetime,
) -> list[Newsletter]:
    """Apply changes by newsletter id; return the newsletters subscribed to or unsubscribed from.

    Newsletters without a change stay as they are, and a cadence or topic that is not offered is
    ignored. `wording` is the text on the page that a subscriber agrees to.
    """
    switched = []
    record_activity(current.subscriber.pk, now)
    for row in current.newsletters:
        change = changes.get(row.newsletter.pk)
        if change is None:
            continue
        if _switch(current.subscriber, row, change, wording=wording, ip=ip, now=now):
            switched.append(row.newsletter)
        if change.active:
            _store_choices(current.subscriber, row, change)
    return switched


def rarer_cadences(newsletter: Newsletter, cadence: str) -> tuple[Cadence, ...]:
    """Return the offered cadences that bring less mail than this one."""
    order = list(Cadence)
    position = order.index(Cadence(cadence))
    offered = _offered_cadences(newsletter)
    return tuple(candidate for candidate in offered if order.index(candidate) > position)


def set_cadence(subscriber_id: int, newsletter: Newsletter, cadence: str) -> bool:
    """Set the cadence of a subscription; False if it is not offered."""
    if cadence not in _offered_cadences(newsletter):
        return False
    record_activity(subscriber_id, clock.now())
    subscription = Subscription.objects.filter(subscriber=subscriber_id, newsletter=newsletter)
    return bool(subscription.update(cadence=cadence))


def set_pause(current: Preferences, until: datetime | None) -> int:
    """Send nothing of this publication before `until` (aware); None ends a pause.

    Returns the number of subscriptions that changed.
    """
    record_activity(current.subscriber.pk, clock.now())
    subscriptions = Subscription.objects.filter(
        subscriber=current.subscriber, newsletter__publication=current.publication
    )
    return subscriptions.filter(state=State.ACTIVE).update(paused_until=until)


def save_profile(subscriber: Subscriber, *, name: str, language: str, timezone: str) -> None:
    """Save name, language and time zone; raise SubscriberError for an unknown zone."""
    if timezone:
        try:
            clock.zone(timezone)
        except DigestError as cause:
            raise SubscriberError(str(cause)) from cause
    subscriber.name, subscriber.language, subscriber.timezone = (
        one_line(name, LONGEST_NAME),
        language,
        timezone,
    )
    subscriber.acted_at = clock.now()
    subscriber.save(update_fields=["name", "language", "timezone", "acted_at"])


def _preferences(
    newsletter: Newsletter, subscription: Subscription | None, offered_topics: tuple[str, ...]
) -> NewsletterPreferences:
    cadences = _offered_cadences(newsletter)
    cadence, topics, muted_topics = Cadence.EVERY.value, tuple[str, ...](), tuple[str, ...]()
    if subscription:
        cadence = subscription.cadence if subscription.cadence in cadences else cadence
        topics = tuple(topic for topic in subscription.topics if topic in offered_topics)
        muted_topics = tuple(row for row in subscription.muted_topics if row in offered_topics)
    return NewsletterPreferences(
        newsletter=newsletter,
        active=subscription is not None and subscription.state == State.ACTIVE,
        cadence=cadence,
        cadences=cadences,
        topics=topics,
        offered_topics=offered_topics,
        muted_topics=muted_topics,
    )


def _future_pause(subscription: Subscription | None, now: datetime) -> datetime | None:
    """Return until when a subscription that is active is paused."""
    if subscription is None or subscription.state != State.ACTIVE:
        return None
    until: datetime | None = subscription.paused_until
    return until if until and until > now else None


def _offered_cadences(newsletter: Newsletter) -> tuple[Cadence, ...]:
    return tuple(
        cadence for cadence in Cadence if cadence == Cadence.EVERY or cadence in newsletter.cadences
    )


def topics_of(publication: Publication) -> dict[int, tuple[str, ...]]:
    """Return the titles of the topic blocks by newsletter id."""
    titles: dict[int, tuple[str, ...]] = {}
    rows = LayoutBlock.objects.filter(newsletter__publication=publication, kind=BlockKind.TOPIC)
    for newsletter_id, title in rows.order_by("position").values_list("newsletter_id", "title"):
        titles[newsletter_id] = (*titles.get(newsletter_id, ()), title)
    return titles


def _switch(
    subscriber: Subscriber,
    row: NewsletterPreferences,
    change: PreferenceChange,
    *,
    wording: str,
    ip: str | None,
    now: datetime,
) -> bool:
    if change.active == row.active:
        return False
    if change.active:
        return consent.resubscribe(
            subscriber.pk, row.newsletter.pk, via="preferences", ip=ip, wording=wording, now=now
        )
    return consent.unsubscribe(subscriber.pk, row.newsletter.pk, via="preferences", ip=ip, now=now)


def _store_choices(
    subscriber: Subscriber, row: NewsletterPreferences, change: PreferenceChange
) -> None:
    topics = [topic for topic in row.offered_topics if topic in change.topics]
    takes_everything = len(topics) == len(row.offered_topics)
    Subscription.objects.filter(subscriber=subscriber, newsletter=row.newsletter).update(
        cadence=change.cadence if change.cadence in row.cadences else Cadence.EVERY,
        topics=[] if takes_everything else topics,
        muted_topics=[topic for topic in row.muted_topics if topic not in topics],
    )
