"""How often a subscriber may get an appeal or a sponsor: decided when an issue is planned.

What somebody has had follows from the ledger, without a row for each view: the issues that show an
appeal, and the deliveries of these issues. A delivery to a subscriber who has had it as often as
its cap allows notes that it goes out without (`Delivery.without_appeals`). Issues without a capped
appeal take no part in this.

A delivery that is due or uncertain counts, because it may arrive; one that failed does not. Nobody
can plan two issues with the same appeal at the same moment: an advisory lock orders them.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import chain
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from digest.core.locks import Purpose, lock
from digest.issues.models import Block, Issue
from digest.newsletters.models import Appeal
from digest.sending.models import SQL_STATES


def capped_appeals(issue: Issue) -> list[Appeal]:
    """Return what an issue shows in its mail and has a cap; by id."""
    blocks = _in_mail().filter(issue=issue, appeal__cap__isnull=False)
    return list(Appeal.objects.filter(pk__in=blocks.values("appeal")).order_by("pk"))


def noted_subscribers(issue: Issue, appeals: Sequence[Appeal]) -> tuple[str, list[Any]]:
    """Return a part of a WITH clause that selects who has had one of `appeals` as often as allowed.

    `noted` has columns `subscriber_id` and `appeal_ids`, for those of `timed`, which stands before
    it. In the transaction that inserts their deliveries, so that none goes out before.
    """
    for appeal in appeals:
        lock(Purpose.CAPPED_APPEAL, appeal.pk)
    carriers = list(chain.from_iterable(_carriers(issue, appeal) for appeal in appeals))
    if not carriers:
        return _NOBODY, []
    columns = [list(column) for column in zip(*carriers, strict=True)]
    return _NOTED.format(**SQL_STATES), columns


def _carriers(issue: Issue, appeal: Appeal) -> list[tuple[int, int, int]]:
    """Return the other issues that show an appeal, within its days: its id, theirs, its cap.

    None if they are fewer than its cap: nobody has had it so often.
    """
    blocks = _in_mail().filter(appeal=appeal).exclude(issue=issue)
    if appeal.cap_days:
        since = issue.goes_at - timedelta(days=appeal.cap_days)
        goes_at = Coalesce("issue__send_at", "issue__slot")
        blocks = blocks.alias(goes_at=goes_at).filter(goes_at__gt=since)
    ids = blocks.order_by("issue").values_list("issue", flat=True).distinct()
    carriers = [(appeal.pk, issue_id, appeal.cap or 0) for issue_id in ids]
    return carriers if len(carriers) >= (appeal.cap or 0) else []


def _in_mail() -> QuerySet[Block]:
    return Block.objects.filter(hidden=False).exclude(shown_in=Block.ShownIn.WEB)


_NOBODY = "noted AS (SELECT NULL::bigint AS subscriber_id, NULL::bigint[] AS appeal_ids LIMIT 0)"

# Past deliveries count as well; each arm is read by its index of issue and subscriber.
_NOTED = """
carrier AS (
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::int[]) AS row(appeal_id, issue_id, cap)
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
), spent AS (
    SELECT earlier.subscriber_id, carrier.appeal_id
    FROM carrier JOIN earlier USING (issue_id)
    WHERE earlier.subscriber_id BETWEEN (SELECT lowest FROM span) AND (SELECT highest FROM span)
        AND earlier.state NOT IN ({failed}, {suppressed}, {cancelled})
        AND carrier.appeal_id <> ALL (coalesce(earlier.without_appeals, '{{}}'))
    GROUP BY earlier.subscriber_id, carrier.appeal_id, carrier.cap
    HAVING count(*) >= carrier.cap
), noted AS MATERIALIZED (
    SELECT subscriber_id, array_agg(appeal_id) AS appeal_ids FROM spent GROUP BY subscriber_id
)"""
