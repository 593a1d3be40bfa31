"""One issue once more, to one subscriber who asked an editor for it: a copy, beside the ledger.

It is a notice of its own, so it is retried and recorded like one, and has a Message-ID of its own:
mail programs hide a second mail under the first one's. The subscriber's delivery stays as it was.
"""

from datetime import datetime, timedelta

from digest.core import clock
from digest.issues.models import Issue
from digest.notices.models import Notice
from digest.notices.queue import queue_notice
from digest.sending.errors import DeliveryError
from digest.relays.transports.base import OutgoingMessage
from digest.sending.compiling import compiled_for
from digest.sending.ledger import Row
from digest.sending.outgoing import compose_message
from digest.sending.segmentation import segmentation_of
from digest.subscribers import audience
from digest.subscribers.models import Subscriber, Subscription

AGAIN = timedelta(hours=1)  # not sooner; pressing twice sends once
OUT = (Issue.State.SENDING, Issue.State.PAUSED, Issue.State.SENT, Issue.State.CANCELLED)


def send_copy(issue: Issue, subscriber: Subscriber, now: datetime) -> Notice:
    """Lay down a copy of an issue that went out, for one subscriber.

    Raises DeliveryError for an issue that is not out, for a subscriber who must not be mailed, and
    for one who got a copy within the hour.
    """
    if issue.state not in OUT or issue.planned_at is None:
        raise DeliveryError("This issue has not gone out yet.")
    if reason := _why_not(issue, subscriber.pk, now):
        raise DeliveryError(f"{reason} No copy was sent.")
    alike = subscriber.notices.filter(kind=Notice.Kind.COPY, context={"issue": issue.pk})
    if last := alike.filter(created_at__gt=now - AGAIN).first():
        raise DeliveryError(
            f"A copy went to {subscriber.email} at {clock.format_moment(last.created_at)}."
        )
    made = queue_notice(
        Notice.Kind.COPY,
        issue.newsletter.publication,
        email=subscriber.email,
        subscriber=subscriber,
        context={"issue": issue.pk},
        now=now,
    )
    if made is None:
        raise DeliveryError(f"{subscriber.email} has had their share of mail for now.")
    return made


def compose_copy(notice: Notice, message_id: str, now: datetime) -> OutgoingMessage | None:
    """Return a copy as it goes out, without a signature; None if it is not wanted any more."""
    rows = Issue.objects.select_related("newsletter__publication", "appeal")
    issue = rows.filter(pk=notice.context["issue"]).first()
    subscriber = notice.subscriber
    if issue is None or subscriber is None or _why_not(issue, subscriber.pk, now):
        return None
    chosen = _subscription(issue, subscriber.pk).topics
    row = Row(notice.pk, subscriber.pk, subscriber.email, subscriber.name, 0, None, chosen)
    segmentation = segmentation_of(issue, compiled_for(issue))
    return compose_message(issue, row, segmentation, now, sign=False, message_id=message_id)


def _why_not(issue: Issue, subscriber: int, now: datetime) -> str:
    """Say why a subscriber must not be mailed; how often they wish to be is no reason."""
    if audience.eligible(issue.newsletter_id, now).filter(subscriber=subscriber).exists():
        return ""
    return audience.why_not(issue.newsletter_id, subscriber, now)


def _subscription(issue: Issue, subscriber: int) -> Subscription:
    return Subscription.objects.get(newsletter=issue.newsletter_id, subscriber=subscriber)
