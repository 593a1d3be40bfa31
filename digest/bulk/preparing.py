"""Changes prepared by a program or at the terminal: whom and what, in one call."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django.db import transaction
from django.db.models import QuerySet

from digest.accounts.models import User
from digest.bulk import previewing, selecting
from digest.bulk.models import BulkChange
from digest.newsletters.audiences.models import Segment
from digest.newsletters.models import Publication
from digest.subscribers.models import Subscriber
from digest.subscribers.segments import saving, wording
from digest.subscribers.segments.conditions import members
from digest.subscribers.segments.fields import catalog_of


@dataclass(frozen=True, slots=True)
class Selection:
    """Subscribers, and who they are in words."""

    rows: QuerySet[Subscriber]
    description: str  # who they are

    @classmethod
    def of_segment(cls, segment: Segment, now: datetime) -> Self:
        """Return those who belong to a segment now; raise RuleError if it cannot be read."""
        return cls(saving.members_of(segment, now), f"Segment: {segment}")

    @classmethod
    def of_rules(cls, publication: Publication, document: object, now: datetime) -> Self:
        """Return those for whom rules hold now; raise RuleError for rules that cannot be."""
        catalog = catalog_of(publication)
        rules = catalog.read(document)
        return cls(members(catalog, rules, now), wording.describe(catalog, rules))

    @classmethod
    def of_ids(cls, ids: Collection[int]) -> Self:
        """Return the subscribers with these ids."""
        return cls(Subscriber.objects.filter(pk__in=ids), "Named one by one")


@transaction.atomic
def prepare(
    publication: Publication,
    selection: Selection,
    kind: str,
    data: Mapping[str, str],
    *,
    user: User | None,
    now: datetime,
) -> BulkChange:
    """Store a draft that can be previewed and begun.

    `data` holds what the action of this kind reads, as texts: `tag`; `attribute` and `value`;
    `newsletter` (a slug); or `until` (a date). Raises DigestError for what cannot be, and BulkError
    if nobody is selected.
    """
    change = selecting.select(
        selection.rows, publication, selection=selection.description, user=user, now=now
    )
    previewing.choose(change, kind, data)
    return change
