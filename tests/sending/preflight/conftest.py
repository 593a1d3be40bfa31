"""An issue with nothing to fix, and how the checks of one theme are asked."""

from collections.abc import Callable

import pytest
from pytest_django.fixtures import Settings

from digest.issues.models import Issue
from digest.sending import preflight
from digest.sending.preflight import Finding
from tests.cast import NOON, make_article, make_issue, make_newsletter, make_story, make_subscriber

Findings = Callable[..., list[Finding]]


@pytest.fixture
def issue(settings: Settings) -> Issue:
    """An issue with nothing to fix: one story, a subscriber, a relay, a preview text."""
    settings.DIGEST_SMTP_URL = "smtp://127.0.0.1:1"
    issue = make_issue(make_newsletter(preheader="What the tide brought"))
    make_story(issue, article=make_article())
    make_subscriber(issue.newsletter)
    return issue


@pytest.fixture
def findings(issue: Issue) -> Findings:
    """Return what is found of the issue as it is in the database, of one check or of all."""

    def examine(check: str = "", *, network: bool = False) -> list[Finding]:
        results = preflight.examine(Issue.objects.get(pk=issue.pk), NOON, network=network)
        rows = results.most_serious_first
        return [row for row in rows if check in {"", row.check}]

    return examine
