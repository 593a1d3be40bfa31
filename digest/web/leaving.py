"""A subscriber leaves by the link in a mail (RFC 8058), and what they may do right after it.

Whoever has left may take it back for a day, from the page that told them so; a link alone, out of
a forwarded mail, brings nobody back.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from django.db import transaction

from digest.core import links
from digest.core.errors import LinkError
from digest.core.links import SubscriberLink
from digest.newsletters.models import Newsletter
from digest.subscribers import consent, preferences
from digest.subscribers.errors import SubscriberError
from digest.subscribers.models import Subscription, UnsubscribeFeedback

UNDO_LASTS = timedelta(days=1)
LONGEST_WORDS = 500


class Standing(Enum):
    """Where the holder of a link stands with a newsletter."""

    READS = auto()
    HAS_LEFT = auto()
    UNKNOWN = auto()  # erased since, or never asked
    TEST = auto()  # the link of a test mail, which has no subscriber


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody stands, and what else the page can offer them."""

    standing: Standing
    newsletter: Newsletter | None
    language: str = ""
    others: int = 0  # further newsletters of the publication that they receive
    less_often: tuple[str, ...] = ()  # cadences that are rarer than theirs


def look(link: SubscriberLink) -> Place:
    """Look, and change nothing."""
    newsletter = Newsletter.objects.select_related("publication").filter(pk=link.newsletter).first()
    if link.subscriber == 0:
        return Place(Standing.TEST, newsletter)
    mine = Subscription.objects.filter(subscriber=link.subscriber).select_related("subscriber")
    here = mine.filter(newsletter=link.newsletter).first()
    if here is None or newsletter is None:
        return Place(Standing.UNKNOWN, newsletter)
    others = mine.filter(
        newsletter__publication=newsletter.publication, state=Subscription.State.ACTIVE
    ).exclude(newsletter=newsletter)
    left = here.state == Subscription.State.UNSUBSCRIBED
    return Place(
        standing=Standing.HAS_LEFT if left else Standing.READS,
        newsletter=newsletter,
        language=here.subscriber.language,
        others=others.count(),
        less_often=preferences.rarer(newsletter, here.cadence),
    )


def leave(link: SubscriberLink, *, via: str, ip: str | None, now: datetime) -> None:
    """Unsubscribe whom the link names; once more is as good, and so is nobody."""
    if link.subscriber:
        try:
            consent.unsubscribe(link.subscriber, link.newsletter, via=via, ip=ip, now=now)
        except SubscriberError:
            return


@transaction.atomic
def leave_all(link: SubscriberLink, *, ip: str | None, now: datetime) -> None:
    """Unsubscribe whom the link names from every newsletter of the publication."""
    publication = Newsletter.objects.filter(pk=link.newsletter).values("publication")
    mine = Subscription.objects.filter(
        subscriber=link.subscriber, newsletter__publication__in=publication
    )
    for newsletter_id in mine.values_list("newsletter_id", flat=True):
        consent.unsubscribe(link.subscriber, newsletter_id, via="page", ip=ip, now=now)


def undo_token(link: SubscriberLink) -> str:
    """Return what the page after leaving carries, to take this very leaving back; or nothing."""
    left_at = _left_at(link)
    if left_at is None:
        return ""
    stamp = int(left_at.timestamp() * 1_000_000)
    until = left_at + UNDO_LASTS
    return links.sign_until("undo", until, link.subscriber, link.newsletter, stamp)


def undo(link: SubscriberLink, token: str, *, ip: str | None, now: datetime) -> bool:
    """Take leaving back; False if the token is not about it, or its day is over."""
    try:
        subscriber, newsletter, stamp = links.read_until("undo", token, now)
    except (LinkError, ValueError):
        return False
    left_at = _left_at(link)
    if (subscriber, newsletter) != (link.subscriber, link.newsletter) or left_at is None:
        return False
    if int(left_at.timestamp() * 1_000_000) != stamp:
        return False
    return consent.resubscribe(subscriber, newsletter, via="undo", ip=ip, now=now)


def say_why(link: SubscriberLink, reason: str, words: str, now: datetime) -> bool:
    """Note why somebody left; saying it again replaces it. False for no reason that we know."""
    if (
        reason not in UnsubscribeFeedback.Reason.values
        or look(link).standing is not Standing.HAS_LEFT
    ):
        return False
    kept = "".join(c for c in words if c.isprintable() or c == "\n")[:LONGEST_WORDS]
    UnsubscribeFeedback.objects.update_or_create(
        subscriber_id=link.subscriber,
        newsletter_id=link.newsletter,
        defaults={"reason": reason, "words": kept.strip(), "at": now},
    )
    return True


def _left_at(link: SubscriberLink) -> datetime | None:
    gone = Subscription.objects.filter(
        subscriber=link.subscriber,
        newsletter=link.newsletter,
        state=Subscription.State.UNSUBSCRIBED,
    )
    return gone.values_list("unsubscribed_at", flat=True).first()
