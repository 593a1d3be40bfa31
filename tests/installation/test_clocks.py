"""A machine whose clock is wrong is named."""

from datetime import timedelta

import pytest
from django.core.cache import cache

from digest.doctor.database import check_database
from digest.installation import clocks
from tests.cast import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.real_clock]


def test_clocks_that_agree_are_not_mentioned() -> None:
    """Those of this machine, of which there is one."""
    cache.clear()
    clocks.compare_clocks()
    clocks.report_difference(NOON, NOON + clocks.MOST)
    assert clocks.reported() == ""


@pytest.mark.parametrize("seconds", [-90, 90])
def test_clocks_that_differ_are(seconds: int) -> None:
    """With both times and their zone."""
    cache.clear()
    clocks.report_difference(NOON, NOON + timedelta(seconds=seconds))
    assert "PostgreSQL's clock says Mon 23 Nov 2026, 12:00 UTC" in clocks.reported()
    summaries = [finding.summary for finding in check_database(NOON)]
    assert clocks.reported() in summaries
    cache.clear()
