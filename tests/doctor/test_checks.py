"""All checks together."""

import pytest
from pytest_django.fixtures import Settings

from digest.core.findings import Level
from digest.doctor.checks import run_checks
from tests.cast import NOON, make_newsletter

pytestmark = pytest.mark.django_db


def test_every_finding_that_is_not_fine_comes_with_advice(settings: Settings) -> None:
    """And those that are fine need none."""
    settings.DIGEST_SMTP_URL = ""
    settings.DIGEST_BASE_URL = "http://news.example"
    make_newsletter()
    findings = list(run_checks(NOON))
    assert [
        finding.summary
        for finding in findings
        if bool(finding.advice) == (finding.level is Level.OK)
    ] == []
