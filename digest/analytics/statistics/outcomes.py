"""Keeps the counts of outcomes short: one row for each issue and kind, instead of one a day."""

from django.db import connection

COMPACT_ABOVE = 20  # rows of one issue and kind


def compact() -> None:
    """Merge rows where there are many of one issue and kind. Safe next to writers."""
    with connection.cursor() as cursor:
        cursor.execute(_COMPACT, [COMPACT_ABOVE])


_COMPACT = """
WITH many AS (
    SELECT issue_id, kind FROM analytics_issueoutcome
    GROUP BY issue_id, kind HAVING count(*) > %s
), deleted AS (
    DELETE FROM analytics_issueoutcome AS outcome USING many
    WHERE outcome.issue_id = many.issue_id AND outcome.kind = many.kind
    RETURNING outcome.issue_id, outcome.kind, outcome.number
)
INSERT INTO analytics_issueoutcome (issue_id, kind, number)
SELECT issue_id, kind, sum(number) FROM deleted GROUP BY issue_id, kind
"""
