"""Which links to articles popularity counts as shown, and in how many mails."""

from datetime import timedelta

import pytest

from digest.accounts.models import User
from digest.analytics.popularity.recent_showings import showings
from digest.analytics.popularity.showing import Showing
from digest.analytics.popularity.tested_leads import StoryLink, shares_of_links
from digest.analytics.statistics.issues import issue_report
from digest.issues.experiments import variants
from digest.issues.experiments.models import Experiment
from digest.issues.models import Issue, Story, TrackedLink
from digest.newsletters.choices import ShownIn
from digest.sending.compiling import compiled_for
from digest.sending.models import Delivery, Tally
from tests.cast.articles import make_article
from tests.cast.issues import make_block, make_issue, make_story
from tests.cast.newsletters import make_newsletter, make_publication
from tests.clock import NOON

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def issue() -> Issue:
    """An issue of an hour ago, with three stories, that nobody has yet."""
    newsletter = make_newsletter(publication=make_publication(tracking="aggregate"))
    issue = make_issue(newsletter, slot=NOON - HOUR)
    for _ in range(3):
        make_story(issue, article=make_article())
    return issue


def stories_of(issue: Issue) -> list[Story]:
    """Its stories, in their order."""
    return list(issue.stories.order_by("position"))


def compile_again(issue: Issue) -> Issue:
    """Compile the issue as it is now, as a preview does; return it."""
    row = Issue.objects.select_related("newsletter__publication").get(pk=issue.pk)
    compiled_for(row)
    return row


def go_out(issue: Issue, mails: int = 1000) -> None:
    """Let so many subscribers have received it."""
    compile_again(issue)
    Issue.objects.update(state=Issue.State.SENT, planned_at=NOON - HOUR)
    Tally.objects.create(issue_id=issue.pk, state=Delivery.State.SENT, deliveries=mails)


def rows_of(issue: Issue) -> list[Showing]:
    """What popularity sees, by position."""
    rows = showings(issue.newsletter.publication, NOON)
    return sorted(rows, key=lambda row: (row.position, row.article_id))


def test_a_story_of_a_draft_was_not_shown(issue: Issue) -> None:
    """A preview has stored its link; it is neither a showing nor a row of the statistics."""
    first, removed, last = stories_of(issue)
    compile_again(issue)
    Story.objects.filter(pk=removed.pk).delete()
    go_out(issue)
    assert [row.article_id for row in rows_of(issue)] == [first.article_id, last.article_id]
    report = issue_report(compile_again(issue), NOON)
    assert {row.link.story_id for row in report.links} == {first.pk, last.pk}
    path = TrackedLink.objects.get(story_id=removed.pk)  # a proof may have it
    assert not path.in_mail


def test_a_story_that_comes_back_was_shown(issue: Issue) -> None:
    """With the same link as before it was removed."""
    story = stories_of(issue)[1]
    compile_again(issue)
    Story.objects.filter(pk=story.pk).delete()
    compile_again(issue)
    story.save(force_insert=True)
    go_out(issue)
    assert len(rows_of(issue)) == 3
    assert TrackedLink.objects.get(story_id=story.pk).in_mail


def test_a_story_that_is_retracted_later_was_shown(issue: Issue) -> None:
    """Mails that have left have it, whatever is compiled for the others."""
    story = stories_of(issue)[1]
    go_out(issue)
    Story.objects.filter(pk=story.pk).update(retracted_at=NOON)
    Issue.objects.update(revision=2)
    compile_again(issue)
    assert story.article_id in {row.article_id for row in rows_of(issue)}


def test_what_no_mail_has_was_not_shown(issue: Issue) -> None:
    """A block of the web version, and a story for which the mail had no room."""
    first, second, third = stories_of(issue)
    web = make_block(issue, "picked", title="More", shown_in=ShownIn.WEB)
    Story.objects.filter(pk=second.pk).update(block=web)
    go_out(issue)
    Story.objects.filter(pk=third.pk).update(left_out=True)
    assert [row.article_id for row in rows_of(issue)] == [first.article_id]
    links = issue_report(compile_again(issue), NOON).links
    assert [row.link.story_id for row in links] == [first.pk]


@pytest.mark.parametrize(
    ("decided", "winner", "tested", "usual"),
    [(False, None, 500, 500), (True, 1, 900, 100), (True, 0, 100, 900)],
)
def test_a_tested_lead_is_shown_in_two_places(
    issue: Issue,
    decided: bool,  # noqa: FBT001
    winner: int | None,
    tested: float,
    usual: float,
) -> None:
    """In each as many mails as had it there: of those until now, or of the test and the rest."""
    first, second, third = stories_of(issue)
    editor = User.objects.create_user("ed@courier.example", password="a long one, for tests")
    variants.save(issue, None, editor, leads=[third.pk], share=20, minutes=60)
    go_out(issue)
    Experiment.objects.update(decides_at=NOON, decided_at=NOON if decided else None, winner=winner)
    rows = [(row.article_id, row.position, round(row.mails)) for row in rows_of(issue)]
    assert rows == [
        (first.article_id, 0, usual),
        (third.article_id, 0, tested),
        (second.article_id, 1, 1000),
        (first.article_id, 2, tested),
        (third.article_id, 2, usual),
    ]


def test_two_tested_leads_of_one_block() -> None:
    """The first story stands in that block for both; one in its own block has a single link."""
    links = [
        StoryLink(1, story_id=10, block_id=1, own_block_id=1),
        StoryLink(2, story_id=20, block_id=1, own_block_id=2),
        StoryLink(3, story_id=30, block_id=1, own_block_id=2),
        StoryLink(4, story_id=20, block_id=2, own_block_id=2),
        StoryLink(5, story_id=30, block_id=2, own_block_id=2),
        StoryLink(6, story_id=10, block_id=2, own_block_id=1),
        StoryLink(7, story_id=40, block_id=2, own_block_id=2),
    ]
    shares = shares_of_links(links, [20, 30], [0.2, 0.5, 0.3])
    assert shares == pytest.approx({1: 0.2, 2: 0.5, 3: 0.3, 4: 0.5, 5: 0.7, 6: 0.8})
