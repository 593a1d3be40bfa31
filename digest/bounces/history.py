"""What is known of how mail to a subscriber went, for the score of soft bounces."""

from datetime import datetime, timedelta

from digest.bounces.models import Bounce
from digest.bounces.reading.reasons import Consequence
from digest.bounces.scoring import GOOD_AFTER
from digest.issues.models import Issue
from digest.relays.models import Dispatch
from digest.sending.models import AnyDelivery
from digest.subscribers.models import Subscriber

AS_LONG_AS = timedelta(days=540)  # older bounces weigh next to nothing


def soft_bounces(subscriber: Subscriber, now: datetime) -> list[datetime]:
    """Return when mail to a subscriber bounced softly (aware, UTC), in no order."""
    rows = Bounce.objects.filter(
        subscriber=subscriber, consequence=Consequence.SOFT, at__gt=now - AS_LONG_AS
    )
    return list(rows.values_list("at", flat=True))


def last_good(subscriber: Subscriber, now: datetime) -> datetime | None:
    """Return when a mail arrived last, as far as one can know: none came back in six days."""
    bounced = Bounce.objects.filter(subscriber=subscriber, issue__isnull=False).values("issue")
    arrived = AnyDelivery.objects.filter(
        subscriber=subscriber,
        state=Dispatch.State.SENT,
        waiting=False,
        at__lt=now - GOOD_AFTER,
        issue__in=Issue.objects.all(),  # from issue to issue, as in sending.history
    ).exclude(issue__in=bounced)
    return arrived.order_by("-at").values_list("at", flat=True).first()


def of_subscriber(subscriber: Subscriber) -> list[Bounce]:
    """Return a subscriber's bounces and complaints with their issues, the newest first."""
    rows = Bounce.objects.filter(subscriber=subscriber).select_related("issue__newsletter")
    return list(rows.order_by("-at", "-pk")[:100])
