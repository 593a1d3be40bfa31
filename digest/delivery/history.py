"""Who got what: deliveries of any age, wherever their rows are now."""

from django.db.models import QuerySet

from digest.delivery.models import AnyDelivery, Dispatch
from digest.editions.models import Edition
from digest.subscribers.models import Subscriber


def of_reader(reader: Subscriber) -> QuerySet[AnyDelivery]:
    """Return the deliveries to a reader with their editions, the newest first."""
    theirs = AnyDelivery.objects.filter(subscriber=reader)
    return theirs.select_related("edition__newsletter").order_by("-id")


def of_edition(
    edition: Edition, state: Dispatch.State | None = None, after: int = 0
) -> QuerySet[AnyDelivery]:
    """Return an edition's deliveries with their readers, those behind the id `after`, by id.

    For a page of them: slice it, and go on behind the last id.
    """
    rows = AnyDelivery.objects.filter(edition=edition, id__gt=after)
    if state is not None:
        rows = rows.filter(state=state)
    return rows.select_related("subscriber").order_by("id")
