"""How often a subscriber may get an appeal or a sponsor: decided when an issue is planned.

What somebody has had follows from the ledger, without a row for each view: the issues that show an
appeal, and the deliveries of these issues. A delivery to a subscriber who has had it as often as
its cap allows notes that it goes out without (`Delivery.without_appeals`). Issues without a capped
appeal take no part in this.

A delivery that is due or uncertain counts, because it may arrive; one that failed does not. Where
every block with the appeal is for a segment or for topics, it counts for those who would see one of
the blocks now: who saw it then is not stored. Nobody
can plan two issues with the same appeal at the same moment: an advisory lock orders them.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from itertools import chain
from operator import or_
from typing import Any, NamedTuple

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from digest.core.database.locks import Purpose, lock
from digest.issues.models import Block, Issue
from digest.newsletters.choices import BlockKind, ShownIn
from digest.newsletters.models import Appeal, LayoutBlock
from digest.sending.models import SQL_STATES
from digest.subscribers.models import Subscriber, Subscription
from digest.subscribers.segments.membership import memberships_of


def capped_appeals(issue: Issue) -> list[Appeal]:
    """Return what an issue shows in its mail and has a cap; by id."""
    blocks = _in_mail().filter(issue=issue, appeal__cap__isnull=False)
    return list(Appeal.objects.filter(pk__in=blocks.values("appeal")).order_by("pk"))


def noted_subscribers(
    issue: Issue, appeals: Sequence[Appeal], at: datetime
) -> tuple[str, list[Any]]:
    """Return a part of a WITH clause that selects who has had one of `appeals` as often as allowed.

    `noted` has columns `subscriber_id` and `appeal_ids`, for those of `timed`, which stands before
    it. In the transaction that inserts their deliveries, so that none goes out before. A mail that
    stands open goes out to them `at` this moment, not at its slot.
    """
    moment = at if issue.stands_open else issue.goes_at
    for appeal in appeals:
        lock(Purpose.CAPPED_APPEAL, appeal.pk)
    carriers = list(chain.from_iterable(_carriers(issue, appeal, moment) for appeal in appeals))
    if not carriers:
        return _NOTED_NONE, []
    numbers = {None: 0} | {
        shown_to: number
        for number, shown_to in enumerate(
            dict.fromkeys(row.shown_to for row in carriers if row.shown_to), 1
        )
    }
    columns: list[Any] = [
        [row.appeal_id for row in carriers],
        [row.issue_id for row in carriers],
        [row.cap for row in carriers],
        [numbers[row.shown_to] for row in carriers],
    ]
    outside, parameters = _outside(moment, numbers)
    return _NOTED.format(outside=outside, **SQL_STATES), [*columns, *parameters]


class Part(NamedTuple):
    """The part of a newsletter's subscribers that a block is for."""

    newsletter_id: int
    segment_id: int | None
    only_topics: frozenset[str]  # of which a subscriber with topics has one; none: for everyone


class Carrier(NamedTuple):
    """An issue that shows an appeal: to everyone, or to those in one of some parts."""

    appeal_id: int
    issue_id: int
    cap: int
    shown_to: frozenset[Part] | None


def _carriers(issue: Issue, appeal: Appeal, moment: datetime) -> list[Carrier]:
    """Return the other issues that show an appeal, within its days.

    None if they are fewer than its cap: nobody has had it so often. A mail of a series goes out for
    as long as it stands; whoever had it early is counted until it is over, and some days more.
    """
    blocks = _in_mail().filter(appeal=appeal).exclude(issue=issue)
    if appeal.cap_days:
        since = moment - timedelta(days=appeal.cap_days)
        until = Case(
            When(issue__kind=Issue.Kind.SERIES, then=Coalesce("issue__finished_at", Value(moment))),
            default=Coalesce("issue__send_at", "issue__slot"),
        )
        blocks = blocks.alias(until=until).filter(until__gt=since)
    parts: dict[int, set[Part]] = {}
    fields = ("issue", "issue__newsletter", "segment", "only_topics")
    for issue_id, newsletter_id, segment_id, topics in blocks.order_by("issue").values_list(
        *fields
    ):
        parts.setdefault(issue_id, set()).add(Part(newsletter_id, segment_id, frozenset(topics)))
    carriers = [
        Carrier(appeal.pk, pk, appeal.cap or 0, _shown_to(rows)) for pk, rows in parts.items()
    ]
    return carriers if len(carriers) >= (appeal.cap or 0) else []


