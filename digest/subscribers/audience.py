"""Who receives a newsletter: the one rule that planning and sending share."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from digest.subscribers.models import Subscription
from digest.subscribers.suppression import holding


def eligible(newsletter_id: int, now: datetime) -> QuerySet[Subscription]:
    """Return the subscriptions whose readers this newsletter may mail at `now` (aware, UTC).

    Active, not paused, and suppressed neither by this newsletter nor for all. Unordered; walk it
    by `subscriber_id`, which the index `subscription_audience` serves.
    """
    suppressed = holding(newsletter_id).filter(address_key=OuterRef("subscriber__address_key"))
    return Subscription.objects.filter(
        Q(paused_until__isnull=True) | Q(paused_until__lte=now),
        ~Exists(suppressed),
        newsletter_id=newsletter_id,
        state=Subscription.State.ACTIVE,
    )
