"""`digest issue …`."""

import pytest
from pytest_django.fixtures import Settings

from digest.accounts.models import User
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.subscribers.segments import saving
from tests.cast.articles import make_article
from tests.cast.issues import make_issue, make_story
from tests.cast.newsletters import make_newsletter
from tests.cast.subscribers import make_subscriber
from tests.cli.conftest import Digest
from tests.clock import NOON

pytestmark = pytest.mark.django_db
State = Issue.State


@pytest.fixture
def issue(settings: Settings) -> Issue:
    """A draft of two stories that somebody has to approve."""
    settings.DIGEST_SMTP_URL = "smtp://127.0.0.1:1"
    User.objects.create_user("ada@courier.example")
    issue = make_issue(
        make_newsletter(slug="tide", approval="one"),
        state=State.DRAFT,
        slot=NOON.replace(year=2099),
    )
    for title in ("First", "Second"):
        make_story(issue, title=title, article=make_article())
    make_subscriber(issue.newsletter)
    return issue


def test_an_issue_is_checked_approved_sent_and_held_back(digest: Digest, issue: Issue) -> None:
    """Each step says what comes next."""
    result = digest("issue", "check", issue.pk, "--offline")
    assert (result.status, "All checks passed." in result.out) == (0, True)
    assert "2 stories, published and each once" in result.out
    early = digest("issue", "send", issue.pk, "--yes")
    assert (early.status, "approved first" in early.err) == (1, True)
    assert "2099" in digest("issue", "approve", issue.pk, "--as", "Ada@courier.example").out
    assert f"digest issue undo {issue.pk}" in digest("issue", "send", issue.pk, "--yes").out
    assert "nobody has received it" in digest("issue", "undo", issue.pk).out
    past = digest("issue", "send", issue.pk, "--yes", "--at", "2026-01-01T00:00Z")
    assert "Choose a time" in past.err
    assert f"digest issue restore {issue.pk}" in digest("issue", "skip", issue.pk).out
    issue.refresh_from_db()
    assert issue.state == State.SKIPPED
    assert "scheduled again" in digest("issue", "restore", issue.pk).out
    assert "is a draft" in digest("issue", "unschedule", issue.pk).out
    issue.refresh_from_db()
    assert (issue.state, issue.on_hold) == (State.DRAFT, True)
    digest("issue", "skip", issue.pk)
    assert "issue send" in digest("issue", "restore", issue.pk).out


def test_a_check_that_stops_says_so_in_its_status(digest: Digest, issue: Issue) -> None:
    """For scripts."""
    issue.stories.all().delete()
    result = digest("issue", "check", issue.pk, "--offline", "--json")
    assert result.status == 1
    assert (result.json["ready"], result.json["findings"][0]["level"]) == (False, "stop")


def test_a_story_is_taken_back_by_its_place(digest: Digest, issue: Issue) -> None:
    """As `issue show` numbers them."""
    assert "without “Second”" in digest("issue", "retract", issue.pk, 2, "--note", "Wrong.").out
    assert issue.stories.get(title="Second").retraction == "Wrong."
    assert "no story 3" in digest("issue", "retract", issue.pk, 3).err


def test_an_issue_is_created_manually(digest: Digest, issue: Issue) -> None:
    """Of chosen stories; by somebody with an account."""
    article = make_article(title="The dam breaks")
    author = ("--as", "ada@courier.example")
    result = digest("issue", "create", "tide", "--article", article.url, *author, "--json")
    started = Issue.objects.get(pk=result.json["id"])
    assert (started.state, started.kind) == (State.DRAFT, "manual")
    assert started.stories.get().title == "The dam breaks"
    assert (
        "no topic called Sky"
        in digest(
            "issue", "create", "tide", "--article", article.url, "--topic", "Sky", *author
        ).err
    )
    refused = digest("issue", "create", "tide", "--as", "eve@courier.example")
    assert "There is no account" in refused.err


def test_it_says_whom_an_issue_is_for(digest: Digest, issue: Issue) -> None:
    """A segment and topics, for people and as JSON."""
    issue.segment = saving.create(issue.newsletter.publication, "Donors", {"rules": []}, NOON)
    issue.only_topics = ["Coast", "Sky"]
    issue.save()
    text = " ".join(digest("issue", "show", issue.pk).out.split())
    assert "subscribers of the segment “Donors” who chose Coast or Sky" in text
    values = digest("issue", "show", issue.pk, "--json").json
    assert (values["segment"], values["topics"]) == ("Donors", ["Coast", "Sky"])


@pytest.mark.parametrize(
    ("text", "arguments"), [("soon", "use a time like"), ("2099-01-01", "zone")]
)
def test_a_time_names_its_zone(digest: Digest, issue: Issue, text: str, arguments: str) -> None:
    """Or it is asked for."""
    assert arguments in digest("issue", "send", issue.pk, "--yes", "--at", text).err


def test_a_newsletter_has_a_review(digest: Digest, issue: Issue) -> None:
    """Who approves, how long before, and how long it can be undone."""
    options = ("--approval", "other", "--review", 90, "--undo", 60)
    result = digest("newsletter", "set", "tide", *options)
    assert "90 minutes before" in result.out
    row = Newsletter.objects.get(slug="tide")
    assert (row.approval, row.review_minutes, row.undo_seconds) == ("other", 90, 60)
    values = digest("newsletter", "show", "tide", "--json").json
    assert (values["approval"], values["review_minutes"]) == ("other", 90)
    assert digest("newsletter", "set", "tide", "--undo", 999_999).status != 0
