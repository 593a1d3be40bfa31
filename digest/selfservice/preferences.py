"""What the preferences page does beyond storing choices: pause until a day, and send a secure link.

The choices themselves are in digest.subscribers.preferences.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from django.db import transaction
from django.utils.translation import gettext as _

from digest.core import clock, links
from digest.core.errors import LinkError
from digest.newsletters.models import Publication
from digest.notices.models import Notice
from digest.notices.queue import queue_notice
from digest.subscribers import consent, preferences
from digest.subscribers.activity import record_activity
from digest.subscribers.errors import SubscriberError
from digest.subscribers.models import Subscriber
from digest.subscribers.preferences import Preferences

LONGEST_PAUSE = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Access:
    """What a link to the preferences opens."""

    subscriber_id: int
    publication_id: int
    secure: bool = False
    expired: bool = False  # a secure link whose day is over; it opens nothing


def open_link(token: str, now: datetime) -> Access:
    """Return what the token of a link to the preferences opens.

    Raises LinkError if it is not one of ours, LinkGoneError if its ids belong to others by now,
    or if it was sent to an address that the subscriber does not have any more.
    """
    secure = True
    try:
        link, _until = links.read_rows_until("preferences-fresh", token, now, count=3)
    except LinkError:
        link, secure = links.read_rows("preferences", token, count=2), False
    subscriber_id, publication_id = link.ids[:2]
    subscriber = Subscriber.objects.filter(pk=subscriber_id).first() if subscriber_id else None
    publication = Publication.objects.filter(pk=publication_id).first()
    if publication and (subscriber or not subscriber_id):
        rows: list[links.Named] = [subscriber or links.NOBODY, publication]
        if secure and subscriber:
            rows.append(links.row_of_mailbox(subscriber.address_key))
        link.require(*rows)
    return Access(subscriber_id, publication_id, secure=secure, expired=link.expired)


def pause_until(current: Preferences, day: str, now: datetime) -> None:
    """Pause all newsletters of the publication until a day (ISO 8601) begins for the subscriber.

    Raises SubscriberError, in the active language, for anything but a date within a year.
    """
    try:
        midnight = datetime.combine(date.fromisoformat(day), time.min, zone_of(current))
        until = midnight.astimezone(UTC)
    except (ValueError, OverflowError) as cause:
        raise SubscriberError(_("Choose the day on which emails resume.")) from cause
    if not now < until <= now + LONGEST_PAUSE:
        raise SubscriberError(_("Choose a date after today and within one year."))
    preferences.set_pause(current, until)


def resume(current: Preferences) -> None:
    """End a pause."""
    preferences.set_pause(current, None)


@transaction.atomic
def unsubscribe_from_all(current: Preferences, *, ip: str | None, now: datetime) -> None:
    """Unsubscribe from every newsletter of the publication.

    Also from those that an editor removed them from: no undo may bring them back.
    """
    record_activity(current.subscriber.pk, now)
    subscriptions = current.subscriber.subscriptions.filter(
        newsletter__publication=current.publication
    )
    for newsletter_id in subscriptions.order_by("pk").values_list("newsletter_id", flat=True):
        consent.unsubscribe(current.subscriber.pk, newsletter_id, via="preferences", ip=ip, now=now)


def send_secure_link(current: Preferences, now: datetime) -> None:
    """Send the subscriber a link that for one day opens all of their preferences."""
    queue_notice(
        Notice.Kind.LINK,
        current.publication,
        email=current.subscriber.email,
        subscriber=current.subscriber,
        language=current.subscriber.language,
        now=now,
    )


def zone_of(current: Preferences) -> tzinfo:
    """Return the subscriber's time zone, or else the publication's."""
    return clock.zone(current.subscriber.timezone or current.publication.timezone)
