"""Erase many subscribers; nothing brings them back."""

from collections.abc import Collection, Mapping
from datetime import datetime

from digest.bulk.actions.base import Action, Sorting, Values
from digest.bulk.models import BulkChange
from digest.entitlements import personal_data
from digest.newsletters.members import Right
from digest.newsletters.models import Publication
from digest.selfservice.erasure import erase
from digest.subscribers.models import Subscription


class Erase(Action):
    """Erase those who neither subscribe to nor pay for anything of another publication."""

    right = Right.MANAGE
    can_undo = False
    is_atomic = False  # planners wait for an erasure, so each is a transaction of its own
    warning = (
        "Everything about them is deleted: subscriptions, consent, tags. A keyed hash of the "
        "address stays, so that no import brings them back. This cannot be undone."
    )

    def read(self, publication: Publication, data: Mapping[str, str]) -> Values:  # noqa: ARG002
        return {}

    def describe(self, change: BulkChange) -> str:  # noqa: ARG002
        return "Erase"

    def sort(self, change: BulkChange, ids: Collection[int], *, locks: bool = False) -> Sorting:  # noqa: ARG002
        foreign_subscriptions = Subscription.objects.filter(subscriber__in=ids).exclude(
            newsletter__publication=change.publication_id
        )
        foreign_ids = set(foreign_subscriptions.values_list("subscriber_id", flat=True))
        foreign_ids |= personal_data.with_foreign_customers([change.publication_id], ids)
        sorting = Sorting()
        for subscriber_id in ids:
            if subscriber_id in foreign_ids:
                sorting.refuse("subscribe to another publication, or pay for it", subscriber_id)
            else:
                sorting.changing[subscriber_id] = None
        return sorting

    def apply(self, change: BulkChange, ids: Collection[int], now: datetime) -> None:  # noqa: ARG002
        for subscriber_id in ids:
            erase(subscriber_id, now)
