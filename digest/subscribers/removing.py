"""Remove many subscribers from a newsletter, and bring back those whose removal was a mistake.

A removal is an unsubscription with its consent event. Undoing it is no new consent: the one from
before holds again, for those who did not say themselves meanwhile that they want to leave.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from digest.subscribers.consent import VIA_REMOVAL
from digest.subscribers.models import ConsentEvent, Subscription
from digest.subscribers.suppression import suppressions_for

VIA_UNDO = "undo"

State = Subscription.State
Action = ConsentEvent.Action


@transaction.atomic
def remove_many(newsletter_id: int, subscriber_ids: Collection[int], now: datetime) -> list[int]:
    """Unsubscribe active subscribers from a newsletter; return the ids of those who were active."""
    rows = _locked(newsletter_id, subscriber_ids, State.ACTIVE)
    removed_ids = [row.subscriber_id for row in rows]
    _change(rows, state=State.UNSUBSCRIBED, unsubscribed_at=now)
    _record(newsletter_id, removed_ids, Action.UNSUBSCRIBED, VIA_REMOVAL, now)
    return removed_ids


@transaction.atomic
def restore_many(
    newsletter_id: int, subscriber_ids: Collection[int], removed_at: datetime, now: datetime
) -> list[int]:
    """Undo the removal that was made at `removed_at`; return the ids of those who are active again.

    Left out is who was never confirmed, unsubscribed since, or is suppressed.
    """
    suppressed = suppressions_for(newsletter_id).filter(
        address_key=OuterRef("subscriber__address_key")
    )
    removed = Subscription.objects.filter(~Exists(suppressed), unsubscribed_at=removed_at)
    ids = removed.filter(newsletter=newsletter_id, confirmed_at__isnull=False)
    possible = set(ids.filter(subscriber__in=subscriber_ids).values_list("subscriber", flat=True))
    rows = [
        row
        for row in _locked(newsletter_id, possible, State.UNSUBSCRIBED)
        if row.unsubscribed_at == removed_at
    ]
    restored_ids = [row.subscriber_id for row in rows]
    _change(rows, state=State.ACTIVE, unsubscribed_at=None)
    _record(newsletter_id, restored_ids, Action.RESTORED, VIA_UNDO, now)
    return restored_ids


def _locked(
    newsletter_id: int, subscriber_ids: Collection[int], state: Subscription.State
) -> list[Subscription]:
    rows = Subscription.objects.select_for_update().filter(
        newsletter=newsletter_id, subscriber__in=subscriber_ids, state=state
    )
    return list(rows.order_by("subscriber_id"))


def _change(rows: Iterable[Subscription], **changes: object) -> None:
    Subscription.objects.filter(pk__in=[row.pk for row in rows]).update(**changes)


def _record(
    newsletter_id: int,
    subscriber_ids: Iterable[int],
    action: ConsentEvent.Action,
    via: str,
    now: datetime,
) -> None:
    ConsentEvent.objects.bulk_create(
        ConsentEvent(
            subscriber_id=subscriber_id,
            newsletter_id=newsletter_id,
            action=action,
            at=now,
            via=via,
        )
        for subscriber_id in subscriber_ids
    )
