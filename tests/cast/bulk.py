"""Changes to many subscribers."""

from digest.bulk import previewing, selecting
from digest.bulk.models import BulkChange
from digest.newsletters.models import Newsletter
from digest.subscribers.models import Subscriber
from tests.clock import NOON


def make_bulk_change(newsletter: Newsletter, kind: str = "", /, **data: str) -> BulkChange:
    """A draft about every subscriber of a newsletter's publication."""
    change = selecting.select(
        Subscriber.objects.all(),
        newsletter.publication,
        selection="State: subscribed",
        user=None,
        now=NOON,
    )
    if kind:
        previewing.choose(change, kind, data)
    return change
