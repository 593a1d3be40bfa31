"""A reader leaves by the link in a mail (RFC 8058): where they stand, and the step itself."""

from datetime import datetime
from enum import Enum, auto

from digest.core.links import ReaderLink
from digest.subscribers import consent
from digest.subscribers.errors import SubscriberError
from digest.subscribers.models import Subscription


class Standing(Enum):
    """Where the holder of a link stands with a newsletter."""

    READS = auto()
    HAS_LEFT = auto()
    UNKNOWN = auto()  # erased since, or never asked
    TEST = auto()  # the link of a test mail, which has no reader


def standing(link: ReaderLink) -> Standing:
    """Look, and change nothing."""
    if link.subscriber == 0:
        return Standing.TEST
    state = (
        Subscription.objects.filter(subscriber_id=link.subscriber, newsletter_id=link.newsletter)
        .values_list("state", flat=True)
        .first()
    )
    if state is None:
        return Standing.UNKNOWN
    return Standing.HAS_LEFT if state == Subscription.State.UNSUBSCRIBED else Standing.READS


def leave(link: ReaderLink, *, via: str, ip: str | None, now: datetime) -> Standing:
    """Unsubscribe whom the link names; once more is as good. Return where they stand after it."""
    if link.subscriber == 0:
        return Standing.TEST
    try:
        consent.unsubscribe(link.subscriber, link.newsletter, via=via, ip=ip, now=now)
    except SubscriberError:
        return Standing.UNKNOWN
    return Standing.HAS_LEFT