def _shown_to(parts: Collection[Part]) -> frozenset[Part] | None:
    is_for_all = any(not (part.segment_id or part.only_topics) for part in parts)
    return None if is_for_all else frozenset(parts)


def _outside(
    moment: datetime, numbers: Mapping[frozenset[Part] | None, int]
) -> tuple[str, list[Any]]:
    """Return a query of who is in none of the parts, with the number of these; its parameters."""
    queries, parameters = [_NONE_OUTSIDE], list[Any]()
    for parts, number in numbers.items():
        if parts is not None:
            inside = reduce(or_, (_is_in(part, moment) for part in parts))
            rows = Subscriber.objects.filter(~inside).values("pk")
            query, values = rows.query.sql_with_params()
            queries.append(_OUTSIDE.format(query=query))
            parameters += [number, *values]
    return " UNION ALL ".join(queries), parameters


def _is_in(part: Part, at: datetime) -> Q:
    """Return whether a subscriber is in a part of the subscribers, as mails are composed."""
    memberships = memberships_of([part.segment_id], at)
    condition = Q(*(row.condition("pk") for row in memberships))
    topic_blocks = LayoutBlock.objects.filter(newsletter=part.newsletter_id, kind=BlockKind.TOPIC)
    choosable = set(topic_blocks.values_list("title", flat=True))
    if only_topics := choosable & part.only_topics:
        subscriptions = Subscription.objects.filter(
            subscriber=OuterRef("pk"), newsletter=part.newsletter_id
        ).filter(Q(topics__overlap=sorted(choosable)), ~Q(topics__overlap=sorted(only_topics)))
        condition &= ~Q(Exists(subscriptions))
    return condition


def _in_mail() -> QuerySet[Block]:
    return Block.objects.filter(hidden=False).exclude(shown_in=ShownIn.WEB)


_NONE_OUTSIDE = "(SELECT NULL::int AS parts, NULL::bigint AS subscriber_id LIMIT 0)"
_OUTSIDE = """
    SELECT %s::int, id FROM ({query}) AS row(id)
    WHERE id BETWEEN (SELECT lowest FROM span) AND (SELECT highest FROM span)"""
_NOTED_NONE = (
    "noted AS (SELECT NULL::bigint AS subscriber_id, NULL::bigint[] AS appeal_ids LIMIT 0)"
)

# Past deliveries count as well; each arm is read by its index of issue and subscriber.
_NOTED = """
carrier AS (
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::int[])
        AS row(appeal_id, issue_id, cap, parts)
), earlier AS (
    SELECT issue_id, subscriber_id, state, without_appeals FROM sending_delivery
    UNION ALL
    SELECT issue_id, subscriber_id, {sent}, NULL FROM sending_sentdelivery
    UNION ALL
    SELECT issue_id, subscriber_id, state, without_appeals FROM sending_pastdelivery
    UNION ALL
    SELECT issue_id, unnest(subscriber_ids), {queued}, NULL FROM sending_chunk
), span AS (
    SELECT min(subscriber_id) AS lowest, max(subscriber_id) AS highest FROM timed
), outside AS MATERIALIZED ({outside}
), spent AS (
    SELECT earlier.subscriber_id, carrier.appeal_id
    FROM carrier JOIN earlier USING (issue_id)
    WHERE earlier.subscriber_id BETWEEN (SELECT lowest FROM span) AND (SELECT highest FROM span)
        AND earlier.state NOT IN ({failed}, {suppressed}, {cancelled})
        AND carrier.appeal_id <> ALL (coalesce(earlier.without_appeals, '{{}}'))
        AND NOT EXISTS (SELECT FROM outside WHERE outside.parts = carrier.parts
            AND outside.subscriber_id = earlier.subscriber_id)
    GROUP BY earlier.subscriber_id, carrier.appeal_id, carrier.cap
    HAVING count(*) >= carrier.cap
), noted AS MATERIALIZED (
    SELECT subscriber_id, array_agg(appeal_id) AS appeal_ids FROM spent GROUP BY subscriber_id
)"""
