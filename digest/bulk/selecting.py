"""The subscribers of a change: stored in chunks, in the order of their ids, as they are now."""

from datetime import datetime, timedelta
from functools import partial

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet

from digest.accounts.models import User
from digest.bulk.errors import BulkError
from digest.bulk.models import LONGEST_SELECTION, BulkChange
from digest.core.database.limits import within
from digest.core.text import one_line
from digest.newsletters.models import Publication
from digest.subscribers.models import Subscriber, Subscription

CHUNK = 1_000  # subscribers
PATIENCE = 20_000  # milliseconds for a selection
KEEP_DRAFT = timedelta(days=1)


def select(
    rows: QuerySet[Subscriber],
    publication: Publication,
    *,
    selection: str,
    user: User | None,
    now: datetime,
) -> BulkChange:
    """Store a draft for those of `rows` who have or had a subscription of the publication.

    `selection` says in words who they are. Raises BulkError for nobody, and where selecting takes
    longer than 20 seconds.
    """
    with transaction.atomic():
        change = BulkChange.objects.create(
            publication=publication,
            user=user,
            selection=one_line(selection, LONGEST_SELECTION),
            selected=0,
            created_at=now,
        )
        subscriptions = Subscription.objects.filter(
            subscriber=OuterRef("pk"), newsletter__publication=publication
        )
        rows = rows.filter(Exists(subscriptions))
        selected = within(PATIENCE, partial(_store_chunks, change, rows))
        if not selected:
            raise BulkError(_TOO_SLOW if selected is None else _EMPTY)
        change.selected = selected
        change.save(update_fields=["selected"])
    return change


def delete_drafts(now: datetime) -> None:
    """Delete the changes that nobody confirmed within a day."""
    drafts = BulkChange.objects.filter(state=BulkChange.State.DRAFT)
    drafts.filter(created_at__lt=now - KEEP_DRAFT).delete()


def _store_chunks(change: BulkChange, rows: QuerySet[Subscriber]) -> int:
    """Store the ids; return how many."""
    try:
        ids, parameters = rows.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:  # Django sees without asking that nobody is selected
        return 0
    with connection.cursor() as cursor:
        # Raw SQL: a million ids need not come here.
        statement = _STORE.replace("__SELECTED__", ids)
        cursor.execute(statement, [change.pk, *parameters, CHUNK])
        cursor.execute(_COUNT, [change.pk])
        return int(cursor.fetchone()[0])


_STORE = """
INSERT INTO bulk_bulkchunk (change_id, subscriber_ids, changed, restored, reasons)
SELECT %s, array_agg(numbered.id ORDER BY numbered.id), 0, 0, '{}'
FROM (
    SELECT selected.id, row_number() OVER (ORDER BY selected.id) AS number
    FROM (__SELECTED__) AS selected (id)
) AS numbered
GROUP BY (numbered.number - 1) / %s ORDER BY min(numbered.id)
"""
_COUNT = """
SELECT coalesce(sum(cardinality(subscriber_ids)), 0) FROM bulk_bulkchunk WHERE change_id = %s
"""
_EMPTY = "Nobody is selected. Tick subscribers, or choose all that match."
_TOO_SLOW = "Selecting these subscribers takes too long. Narrow them down, and try again."
