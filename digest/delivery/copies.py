"""One issue once more, to one reader who asked an editor for it: a copy, beside the ledger.

It is a notice of its own, so it is retried and recorded like one, and has a Message-ID of its own:
mail programs hide a second mail under the first one's. The reader's delivery stays as it was.
"""

from datetime import datetime, timedelta

from digest.core import clock
from digest.delivery import notices
from digest.delivery.addressing import parcel_for
from digest.delivery.choosing import shelf_of
from digest.delivery.compiling import compiled_for
from digest.delivery.errors import DeliveryError
from digest.delivery.ledger import Row
from digest.delivery.models import Notice
from digest.delivery.transports.base import Parcel
from digest.editions.models import Edition
from digest.subscribers import audience
from digest.subscribers.models import Subscriber, Subscription

AGAIN = timedelta(hours=1)  # not sooner; pressing twice sends once
OUT = (Edition.State.SENDING, Edition.State.PAUSED, Edition.State.SENT, Edition.State.CANCELLED)


def send_copy(edition: Edition, reader: Subscriber, now: datetime) -> Notice:
    """Lay down a copy of an issue that went out, for one reader.

    Raises DeliveryError for an issue that is not out, for a reader who must not be mailed, and for
    one who got a copy within the hour.
    """
    if edition.state not in OUT or edition.planned_at is None:
        raise DeliveryError("This issue has not gone out yet.")
    if reason := _why_not(edition, reader.pk, now):
        raise DeliveryError(f"{reason} No copy was sent.")
    alike = reader.notices.filter(kind=Notice.Kind.COPY, about={"edition": edition.pk})
    if last := alike.filter(created_at__gt=now - AGAIN).first():
        raise DeliveryError(f"A copy went to {reader.email} at {clock.spoken(last.created_at)}.")
    made = notices.queue(
        Notice.Kind.COPY,
        edition.newsletter.publication,
        email=reader.email,
        subscriber=reader,
        about={"edition": edition.pk},
        now=now,
    )
    if made is None:
        raise DeliveryError(f"{reader.email} has had their share of mail for now.")
    return made


def parcel_of(notice: Notice, message_id: str, now: datetime) -> Parcel | None:
    """Return a copy as it goes out, without a signature; None if it is not wanted any more."""
    rows = Edition.objects.select_related("newsletter__publication", "appeal")
    edition = rows.filter(pk=notice.about["edition"]).first()
    reader = notice.subscriber
    if edition is None or reader is None or _why_not(edition, reader.pk, now):
        return None
    chosen = _subscription(edition, reader.pk).topics
    row = Row(notice.pk, reader.pk, reader.email, reader.name, 0, None, chosen)
    shelf = shelf_of(edition, compiled_for(edition))
    return parcel_for(edition, row, shelf, now, sign=False, message_id=message_id)


def _why_not(edition: Edition, reader: int, now: datetime) -> str:
    """Say why a reader must not be mailed; how often they wish to be is no reason."""
    if audience.eligible(edition.newsletter_id, now).filter(subscriber=reader).exists():
        return ""
    return audience.why_not(edition.newsletter_id, reader, now)


def _subscription(edition: Edition, reader: int) -> Subscription:
    return Subscription.objects.get(newsletter=edition.newsletter_id, subscriber=reader)
