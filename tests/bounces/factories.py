"""Findings, deliveries that were sent, and the tokens of their mails."""

from datetime import datetime, timedelta
from typing import Any

from digest.bounces.models import Bounce, Drop
from digest.bounces.reading.reasons import Reason
from digest.bounces.recording import Finding
from digest.core import clock, links
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.sending.models import Delivery
from digest.subscribers.models import Subscriber
from tests.cast import NOON, bounces, make_issue

DAY = timedelta(days=1)


def make_finding(reason: Reason = Reason.USER_UNKNOWN, **fields: Any) -> Finding:
    """A report by mail that is for good, unless told."""
    defaults: dict[str, Any] = {
        "source": Bounce.Source.REPORT,
        "permanent": True,
        "status": "5.1.1",
        "text": "550 5.1.1 User unknown",
    }
    return Finding(reason=reason, **defaults | fields)


def make_sent(subscriber: Subscriber, at: datetime = NOON, issue: Issue | None = None) -> Issue:
    """An issue that was sent to the subscriber at a moment."""
    newsletter = subscriber.subscriptions.get().newsletter
    issue = issue or make_issue(newsletter, slot=at, state=Issue.State.SENT, finished_at=at)
    Delivery.objects.create(
        issue=issue,
        subscriber=subscriber,
        due_at=at,
        settled_at=at,
        state=Delivery.State.SENT,
        reply_code=250,
    )
    return issue


def message_id(issue: Issue, subscriber: Subscriber) -> str:
    """The token in the Message-ID of a subscriber's mail."""
    return links.sign_rows("message-id", issue, subscriber)


def make_drop(newsletter: Newsletter, ended_at: datetime | None = None) -> Drop:
    """A drop at Gmail, noticed now."""
    slot = NOON + DAY * newsletter.issues.count()
    issue = make_issue(newsletter, slot=slot, state=Issue.State.SENT, finished_at=slot)
    return bounces.make_drop(issue, mails=1_200, noticed_at=clock.now(), ended_at=ended_at)
