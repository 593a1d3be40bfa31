"""Send one subscriber a copy of an issue, for one who asked an editor for it.

A copy is a notice, outside the ledger. It is retried and recorded like a notice, and has a
Message-ID of its own: mail programs hide a second message with the same one. The subscriber's
delivery stays as it was.
"""

from datetime import datetime, timedelta

from django.db import transaction

from digest.core import clock
from digest.core.database import locks
from digest.core.database.locks import Purpose
from digest.issues.models import Issue
from digest.notices.messages import message_id
from digest.notices.models import Notice
from digest.notices.queue import queue_notice
from digest.sending.compiling import compiled_for
from digest.sending.errors import DeliveryError
from digest.sending.models import Delivery, PastDelivery
from digest.sending.outgoing import SingleRecipient, compose_message
from digest.sending.segmentation import segmentation_of
from digest.subscribers import audience
from digest.subscribers.models import Subscriber, Subscription

INTERVAL = timedelta(hours=1)  # between two of them: pressing a button twice sends one
OUT = (Issue.State.SENDING, Issue.State.PAUSED, Issue.State.SENT, Issue.State.CANCELLED)


@transaction.atomic
def send_copy(issue: Issue, subscriber: Subscriber, now: datetime) -> Notice:
    """Queue a copy of an issue that went out, for one subscriber.

    Two requests at once queue one: the second waits for the first.

    Raises DeliveryError for an issue that is not out, for a subscriber who must not be mailed, and
    for one who got a copy within the hour.
    """
    if issue.state not in OUT or issue.planned_at is None:
        raise DeliveryError("This issue has not gone out yet.")
    if reason := _why_not(issue, subscriber.pk, now):
        raise DeliveryError(f"{reason} No copy was sent.")
    locks.lock(Purpose.RESEND_ISSUE, subscriber.pk)
    resent = subscriber.notices.filter(kind=Notice.Kind.COPY, context={"issue": issue.pk})
    if last := resent.filter(created_at__gt=now - INTERVAL).first():
        raise DeliveryError(
            f"A copy went to {subscriber.email} at {clock.format_moment(last.created_at)}."
        )
    notice = queue_notice(
        Notice.Kind.COPY,
        issue.newsletter.publication,
        email=subscriber.email,
        subscriber=subscriber,
        context={"issue": issue.pk},
        now=now,
    )
    if notice is None:
        raise DeliveryError(
            f"{subscriber.email} cannot get more mail for now: the limit is reached."
        )
    return notice


def compose_copy(notice: Notice, now: datetime) -> bytes | None:
    """Return the octets of a copy, unsigned; None if the subscriber must not be mailed now."""
    issues = Issue.objects.select_related("newsletter__publication")
    issue = issues.filter(pk=notice.context["issue"]).first()
    subscriber = notice.subscriber
    if issue is None or subscriber is None or _why_not(issue, subscriber.pk, now):
        return None
    subscription = Subscription.objects.get(newsletter=issue.newsletter_id, subscriber=subscriber)
    delivery = _delivery(issue, subscriber)
    segmentation = segmentation_of(issue, compiled_for(issue))
    to = SingleRecipient.of(
        subscriber,
        subscription.topics,
        delivery.without_appeals if delivery else None,
        subscription.muted_topics,
        segmentation.segments_of(subscriber.pk),
    )
    message = compose_message(
        issue, to, segmentation, now, sign=False, message_id=message_id(notice)
    )
    return message.content


def _delivery(issue: Issue, subscriber: Subscriber) -> Delivery | PastDelivery | None:
    """Return what the subscriber got of the issue: a copy shows no appeal that it did not show."""
    current = Delivery.objects.filter(issue=issue, subscriber=subscriber).first()
    return current or PastDelivery.objects.filter(issue=issue, subscriber=subscriber).first()


def _why_not(issue: Issue, subscriber: int, now: datetime) -> str:
    """Return why a subscriber must not be mailed; their cadence and topics are not a reason."""
    of_newsletter = audience.audience_of(issue.newsletter, now)
    rows = audience.eligible(issue.newsletter_id, now, of_newsletter)
    if rows.filter(subscriber=subscriber).exists():
        return ""
    return audience.why_not(issue.newsletter_id, subscriber, now, of_newsletter)
