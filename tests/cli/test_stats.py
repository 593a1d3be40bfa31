"""`digest stats …`: the same numbers as the pages, as tables, JSON and files."""

from pathlib import Path

import pytest

from tests.analytics.statistics import factories
from tests.cast import make_appeal, make_block, make_newsletter
from tests.cli.conftest import Digest

pytestmark = pytest.mark.django_db


def test_reports_of_all_kinds(digest: Digest, tmp_path: Path) -> None:
    """Of an issue, a newsletter, a publication and a sponsor."""
    newsletter = make_newsletter()
    issue = factories.make_sent_issue(newsletter, sent=1000)
    sponsor = make_appeal(newsletter.publication)
    block = make_block(issue, "appeal", appeal=sponsor)
    factories.make_clicks(factories.make_link(issue, issue.stories.latest("position")), 70)
    factories.make_clicks(
        factories.make_link(issue, block=block, appeal_id=sponsor.pk, label="Support us"), 5
    )
    factories.make_totals(issue, 72, machine_clicks=400)
    result = digest("stats", "issue", issue.pk, "--csv", tmp_path)
    assert "72 (7.2 % of delivered)" in result.out
    assert "400 by machines are filtered out" in result.out
    assert "28 more rows" in result.out  # of 48 hours
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hours.csv", "links.csv"]
    values = digest("stats", "newsletter", newsletter.slug, "--json").json
    assert values["numbers"]["click_rate"] == 0.072
    assert values["topics"][0]["topic"] == "harbour"
    text = digest("stats", "publication", newsletter.publication.slug, "--days", 7).out
    assert "The Morning Tide" in text
    assert digest("stats", "appeal", sponsor.pk, "--json").json["days"][0]["unique_clicks"] == 5


def test_what_is_not_there_is_said(digest: Digest, tmp_path: Path) -> None:
    """In a line, with status 1."""
    assert "There is no issue 7" in digest("stats", "issue", 7).err
    assert "There is no appeal 7" in digest("stats", "appeal", 7).err
    issue = factories.make_sent_issue(make_newsletter())
    result = digest("stats", "issue", issue.pk, "--csv", tmp_path / "missing")
    assert (result.status, "is not a folder" in result.err) == (1, True)
