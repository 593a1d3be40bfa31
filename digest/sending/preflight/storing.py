"""What the slow checks said of an issue, stored until the issue changes."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from digest.issues.models import Issue
from digest.sending.models import PreflightRun
from digest.sending.preflight.results import Finding, Level, PassedCheck, Place, Results


def store(issue: Issue, results: Results, now: datetime) -> None:
    """Store results as those of the issue's revision; earlier ones are replaced."""
    PreflightRun.objects.update_or_create(
        issue=issue,
        defaults={
            "revision": issue.revision,
            "findings": [asdict(finding) for finding in results.findings],
            "passed": [asdict(passed) for passed in results.passed],
            "checked_at": now,
        },
    )


def load(issue: Issue) -> tuple[Results, datetime | None]:
    """Return what was stored of this revision, and when; empty results and None without any."""
    run = PreflightRun.objects.filter(issue=issue, revision=issue.revision).first()
    if run is None:
        return Results(), None
    return Results(
        list(map(_finding, run.findings)), list(map(_passed, run.passed))
    ), run.checked_at


def _finding(values: dict[str, Any]) -> Finding:
    places = tuple(Place(**place) for place in values["places"])
    return Finding(**values | {"level": Level(values["level"]), "places": places})


def _passed(values: dict[str, Any]) -> PassedCheck:
    return PassedCheck(**values)
