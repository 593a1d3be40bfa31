"""An issue of one whole article, as for breaking news."""

from typing import Any

import pytest
from django.db.models import QuerySet

from digest.accounts.models import User
from digest.articles.models import Article
from digest.core.rich_text import RichTextError, plain_text
from digest.issues import block_editing, creating, editing, history, retracting, skipping
from digest.issues.errors import IssueError
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.rendering.compiled import Compiled
from digest.sending.compiling import compiled_for
from tests.cast import NOON, make_article, make_source

pytestmark = pytest.mark.django_db
BODY = (
    "<p>The ferry <b>stopped</b> at noon. Nobody was hurt.</p><h2>Why</h2>"
    '<p>See <a href="https://harbour.example/log">the log</a>.</p><img src="https://x.example/a.png">'
)


@pytest.fixture
def ada() -> User:
    """An editor."""
    return User.objects.create_user("ada@courier.example")


@pytest.fixture
def ferry(tide: Newsletter) -> Article:
    """An article with its text; its summary is how the text begins."""
    source = make_source(tide)
    make_article(source, title="Something else")
    return make_article(
        source, title="Ferry stopped", summary="The ferry stopped at noon. Nobody…", body_html=BODY
    )


def create(tide: Newsletter, ada: User, *articles: Article, key: str = "k") -> Issue:
    """Create an issue of a whole article."""
    return creating.create_issue(tide, key, ada, NOON, articles=articles, whole=True)


def mail(issue: Issue) -> Compiled:
    """The issue's mail."""
    return compiled_for(issue)


def test_the_mail_has_the_whole_text_and_nothing_else(
    tide: Newsletter, ada: User, ferry: Article
) -> None:
    """Headline with a link, then the text, whose links stay; no appeal, no other story."""
    issue = create(tide, ada, ferry)
    assert (issue.state, issue.send_at, issue.left_out) == ("draft", None, [])
    lead, text = issue.blocks.order_by("position")
    assert (lead.kind, text.kind) == ("lead", "text")
    story = issue.stories.get()
    assert (story.article, story.block, story.summary) == (ferry, lead, "")
    assert plain_text(text.content["document"]).startswith("The ferry stopped at noon.")
    html = mail(issue).html()
    assert "<strong" in html
    assert "https://harbour.example/log" in html
    assert "x.example" not in html
    assert "Something else" not in html
    assert "Ferry stopped" in mail(issue).subject


def test_a_summary_of_its_own_stays(tide: Newsletter, ada: User, ferry: Article) -> None:
    """It says something that the text does not begin with."""
    Article.objects.filter(pk=ferry.pk).update(summary="Boats are at the quay.")
    ferry.refresh_from_db()
    assert create(tide, ada, ferry).stories.get().summary == "Boats are at the quay."


def test_it_is_created_once_for_each_request(tide: Newsletter, ada: User, ferry: Article) -> None:
    """And can be retracted like any other: an issue of nothing else is skipped."""
    issue = create(tide, ada, ferry)
    assert create(tide, ada, ferry) == issue
    retracting.withdraw(ferry, "", ada, NOON)
    issue.refresh_from_db()
    assert issue.state == "skipped"


def with_another_story(tide: Newsletter, ada: User, ferry: Article) -> Issue:
    """An issue of a whole article, below which an editor put one more story."""
    issue = create(tide, ada, ferry)
    other = make_article(make_source(tide), title="Seals return")
    editing.add(issue, None, other, ada)
    issue.refresh_from_db()
    assert "Nobody was hurt" in mail(issue).html()
    return issue


@pytest.mark.parametrize("state", ["draft", "built", "sending", "paused"])
@pytest.mark.parametrize("scope", ["everywhere", "this issue"])
def test_its_text_is_taken_back_with_it(
    tide: Newsletter, ada: User, ferry: Article, state: str, scope: str
) -> None:
    """Whatever the issue's state: the other story alone is mailed, and undoing changes nothing."""
    issue = with_another_story(tide, ada, ferry)
    planned_at = NOON if state in ("sending", "paused") else None
    Issue.objects.filter(pk=issue.pk).update(state=state, planned_at=planned_at)
    issue.refresh_from_db()
    if scope == "everywhere":
        retracting.withdraw(ferry, "Wrong.", ada, NOON)
    else:
        retracting.retract(issue, issue.stories.get(article=ferry).pk, "Wrong.", NOON, ada)
    issue.refresh_from_db()
    html = mail(issue).html()
    assert "Nobody was hurt" not in html
    assert "Seals return" in html
    if planned_at is None:
        text = issue.blocks.get(article=ferry)
        with pytest.raises(IssueError, match="was retracted"):
            block_editing.hide(issue, text.pk, ada, hidden=False)
        while history.steps(issue)[0]:
            editing.undo(issue, issue.revision, ada)
            issue.refresh_from_db()
        assert issue.blocks.get(article=ferry).hidden


def test_its_text_stays_hidden_where_a_skipped_issue_is_restored(
    tide: Newsletter, ada: User, ferry: Article
) -> None:
    """It was retracted meanwhile."""
    issue = with_another_story(tide, ada, ferry)
    skipping.skip(issue, NOON)
    retracting.withdraw(ferry, "Wrong.", ada, NOON)
    restored = skipping.restore(issue, NOON)
    assert "Nobody was hurt" not in mail(restored).html()


@pytest.mark.parametrize("state", ["sent", "cancelled"])
def test_an_issue_that_is_over_is_not_paused(
    tide: Newsletter, ada: User, ferry: Article, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    """It ended after the retraction had looked for issues, and before it changed this one."""
    issue = create(tide, ada, ferry)
    lock = QuerySet.select_for_update

    def lock_late(rows: QuerySet[Issue], **options: Any) -> QuerySet[Issue]:
        Issue.objects.filter(pk=issue.pk).update(state=state, planned_at=NOON, finished_at=NOON)
        return lock(rows, **options)

    monkeypatch.setattr(QuerySet, "select_for_update", lock_late)
    retracting.withdraw(ferry, "Wrong.", ada, NOON)
    issue.refresh_from_db()
    assert (issue.state, issue.finished_at, issue.reason) == (state, NOON, "")


def test_only_one_article_with_a_text_can_be_sent_whole(
    tide: Newsletter, ada: User, ferry: Article
) -> None:
    """The error says what else can be done."""
    other = make_article(make_source(tide))
    with pytest.raises(IssueError, match="name one article"):
        create(tide, ada, ferry, other)
    with pytest.raises(IssueError, match="headline and summary"):
        create(tide, ada, other)
    long = make_article(make_source(tide), body_html=f"<p>{'word ' * 11_000}</p>")
    with pytest.raises(RichTextError, match="too long"):
        create(tide, ada, long)
    assert not Issue.objects.exists()
