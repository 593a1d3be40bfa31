"""What came back of an issue, and what was noticed of it."""

from typing import Any

from digest.bounces.models import Drop
from digest.issues.models import Issue
from tests.clock import NOON


def make_drop(issue: Issue, **fields: Any) -> Drop:
    """Gmail refused or deferred 40 percent of an issue's 500 mails, usually 1 percent."""
    defaults = {
        "destination": "gmail",
        "kind": Drop.Kind.DELIVERY,
        "mails": 500,
        "share": 0.4,
        "usual_share": 0.01,
        "noticed_at": NOON,
    }
    return Drop.objects.create(newsletter=issue.newsletter, issue=issue, **defaults | fields)
