"""Hits of issues, straight into the table."""

from datetime import datetime, timedelta
from typing import Any

from digest.analytics.models import Hit, HitKind
from digest.analytics.verdicts.agents import Agent
from digest.issues.models import Issue, TrackedLink
from tests.cast import NOON

HOME = "203.0.113.0/24"  # in no list of networks
OFFICE = "198.51.100.0/24"
CLOUD = "52.20.30.0/24"  # Amazon's
SCANNER = "67.231.150.0/24"  # Proofpoint's


def make_link(issue: Issue, position: int = 0, **fields: Any) -> TrackedLink:
    """A link in the mail of an issue."""
    defaults = {"position": position, "url": f"https://courier.example/{position}"}
    return TrackedLink.objects.create(issue=issue, **defaults | fields)


def make_hit(issue: Issue | int, link: TrackedLink | int = 0, **fields: Any) -> Hit:
    """A click on a link by a browser at home, or an open without a link; an hour after noon."""
    seconds = fields.pop("seconds", 3600)
    link_id = link.pk if isinstance(link, TrackedLink) else link
    defaults = {
        "at": at(seconds),
        "issue_id": issue.pk if isinstance(issue, Issue) else issue,
        "link_id": link_id,
        "kind": HitKind.CLICK if link_id else HitKind.OPEN,
        "visitor": 1,
        "network": HOME,
        "agent": Agent.BROWSER,
    }
    return Hit.objects.create(**defaults | fields)


def at(seconds: float) -> datetime:
    """Return a moment so many seconds after noon."""
    return NOON + timedelta(seconds=seconds)
