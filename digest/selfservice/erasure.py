"""Erase a subscriber at their own request; issues keep their figures, without a name."""

from datetime import datetime

from django.db import transaction

from digest.analytics import clickers
from digest.core.database.locks import Purpose, lock
from digest.entitlements import personal_data
from digest.sending import ledger
from digest.subscribers import erasure
from digest.subscribers.models import Subscriber


@transaction.atomic
def erase(subscriber_id: int, now: datetime) -> bool:
    """Erase a subscriber everywhere; False if there is no such subscriber (any more).

    Mail that is being handed over at this moment may still arrive; nothing is sent after this.
    Waits for steps of planning that have begun: they may have seen the subscriber.
    """
    lock(Purpose.PLAN_DELIVERIES)
    personal_data.lock()
    subscriber = Subscriber.objects.select_for_update().filter(pk=subscriber_id).first()
    if subscriber is None:
        return False
    ledger.erase_subscriber(subscriber_id, now)
    clickers.erase(subscriber)
    personal_data.erase(subscriber)
    erasure.erase_subscriber(subscriber, now)
    return True
