"""More or less of a topic: one change of a subscriber's choice, and the one that undoes it.

less   the topic is chosen no more, and muted: its stories are left out
more   it is muted no more, and chosen too where a subscriber chose topics
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from digest.core import clock
from digest.newsletters.models import Newsletter
from digest.subscribers.activity import record_activity
from digest.subscribers.errors import SubscriberError
from digest.subscribers.models import Subscription
from digest.subscribers.preferences import NewsletterPreferences, Preferences


class TopicChange(StrEnum):
    """What a subscriber wants of a topic."""

    MORE = "more"
    LESS = "less"


class TopicWish(NamedTuple):
    """A topic that a subscriber followed a link about, and how it is now."""

    newsletter: Newsletter
    topic: str
    change: str  # that the page offers
    receives: bool  # its stories, now
    done: bool  # it was changed just now: what is offered is to undo it

    @property
    def possible(self) -> TopicChange:
        """The change that changes something."""
        return TopicChange.LESS if self.receives else TopicChange.MORE


def read_wish(current: Preferences, query: Mapping[str, str]) -> TopicWish | None:
    """Return what a link in a mail is about; None for no topic that can be chosen."""
    row = _row(current, query.get("newsletter", ""), query.get("topic", ""))
    done = query.get("done", "")
    change = _OPPOSITE.get(done) or query.get("change", "")
    if row is None or change not in set(TopicChange):
        return None
    topic = query["topic"]
    return TopicWish(row.newsletter, topic, change, receives(row, topic), done in _OPPOSITE)


@transaction.atomic
def change_topic(current: Preferences, slug: str, topic: str, change: str) -> str:
    """Apply a change to the subscription as it is now, whatever `current` had; return the change.

    Raises SubscriberError for a topic, newsletter or change that does not exist, and where nothing
    would be left.
    """
    row = _row(current, slug, topic)
    if row is None or change not in set(TopicChange):
        raise SubscriberError(_("This topic does not exist any more. Choose among those below."))
    subscriptions = Subscription.objects.filter(
        subscriber=current.subscriber, newsletter=row.newsletter
    )
    subscription = subscriptions.select_for_update(no_key=True).get()  # two links, two tabs
    topics, muted_topics = (
        tuple(name for name in names if name in row.offered_topics)
        for names in (subscription.topics, subscription.muted_topics)
    )
    chosen, muted = after(topics, muted_topics, topic, TopicChange(change))
    if topics and not chosen:
        raise SubscriberError(
            _("No topic would be left. Choose another one below, or unsubscribe.")
        )
    subscriptions.update(topics=chosen, muted_topics=muted)
    record_activity(current.subscriber.pk, clock.now())
    return change


def after(
    topics: tuple[str, ...], muted_topics: tuple[str, ...], topic: str, change: TopicChange
) -> tuple[list[str], list[str]]:
    """Return the chosen and the muted topics after a change. Pure."""
    chosen = [row for row in topics if row != topic]
    muted = [row for row in muted_topics if row != topic]
    if change == TopicChange.LESS:
        return chosen, [*muted, topic]
    return [*chosen, topic] if topics else [], muted


def receives(row: NewsletterPreferences, topic: str) -> bool:
    """Say whether a subscriber receives the stories of a topic."""
    return topic in row.topics if row.topics else topic not in row.muted_topics


def _row(current: Preferences, slug: str, topic: str) -> NewsletterPreferences | None:
    for row in current.newsletters:
        if row.active and row.newsletter.slug == slug and topic in row.offered_topics:
            return row
    return None


_OPPOSITE = {"more": TopicChange.LESS, "less": TopicChange.MORE}
