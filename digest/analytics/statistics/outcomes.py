"""Keeps the counts of outcomes short: one row for each issue and kind, instead of one a day."""

from digest.analytics.models import IssueOutcome
from digest.core.database.differences import merge_differences

COMPACT_ABOVE = 20  # rows of one issue and kind


def compact() -> None:
    """Merge rows where there are many of one issue and kind. Safe next to writers."""
    merge_differences(IssueOutcome, ("issue_id", "kind"), ("number",), COMPACT_ABOVE)
