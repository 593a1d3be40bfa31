"""What a subscriber chooses about the newsletters of one publication, and what they are shown of it.

Every change is made under the subscriber's own link. Turning a newsletter on or off goes through
`consent`, so that it is recorded; the rest (how often, topics, pause, name, language, zone) is not
about consent and is simply stored.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from digest.core import clock
from digest.core.errors import DigestError
from digest.newsletters.models import Cadence, Newsletter, Publication, Section
from digest.subscribers import consent
from digest.subscribers.errors import SubscriberError
from digest.subscribers.models import Subscriber, Subscription
from digest.subscribers.names import tidy

State = Subscription.State


@dataclass(frozen=True, slots=True)
class Choice:
    """One newsletter as a subscriber sees it."""

    newsletter: Newsletter
    active: bool
    cadence: str
    cadences: tuple[Cadence, ...]  # what is offered, the present one among them; one: no choice
    topics: tuple[str, ...]  # chosen; none: everything
    offered_topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """All that the preference page shows."""

    subscriber: Subscriber
    publication: Publication
    choices: tuple[Choice, ...]
    paused_until: datetime | None

    @property
    def active(self) -> bool:
        """They receive something."""
        return any(choice.active for choice in self.choices)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a subscriber wants of one newsletter."""

    active: bool
    cadence: str = Cadence.EVERY
    topics: Collection[str] = ()


def look(subscriber_id: int, publication_id: int, now: datetime) -> Picture | None:
    """Return a subscriber's preferences, or None for one who is not known (any more).

    Shows what anybody may subscribe to, and what this subscriber has or had.
    """
    subscriber = Subscriber.objects.filter(pk=subscriber_id).first()
    publication = Publication.objects.filter(pk=publication_id).first()
    if subscriber is None or publication is None:
        return None
    asked = {one.newsletter_id: one for one in subscriber.subscriptions.all()}
    shown = publication.newsletters.filter(
        Q(active=True, listed=True) | Q(pk__in=list(asked))
    ).order_by("name", "pk")
    topics = _topics(publication)
    choices = tuple(_choice(one, asked.get(one.pk), topics.get(one.pk, ())) for one in shown)
    mine = [asked[choice.newsletter.pk] for choice in choices if choice.active]
    pauses = [one.paused_until for one in mine if one.paused_until and one.paused_until > now]
    return Picture(subscriber, publication, choices, max(pauses, default=None))


@transaction.atomic
def choose(
    picture: Picture,
    wishes: Mapping[int, Wish],
    *,
    wording: str,
    ip: str | None,
    now: datetime,
) -> list[Newsletter]:
    """Make what a subscriber has equal to what they wish; return the newsletters turned on or off.

    `wishes` are by newsletter id; newsletters without one stay as they are, and what is not
    offered is not chosen. `wording` is what the page said beside the switches.
    """
    turned = []
    for choice in picture.choices:
        wish = wishes.get(choice.newsletter.pk)
        if wish is None:
            continue
        if _turn(picture.subscriber, choice, wish, wording=wording, ip=ip, now=now):
            turned.append(choice.newsletter)
        if wish.active:
            _store(picture.subscriber, choice, wish)
    return turned


def rarer(newsletter: Newsletter, cadence: str) -> tuple[Cadence, ...]:
    """Return the offered cadences that bring less mail than this one."""
    order = list(Cadence)
    now = order.index(Cadence(cadence))
    return tuple(one for one in _offered(newsletter) if order.index(one) > now)


def choose_cadence(subscriber_id: int, newsletter: Newsletter, cadence: str) -> bool:
    """Let a subscriber have a newsletter less often; False where it is not offered."""
    if cadence not in _offered(newsletter):
        return False
    mine = Subscription.objects.filter(subscriber=subscriber_id, newsletter=newsletter)
    return bool(mine.update(cadence=cadence))


def pause(picture: Picture, until: datetime | None) -> int:
    """Send nothing of this publication before `until` (aware); None ends a pause.

    Returns how many newsletters that is about.
    """
    mine = Subscription.objects.filter(
        subscriber=picture.subscriber, newsletter__publication=picture.publication
    )
    return mine.filter(state=State.ACTIVE).update(paused_until=until)


def introduce(subscriber: Subscriber, *, name: str, language: str, timezone: str) -> None:
    """Store how a subscriber wants to be called and spoken to; raise SubscriberError for no zone."""
    if timezone:
        try:
            clock.zone(timezone)
        except DigestError as cause:
            raise SubscriberError(str(cause)) from cause
    subscriber.name, subscriber.language, subscriber.timezone = tidy(name), language, timezone
    subscriber.save(update_fields=["name", "language", "timezone"])


def _choice(newsletter: Newsletter, asked: Subscription | None, topics: tuple[str, ...]) -> Choice:
    offered = _offered(newsletter)
    cadence = asked.cadence if asked and asked.cadence in offered else Cadence.EVERY
    return Choice(
        newsletter=newsletter,
        active=asked is not None and asked.state == State.ACTIVE,
        cadence=cadence,
        cadences=offered,
        topics=tuple(topic for topic in asked.topics if topic in topics) if asked else (),
        offered_topics=topics,
    )


def _offered(newsletter: Newsletter) -> tuple[Cadence, ...]:
    return tuple(
        cadence for cadence in Cadence if cadence == Cadence.EVERY or cadence in newsletter.cadences
    )


def _topics(publication: Publication) -> dict[int, tuple[str, ...]]:
    """Return the titles of the topic sections by newsletter; one alone is no choice."""
    found: dict[int, tuple[str, ...]] = {}
    rows = Section.objects.filter(newsletter__publication=publication, kind=Section.Kind.TOPIC)
    for newsletter_id, title in rows.order_by("position").values_list("newsletter_id", "title"):
        found[newsletter_id] = (*found.get(newsletter_id, ()), title)
    return found


def _turn(
    subscriber: Subscriber,
    choice: Choice,
    wish: Wish,
    *,
    wording: str,
    ip: str | None,
    now: datetime,
) -> bool:
    if wish.active == choice.active:
        return False
    if wish.active:
        return consent.resubscribe(
            subscriber.pk, choice.newsletter.pk, via="preferences", ip=ip, wording=wording, now=now
        )
    return consent.unsubscribe(
        subscriber.pk, choice.newsletter.pk, via="preferences", ip=ip, now=now
    )


def _store(subscriber: Subscriber, choice: Choice, wish: Wish) -> None:
    topics = [topic for topic in choice.offered_topics if topic in wish.topics]
    everything = len(topics) == len(choice.offered_topics)
    Subscription.objects.filter(subscriber=subscriber, newsletter=choice.newsletter).update(
        cadence=wish.cadence if wish.cadence in choice.cadences else Cadence.EVERY,
        topics=[] if everything else topics,
    )
