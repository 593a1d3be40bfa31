"""Insert the deliveries of an issue, a step of some ten thousand subscribers at a time.

A subscriber is planned for once: each step holds the issue, begins behind the last subscriber of
the step before, and leaves out who has a delivery already, in whatever table.

Within a step subscribers are dealt to chunks by their domains in turns, so that a list that was
imported provider by provider does not flood one provider after the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet

from digest.core.database.locks import Purpose, share_lock
from digest.core.database.statements import fetch_row
from digest.issues.models import Issue
from digest.newsletters.models import Appeal
from digest.newsletters.zones import Times
from digest.sending.experiments import assigning
from digest.sending.experiments.assigning import Hold
from digest.sending.models import SQL_STATES, Chunk
from digest.sending.planning import caps
from digest.subscribers.models import Subscription

STEP = 50_000  # subscribers
FIRST_STEP = 10_000  # sending begins with it


@dataclass(frozen=True, slots=True)
class Plan:
    """Whom an issue is for, and when."""

    issue: Issue
    subscribers: QuerySet[Subscription]
    times: Times
    capped: Sequence[Appeal] = ()
    hold: Hold | None = None  # of an experiment
    # When sending began, of an issue that is going out already. Who confirmed after that, and after
    # it was due in their zone, waits for the next issue: as if the planner had not been killed.
    began_at: datetime | None = None


def insert_step(plan: Plan, after: int) -> int | None:
    """Insert deliveries for the next subscribers by id; return the last of them, None at the end.

    In the caller's transaction, which holds the issue. A subscriber who is being erased is gone
    before, or is in a chunk that the erasure sees.
    """
    share_lock(Purpose.PLAN_DELIVERIES)
    statement, parameters = _statement(plan, after)
    (last,) = fetch_row(statement, parameters)
    return None if last is None else int(last)


def _statement(plan: Plan, after: int) -> tuple[str, list[Any]]:
    columns = {"address_key": F("subscriber__address_key")}
    if plan.times.by_zone:
        columns["zone"] = F("subscriber__timezone")
    if plan.hold:
        columns["uuid"] = F("subscriber__uuid")
    step = STEP if after else min(STEP, FIRST_STEP)
    page = plan.subscribers.filter(subscriber__gt=after).order_by("subscriber")[:step]
    names = ("subscriber_id", "confirmed_at")
    query, parameters = page.values(*names, **columns).query.sql_with_params()
    noted, carriers = caps.noted_subscribers(plan.issue, plan.capped, plan.times.slot)
    due_at, zones, moments = _due_at(plan)  # parameters in the order of the statement
    statement = _STEP.format(
        page=query, due_at=due_at, zones=zones, noted=noted, largest=Chunk.LARGEST, **SQL_STATES
    )
    key = plan.issue.pk
    in_time = [*moments, plan.began_at, plan.began_at]
    return statement, [*parameters, key, after, *in_time, key, key, *carriers, key, key]


def _due_at(plan: Plan) -> tuple[str, str, list[Any]]:
    """Return the expression of a subscriber's moment, the join that it needs, and parameters."""
    times, expression, zones = plan.times, "%s::timestamptz", ""
    parameters: list[Any] = [times.slot]
    if times.by_zone:
        expression = f"coalesce(moments.due_at, {expression})"
        zones = (
            "LEFT JOIN unnest(%s::text[], %s::timestamptz[]) AS moments(zone, due_at) USING (zone)"
        )
        parameters += [list(times.by_zone), list(times.by_zone.values())]
    if plan.hold:
        condition, values = assigning.is_held(plan.hold)
        expression = f"CASE WHEN {condition} THEN %s ELSE {expression} END"
        parameters = [*values, plan.hold.until, *parameters]
    return expression, zones, parameters


# Those who have had a capped appeal get rows, which say what they go out without. Chunks go out in
# the order of their first ids, so those of one step in the order of its parts.
_STEP = """
WITH page AS MATERIALIZED ({page}
), untried AS MATERIALIZED (
    SELECT unnest(subscriber_ids) AS subscriber_id FROM sending_chunk
    WHERE issue_id = %s AND highest > %s
), timed AS MATERIALIZED (
    SELECT subscriber_id, split_part(address_key, '@', -1) AS domain, due_at
    FROM (SELECT page.*, {due_at} AS due_at FROM page {zones}) AS page
    WHERE (%s::timestamptz IS NULL OR confirmed_at <= greatest(due_at, %s))
        AND NOT EXISTS (SELECT FROM untried WHERE untried.subscriber_id = page.subscriber_id)
        AND NOT EXISTS (SELECT FROM sending_sentdelivery AS sent
            WHERE sent.issue_id = %s AND sent.subscriber_id = page.subscriber_id)
        AND NOT EXISTS (SELECT FROM sending_delivery AS delivery
            WHERE delivery.issue_id = %s AND delivery.subscriber_id = page.subscriber_id)
), {noted}, rows AS (
    INSERT INTO sending_delivery (issue_id, subscriber_id, state, due_at, attempts,
        times_uncertain, reply, without_appeals)
    SELECT %s, subscriber_id, {queued}, due_at, 0, 0, '', appeal_ids
    FROM timed JOIN noted USING (subscriber_id)
), dealt AS (
    SELECT subscriber_id, due_at, (row_number() OVER turns - 1)
        %% ceil(count(*) OVER (PARTITION BY due_at) / {largest}.0)::bigint AS part
    FROM timed
    WHERE NOT EXISTS (SELECT FROM noted WHERE noted.subscriber_id = timed.subscriber_id)
    WINDOW turns AS (PARTITION BY due_at ORDER BY domain, subscriber_id)
), chunks AS (
    INSERT INTO sending_chunk (first_id, issue_id, due_at, subscriber_ids, size, lowest, highest)
    SELECT nextval('sending_delivery_id_seq'), %s, due_at,
        array_agg(subscriber_id ORDER BY subscriber_id), count(*), min(subscriber_id),
        max(subscriber_id)
    FROM dealt GROUP BY due_at, part ORDER BY due_at, part
)
SELECT max(subscriber_id) FROM page
"""
