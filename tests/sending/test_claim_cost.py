"""What claiming and checking again read: as much as the batch is large, whatever the audience."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from digest.issues.models import Issue
from digest.sending import ledger, planning
from tests.cast import NOON, make_running
from tests.cast.issues import make_due
from tests.sending.claiming import claim_batch, give_rows

pytestmark = pytest.mark.django_db

BATCH, AUDIENCE = 20, 3000
MARK = "AS MATERIALIZED"  # in the statements that apply the rule of who may be mailed


@pytest.fixture
def issue() -> Issue:
    """An issue to many who were imported since PostgreSQL last looked at its tables."""
    make_running(5)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE subscribers_subscription, subscribers_subscriber")
    issue = make_due(AUDIENCE)
    planning.plan_built(NOON)
    issue.refresh_from_db()
    return issue


def rows_read(work: Callable[[], object]) -> float:
    """Return the most rows that a step of those statements reads from one of the large tables."""
    plans: list[dict[str, Any]] = []

    def explain(execute: Any, sql: str, parameters: Any, *rest: Any) -> Any:
        if MARK in sql:
            with connection.cursor() as cursor:
                execute_plain = cursor.cursor.execute
                execute_plain("SAVEPOINT explained")
                execute_plain(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
                (plan,) = cursor.fetchone()
                plans.append((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])
                execute_plain("ROLLBACK TO SAVEPOINT explained")
        return execute(sql, parameters, *rest)

    with connection.execute_wrapper(explain):
        work()
    assert plans
    return max(rows for plan in plans for rows in _read_by(plan))


def _read_by(node: dict[str, Any]) -> Iterator[float]:
    if node.get("Relation Name") in {"subscribers_subscription", "subscribers_subscriber"}:
        skipped = node.get("Rows Removed by Filter", 0)
        yield (node["Actual Rows"] + skipped) * node["Actual Loops"]
    for inner in node.get("Plans", ()):
        yield from _read_by(inner)


@pytest.mark.parametrize("is_row", [False, True], ids=["chunk", "rows"])
def test_a_claim_reads_no_more_than_its_batch(issue: Issue, *, is_row: bool) -> None:
    """Otherwise each of thousands of claims would read a million subscriptions."""
    if is_row:
        give_rows(issue)
    assert rows_read(lambda: claim_batch(issue, BATCH)) <= BATCH


def test_checking_again_reads_no_more_than_the_batch(issue: Issue) -> None:
    """Every second, for each batch in flight."""
    batch = claim_batch(issue, BATCH)
    assert len(batch.rows) == BATCH
    assert rows_read(lambda: ledger.recheck(batch, batch.rows, NOON)) <= BATCH
