"""`digest drops …`: what the console's page shows, in a terminal."""

import pytest

from digest.core import clock
from tests.bounces.factories import make_drop
from tests.cast import make_newsletter
from tests.cli.conftest import Digest

pytestmark = pytest.mark.django_db


def test_drops_are_listed_until_they_are_over(digest: Digest) -> None:
    """By newsletter, and with --all those of the past."""
    assert "There is no drop." in digest("drops", "list").out
    newsletter = make_newsletter()
    make_drop(newsletter, clock.now())
    drop = make_drop(newsletter)
    assert "Gmail" in digest("drops", "list", newsletter.slug).out
    rows = digest("drops", "list", "--json").json
    assert [row["issue"] for row in rows] == [drop.issue_id]
    assert len(digest("drops", "list", "--all", "--json").json) == 2
    assert digest("drops", "list", "another", "--json").json == []
