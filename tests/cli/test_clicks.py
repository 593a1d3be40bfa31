"""`digest clicks` and `digest networks`."""

from datetime import timedelta
from pathlib import Path

import pytest

from digest.accounts.models import AuditEntry
from digest.analytics import judging
from digest.analytics.verdicts.agents import Agent
from digest.core import clock
from tests.analytics.factories import OFFICE, SCANNER, make_hit, make_link
from tests.cast import make_issue
from tests.cli.conftest import Digest

pytestmark = pytest.mark.django_db


def test_networks_are_loaded_and_clicks_judged_again(digest: Digest, tmp_path: Path) -> None:
    """A gateway's network, which an operator knows, takes its clicks out of an issue."""
    issue = make_issue()
    make_hit(issue, make_link(issue), network=OFFICE, seconds=-3600)
    judging.judge_due(clock.now())
    path = tmp_path / "gateway.txt"
    path.write_text(f"# Their gateway\n{OFFICE}\n")
    loaded = digest("networks", "load", path, "--name", "gateway", "--class", "scanner", "--json")
    assert loaded.json["networks"] == 1
    assert ("gateway", "scanner", 1) in [
        (row["name"], row["class"], row["networks"])
        for row in digest("networks", "list", "--json").json
    ]
    assert (
        "1 verdict changed. Clicks: 0 by people, 1 by"
        in digest("clicks", "rejudge", str(issue.pk)).out
    )
    assert digest("networks", "remove", "gateway").status == 0
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"digest networks load", "digest clicks rejudge", "digest networks remove"} <= actions


def test_why_clicks_were_filtered(digest: Digest) -> None:
    """How many by each reason; one click may have two."""
    issue = make_issue()
    link = make_link(issue)
    make_hit(issue, link, visitor=1)
    make_hit(issue, link, visitor=2, agent=Agent.LIBRARY)
    make_hit(issue, link, visitor=3, agent=Agent.LIBRARY, network=SCANNER)
    judging.judge_due(clock.now() + timedelta(hours=2))
    make_hit(issue, link, visitor=4)  # not judged yet
    values = digest("clicks", "explain", str(issue.pk), "--json").json
    assert values["verdicts"] == {"human": 1, "machine": 2, "uncertain": 0}
    assert [(row["reason"], row["hits"]) for row in values["reasons"]] == [
        ("user_agent", 2),
        ("scanner_network", 1),
    ]
    text = digest("clicks", "explain", str(issue.pk)).out
    assert "1 human, 2 machine, 0 uncertain" in text
    assert "2  Its user agent is a program's, or missing." in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["networks", "load", "missing.txt"], "cannot be read"),
        (["networks", "remove", "nothing"], "No list called 'nothing'"),
        (["clicks", "rejudge", "999"], "999"),
    ],
)
def test_what_cannot_be_done_is_said(digest: Digest, arguments: list[str], message: str) -> None:
    """In one line, with status 1."""
    result = digest(*arguments)
    assert result.status in {1, 2}
    assert message in result.err
