"""Subscribers who got issues long ago, and what they did since."""

from datetime import datetime, timedelta
from typing import Any

from digest.analytics.models import Hit, HitKind, Verdict
from digest.core import clock
from digest.newsletters.models import Newsletter
from digest.subscribers.models import Subscriber, Subscription
from tests.bounces.factories import DAY, make_sent
from tests.cast import make_subscriber

LONG_AGO = timedelta(days=85)


def make_old(newsletter: Newsletter, issues: int = 6, **fields: Any) -> Subscriber:
    """Somebody who subscribed long ago and got some issues since."""
    subscriber, now = make_subscriber(newsletter, **fields), clock.now()
    subscriber.consent_events.all()._raw_delete("default")
    Subscription.objects.filter(subscriber=subscriber).update(confirmed_at=now - LONG_AGO)
    for number in range(issues):
        at = now - (number + 1) * DAY - timedelta(seconds=subscriber.pk % 1_000)
        make_sent(subscriber, at)
    return subscriber


def click(subscriber: Subscriber, at: datetime, verdict: Verdict = Verdict.HUMAN) -> None:
    """A click of a subscriber in one of their issues."""
    Hit.objects.create(
        at=at,
        issue_id=subscriber.deliveries.latest("pk").issue_id,
        kind=HitKind.CLICK,
        subscriber_id=subscriber.pk,
        visitor=subscriber.pk,
        network="192.0.2.0/24",
        verdict=verdict,
    )
