"""What the preflight card of an issue's page shows: findings with their places, and what passed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from digest.console.issues import header
from digest.core import clock
from digest.issues.models import Issue, Story
from digest.sending.preflight import CHECKS, Finding, Level, Results

_LEVELS = {Level.STOP: "Stops sending", Level.WARN: "Check", Level.INFO: "Note"}


@dataclass(frozen=True, slots=True)
class Row:
    """A finding, with the stories that can be fixed beside it."""

    finding: Finding
    level: str  # for people who cannot see the colour
    stories: list[Story]


def context(
    issue: Issue, results: Results, checked_at: datetime | None, *, editable: bool
) -> dict[str, Any]:
    """Return the context of `console/issues/_findings.html`.

    `checked_at` is when links and spam score were checked; None: not since the last change.
    """
    stories = {story.pk: story for story in issue.stories.all()}
    can_fix = editable and header.is_open(issue)
    zone = clock.zone(issue.newsletter.publication.timezone)
    return {
        "issue": issue,
        "rows": [_row(row, stories if can_fix else {}) for row in results.most_serious_first],
        "passed": [(CHECKS[row.check], row.summary) for row in results.passed],
        "is_ready": results.is_ready,
        "checked_at": clock.format_moment(checked_at, zone) if checked_at else "",
    }


def _row(finding: Finding, stories: dict[int, Story]) -> Row:
    places = finding.places if finding.fix else ()
    fixable = [stories[place.story] for place in places if place.story in stories]
    return Row(finding, _LEVELS[finding.level], fixable)
