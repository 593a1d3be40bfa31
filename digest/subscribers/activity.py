"""That a subscriber did something themselves, by which one knows that somebody is there.

What has rows of its own (clicks, consent, address changes) is not recorded here again.
"""

from datetime import datetime

from digest.subscribers.models import Subscriber


def record_activity(subscriber_id: int, now: datetime) -> None:
    """Record that a subscriber changed a preference, or wrote to us (aware, UTC)."""
    Subscriber.objects.filter(pk=subscriber_id).update(acted_at=now)
