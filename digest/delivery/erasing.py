"""Erase a reader at their own wish; editions keep their numbers, without a name."""

from datetime import datetime

from django.db import transaction

from digest.delivery import ledger
from digest.subscribers import erasing
from digest.subscribers.models import Subscriber


@transaction.atomic
def erase(subscriber_id: int, now: datetime) -> bool:
    """Erase a reader from everywhere; False if there is none (any more).

    Mail that is on its way at this moment may still arrive; nothing is sent after this.
    """
    reader = Subscriber.objects.select_for_update().filter(pk=subscriber_id).first()
    if reader is None:
        return False
    ledger.forget(subscriber_id, now)
    erasing.erase(reader, now)
    return True
