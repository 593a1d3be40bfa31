"""Rows that are due, taken by one worker at a time under a lease.

    claim     take the next rows that are due; no two workers get the same
    finish    write what came of one, unless its lease ran out and another worker has it
    expired   rows whose worker died: their lease ran out
    postpone  take rows without a lease: until a moment, they are not due

The end of a lease is also its fence: a row is claimed again only after that moment, so a worker
that was frozen finds another `lease_until` and writes nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.db import models, transaction
from django.db.models import QuerySet


class Leased(models.Model):
    """The column of a row that is claimed under a lease."""

    lease_until = models.DateTimeField(null=True)

    class Meta:
        abstract = True


Row = TypeVar("Row", bound=Leased)
Due = TypeVar("Due", bound=models.Model)  # with a column `due_at`


@transaction.atomic
def claim(
    due: QuerySet[Row],
    limit: int,
    until: datetime,
    *,
    related: Sequence[str] = (),
    deferred: Sequence[str] = (),
    **changes: Any,
) -> list[Row]:
    """Lease up to `limit` rows until a moment, in the order of `due`; rows in work are skipped.

    `changes` are written with the lease: a state, a count of attempts. Returns the rows as they are
    then, with their `related` rows, and without the columns that are `deferred`.
    """
    locked = due.select_for_update(skip_locked=True, of=("self",))
    ids = list(locked.values_list("pk", flat=True)[:limit])
    if not ids:
        return []
    rows = due.model._default_manager.filter(pk__in=ids)  # noqa: SLF001  Django's own name for it
    rows.update(lease_until=until, **changes)
    rows = rows.select_related(*related) if related else rows
    leased = rows.defer(*deferred).in_bulk(ids)
    return [leased[pk] for pk in ids]


def finish(row: Leased, **changes: Any) -> bool:
    """Write what came of a leased row and end its lease; False where the lease was lost."""
    leased = type(row)._default_manager.filter(  # noqa: SLF001
        pk=row.pk, lease_until=row.lease_until
    )
    return bool(leased.update(lease_until=None, **changes))


def expired(rows: QuerySet[Row], now: datetime) -> QuerySet[Row]:
    """Return the rows whose lease ran out."""
    return rows.filter(lease_until__lt=now)


@transaction.atomic
def postpone(
    due: QuerySet[Due], until: datetime, limit: int, *, related: Sequence[str] = ()
) -> list[Due]:
    """Set the `due_at` of up to `limit` rows to a moment, and return them with `related` rows.

    Rows in work are skipped. Whoever takes them sets `due_at` again afterwards; if that fails, they
    are due again at the moment.
    """
    locked = due.select_for_update(skip_locked=True, of=("self",))
    rows = list(locked.select_related(*related)[:limit] if related else locked[:limit])
    taken_rows = due.model._default_manager.filter(  # noqa: SLF001
        pk__in=[row.pk for row in rows]
    )
    taken_rows.update(due_at=until)
    return rows
