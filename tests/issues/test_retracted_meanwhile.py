"""An article that is retracted at the moment at which an editor puts it into an issue."""

from threading import Event
from time import sleep
from typing import Any

import pytest

from digest.accounts.models import User
from digest.articles import storing
from digest.articles.models import Article
from digest.issues import block_editing, building, composing, editing, history, pictures, retracting
from digest.issues.errors import IssueError
from digest.issues.models import Issue
from tests.cast.articles import make_article, make_source
from tests.cast.issues import make_block, make_issue, make_story
from tests.cast.newsletters import make_newsletter
from tests.clock import NOON
from tests.concurrency import run_at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada() -> User:
    """An editor."""
    return User.objects.create_user("ada@courier.example")


@pytest.fixture
def issue() -> Issue:
    """A draft with two stories."""
    issue = make_issue(make_newsletter(approval="one"), state="draft")
    for number in range(2):
        make_story(issue, title=f"Story {number}", article=make_article())
    return issue


def hold(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> Event:
    """Let a function of a module take its time; return what is set when it is called."""
    called, function = Event(), getattr(module, name)

    def slow(*args: Any, **options: Any) -> Any:
        called.set()
        sleep(0.5)
        return function(*args, **options)

    monkeypatch.setattr(module, name, slow)
    return called


def withdraw_when(called: Event, article: Article, by: User) -> None:
    """Retract an article everywhere while that function runs."""
    assert called.wait(10)
    retracting.withdraw(Article.objects.get(pk=article.pk), "Wrong.", by, NOON)


def test_what_is_added_meanwhile_is_taken_out_again(
    monkeypatch: pytest.MonkeyPatch, issue: Issue, ada: User
) -> None:
    """The retraction waits until the story is stored, and finds it."""
    article = make_article(make_source(issue.newsletter))
    called = hold(monkeypatch, pictures, "assign")
    run_at_once(
        lambda: editing.add(issue, None, article, ada) and None,
        lambda: withdraw_when(called, article, ada),
    )
    assert Article.objects.get(pk=article.pk).retracted_at is not None
    assert not issue.stories.filter(article=article).exists()
    assert issue.stories.count() == 2


def test_what_an_undo_puts_back_meanwhile_is_taken_out_again(
    monkeypatch: pytest.MonkeyPatch, issue: Issue, ada: User
) -> None:
    """So nothing that was retracted comes back by way of the history."""
    story = issue.stories.earliest("pk")
    assert story.article is not None
    article = story.article
    removed = editing.remove(issue, None, story.pk, ada)
    called = hold(monkeypatch, history, "undo")
    run_at_once(
        lambda: editing.undo(removed, removed.revision, ada) and None,
        lambda: withdraw_when(called, article, ada),
    )
    assert not issue.stories.filter(article=article).exists()


def test_a_retracted_article_is_not_added(issue: Issue, ada: User) -> None:
    """The page that it was chosen on was older."""
    stale = make_article(make_source(issue.newsletter))
    storing.retract(Article.objects.get(pk=stale.pk), NOON)
    with pytest.raises(IssueError, match="was retracted"):
        editing.add(issue, None, stale, ada)
    assert issue.stories.count() == 2


def test_a_refresh_leaves_out_what_was_retracted_since_it_read(
    monkeypatch: pytest.MonkeyPatch, ada: User
) -> None:
    """Nobody looks at the article again after that."""
    newsletter = make_newsletter(approval="one")
    source = make_source(newsletter)
    make_article(source, title="Right")
    issue = building.build(newsletter, NOON, NOON)
    wrong = make_article(source, title="Wrong")

    def compose(*args: Any, **options: Any) -> composing.Draft:
        draft = composing.compose(*args, **options)
        assert len(draft.stories) == 2
        storing.retract(Article.objects.get(pk=wrong.pk), NOON)
        return draft

    monkeypatch.setattr(editing, "compose", compose)
    editing.refresh(issue, None, ada, NOON)
    assert list(issue.stories.values_list("title", flat=True)) == ["Right"]


def test_the_text_of_a_retracted_article_stays_hidden(issue: Issue, ada: User) -> None:
    """However old the page is on which somebody shows it again."""
    article = make_article(make_source(issue.newsletter))
    block = make_block(issue, kind="text", article=article, hidden=True)
    block_editing.hide(issue, block.pk, ada, hidden=False)
    storing.retract(Article.objects.get(pk=article.pk), NOON)
    block_editing.hide(issue, block.pk, ada, hidden=True)
    with pytest.raises(IssueError, match="Restore it first"):
        block_editing.hide(issue, block.pk, ada, hidden=False)
