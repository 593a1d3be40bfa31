"""`digest experiment …`."""

import json

import pytest

from digest.accounts.models import User
from digest.issues.experiments.models import Experiment
from digest.issues.models import Issue
from tests.cast import NOON, make_issue, make_newsletter, make_publication, make_story
from tests.cli.conftest import Digest

pytestmark = pytest.mark.django_db
ADA = ("--as", "ada@courier.example")


@pytest.fixture
def issue() -> Issue:
    """A draft of two stories, whose clicks are counted."""
    User.objects.create_user("ada@courier.example")
    newsletter = make_newsletter(publication=make_publication(tracking="aggregate"))
    issue = make_issue(newsletter, state="draft", slot=NOON.replace(year=2099))
    for title in ("Dredging vote", "Forty seals"):
        make_story(issue, title=title)
    return issue


def test_an_experiment_is_set_shown_and_removed(digest: Digest, issue: Issue) -> None:
    """Stories are named by their positions, as in `digest issue show`."""
    assert "has no experiment" in digest("experiment", "show", issue.pk).err
    out = digest("experiment", "set", issue.pk, "--lead", 2, "--share", 30, *ADA).out
    assert "30 % of the subscribers, 2 hours" in out
    assert "  0  Dredging vote" in out
    assert "  1  Forty seals" in out
    assert Experiment.objects.get().leads == [issue.stories.get(position=1).pk]
    values = json.loads(digest("experiment", "show", issue.pk, "--json").out)
    assert (values["kind"], values["decides_at"]) == ("leads", None)
    digest("experiment", "set", issue.pk, "--subject", "Seals", "--subject", "Vote", *ADA)
    assert Experiment.objects.get().subjects == ["Seals", "Vote"]
    assert "tries nothing" in digest("experiment", "remove", issue.pk, *ADA).out
    assert not Experiment.objects.exists()


def test_what_cannot_be_set(digest: Digest, issue: Issue) -> None:
    """The error says what to change."""
    assert "has no story 7" in digest("experiment", "set", issue.pk, "--lead", 7, *ADA).err
    assert "tested anyway" in digest("experiment", "set", issue.pk, "--lead", 1, *ADA).err
    assert "There is no issue 999" in digest("experiment", "show", 999).err
    stranger = ("--as", "nobody@courier.example")
    assert "no account" in digest("experiment", "set", issue.pk, "--subject", "A", *stranger).err


def test_a_running_one_is_ended(digest: Digest, issue: Issue) -> None:
    """The rest gets the variant that was named."""
    assert "No experiment" in digest("experiment", "end", issue.pk, 1, *ADA).err
    Experiment.objects.create(
        issue=issue, subjects=["Seals"], share=50, minutes=60, decides_at=NOON
    )
    Issue.objects.filter(pk=issue.pk).update(state="sending", planned_at=NOON)
    out = digest("experiment", "end", issue.pk, 1, *ADA).out
    assert "Ended early on" in out
    assert "  1  Seals: 0 of 0 clicked, best with 50.0 %, winner" in out
