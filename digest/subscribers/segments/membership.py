"""Who belongs to a segment at one moment: a condition that is made once, for many queries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import structlog
from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, BooleanField, Case, Exists, Func, Q, Value, When
from django.db.models.expressions import Expression, RawSQL

from digest.newsletters.audiences.models import Segment
from digest.subscribers.segments.conditions import Context, base_subscriptions, condition_of
from digest.subscribers.segments.fields import Catalog, catalog_of
from digest.subscribers.segments.rules import Group, RuleError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Membership:
    """A segment with its rules as they are now, and the moment at which they have to hold.

    Without `rules` nobody belongs to it: its publication has lost what they ask for, which
    `problem` names.
    """

    segment_id: int
    name: str
    catalog: Catalog
    rules: Group | None
    at: datetime  # aware, UTC
    problem: str = ""

    @classmethod
    def of(cls, segment: Segment, at: datetime) -> Self:
        """Return the membership of a segment at a moment."""
        catalog = catalog_of(segment.publication, suggests=False)
        try:
            rules = catalog.read(segment.rules)
        except RuleError as problem:
            log.error("segment without members", segment=segment.pk, problem=str(problem))  # noqa: TRY400
            return cls(segment.pk, segment.name, catalog, None, at, str(problem))
        return cls(segment.pk, segment.name, catalog, rules, at)

    def condition(self, subscriber: str) -> Q:
        """Return whether a row's subscriber, by the field of their id, belongs to it."""
        if self.rules is None:
            return Q(RawSQL("false", [], output_field=BooleanField()))
        context = Context(self.catalog, self.at, subscriber)
        subscriptions = Exists(base_subscriptions(context, self.rules))
        return Q(subscriptions) & condition_of(self.rules, context)


def memberships_of(segment_ids: Iterable[int | None], at: datetime) -> tuple[Membership, ...]:
    """Return the memberships of segments by their ids, None aside; in the order of their ids."""
    ids = {segment_id for segment_id in segment_ids if segment_id}
    if not ids:
        return ()
    rows = Segment.objects.filter(pk__in=ids).select_related("publication").order_by("pk")
    return tuple(Membership.of(row, at) for row in rows)


def segment_ids(memberships: Sequence[Membership], subscriber: str) -> Expression:
    """Return an expression: ids of the segments that a row's subscriber belongs to."""
    if not memberships:
        return RawSQL("'{}'::bigint[]", [], output_field=_IDS)
    cases: list[Any] = [
        Case(
            When(row.condition(subscriber), then=Value(row.segment_id)),
            output_field=BigIntegerField(null=True),
        )
        for row in memberships
    ]
    template = "array_remove(ARRAY[%(expressions)s]::bigint[], NULL)"
    return Func(*cases, template=template, output_field=_IDS)


_IDS: Any = ArrayField(BigIntegerField())
