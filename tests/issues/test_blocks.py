"""Blocks of an issue: added, changed, moved, hidden, removed; and each change undone and redone."""

from datetime import timedelta
from typing import Any

import pytest

from digest.accounts.models import User
from digest.issues import approval, block_editing, building, editing, history, retracting
from digest.issues.errors import EditConflictError, IssueError
from digest.issues.models import Issue
from digest.newsletters import layout
from digest.newsletters.choices import BlockKind
from digest.newsletters.errors import NewsletterError
from digest.sending import archiving
from digest.sending.compiling import compiled_for
from digest.subscribers.segments import saving
from tests.cast.articles import make_article, make_source
from tests.cast.issues import make_issue, make_story
from tests.cast.newsletters import make_appeal, make_layout_block, make_newsletter
from tests.clock import NOON

pytestmark = pytest.mark.django_db
State = Issue.State


def note(text: str) -> dict[str, object]:
    """A rich text document of one paragraph."""
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
    return {"type": "doc", "content": [paragraph]}


@pytest.fixture
def issue() -> Issue:
    """A draft with a lead and two more stories."""
    issue = make_issue(make_newsletter(), state=State.DRAFT)
    for number in range(3):
        make_story(issue, title=f"Story {number}", article=make_article())
    return issue


def content(issue: Issue) -> list[tuple[str, str, list[str]]]:
    """Kind, title and headlines of each block, in order."""
    return [
        (block.kind, block.title, [story.title for story in block.stories.all()])
        for block in issue.blocks.order_by("position")
    ]


def mail(issue: Issue) -> str:
    """The HTML of the issue as it is now."""
    return compiled_for(Issue.objects.get(pk=issue.pk)).html()


# --- building --------------------------------------------------------------------------


def test_an_issue_begins_with_the_blocks_of_the_layout() -> None:
    """With their content, in their order; without an appeal where none is running."""
    newsletter = make_newsletter()
    make_article(make_source(newsletter), title="Only")
    content_of_note = {"document": note("Good morning."), "author": "Ada"}
    layout.add(newsletter, BlockKind.NOTE, "From the editor", content=content_of_note)
    issue = building.build(newsletter, NOON, NOON)
    assert content(issue) == [
        ("lead", "", ["Only"]),
        ("latest", "Latest Stories", []),
        ("note", "From the editor", []),
    ]
    assert "Good morning." in mail(issue)


def test_each_appeal_block_shows_another_appeal() -> None:
    """And a third block is left out where two are running."""
    newsletter = make_newsletter()
    make_article(make_source(newsletter))
    for heading in ("One", "Two"):
        make_appeal(newsletter.publication, heading=heading)
        make_layout_block(newsletter, kind=BlockKind.APPEAL)
    issue = building.build(newsletter, NOON, NOON)
    assert [appeal.heading for appeal in approval.appeals_of(issue)] == ["One", "Two"]
    assert issue.blocks.filter(kind=BlockKind.APPEAL).count() == 2


def test_a_block_takes_stories_of_its_sources() -> None:
    """The others are for the other blocks."""
    newsletter = make_newsletter()
    wire, own = make_source(newsletter), make_source(newsletter)
    make_article(wire, title="Wire")
    make_article(own, title="Own")
    newsletter.layout.filter(kind=BlockKind.LATEST).update(source_ids=[own.pk])
    issue = building.build(newsletter, NOON, NOON)
    assert content(issue)[0] == ("lead", "", ["Own"])
    assert issue.left_out[0]["reason"] == "No block takes it."


# --- changing --------------------------------------------------------------------------


def test_a_note_is_added_where_it_was_wanted(issue: Issue, ada: User) -> None:
    """And is in the mail; an approval of the content before falls."""
    block = block_editing.add(
        issue, ada, BlockKind.NOTE, 0, title="Hello", content={"document": note("From us.")}
    )
    assert block.position == 0
    assert [kind for kind, *_ in content(issue)] == ["note", "lead", "latest"]
    assert [story.position for story in issue.stories.all()] == [0, 1, 2]
    assert "From us." in mail(issue)


@pytest.mark.parametrize(
    ("kind", "values", "problem"),
    [
        ("latest", {}, "cannot be added|can be added"),
        ("note", {"content": {"url": "https://a.example"}}, "has no 'url'"),
        ("note", {"content": {"document": "text"}}, "JSON object"),
        ("link", {"content": {"url": "javascript:alert(1)"}}, "web address"),
        ("image", {"content": {"picture": "../../etc"}}, "picture"),
        ("text", {"style": "neon"}, "style"),
        ("text", {"shown_in": "print"}, "mail and web"),
        ("text", {"title": "x" * 201}, "200 characters"),
        ("text", {"kind_of": 1}, "has no"),
    ],
)
def test_what_cannot_be_is_refused(
    issue: Issue, ada: User, kind: str, values: dict[str, Any], problem: str
) -> None:
    """With a sentence that says why; nothing is stored."""
    before = content(issue)
    with pytest.raises((IssueError, NewsletterError), match=problem):
        block_editing.add(issue, ada, kind, **values)
    assert content(issue) == before


def test_a_sponsor_runs_where_it_was_sold(issue: Issue, ada: User) -> None:
    """One for other newsletters is refused; a block that has one already can still be changed."""
    publication = issue.newsletter.publication
    other = make_newsletter(slug="other", publication=publication)
    sponsor = make_appeal(publication, kind="sponsor")
    sponsor.newsletters.add(other)
    block = block_editing.add(issue, ada, BlockKind.SPONSOR)
    with pytest.raises(IssueError, match="limited to other newsletters"):
        block_editing.add(issue, ada, BlockKind.SPONSOR, appeal=sponsor)
    with pytest.raises(IssueError, match="limited to other newsletters"):
        block_editing.change(issue, block.pk, block.version, ada, appeal=sponsor)
    sponsor.newsletters.add(issue.newsletter)
    block = block_editing.change(issue, block.pk, block.version, ada, appeal=sponsor)
    sponsor.newsletters.set([other])
    block = block_editing.change(issue, block.pk, block.version, ada, title="Thanks to")
    assert (block.appeal, block.title) == (sponsor, "Thanks to")


def test_a_sponsor_is_not_shown_as_an_appeal(issue: Issue, ada: User) -> None:
    """It would have no label; nor the other way round."""
    sponsor = make_appeal(issue.newsletter.publication, kind="sponsor")
    with pytest.raises(IssueError, match="for one of sponsors"):
        block_editing.add(issue, ada, BlockKind.APPEAL, appeal=sponsor)
    block = block_editing.add(issue, ada, BlockKind.SPONSOR, appeal=sponsor)
    assert block.appeal == sponsor


def test_two_editors_of_one_block(issue: Issue, ada: User, ben: User) -> None:
    """Who was slower is told so; who edits another block is not in the way."""
    block = block_editing.add(issue, ada, BlockKind.NOTE)
    other = block_editing.add(issue, ada, BlockKind.TEXT)
    block_editing.change(issue, block.pk, 1, ada, content={"document": note("Ada's")})
    block_editing.change(issue, other.pk, 1, ben, content={"document": note("Ben's")})
    with pytest.raises(EditConflictError, match="this block"):
        block_editing.change(issue, block.pk, 1, ben, content={"document": note("Overtaken")})
    assert "Ada&#39;s" in mail(issue) or "Ada's" in mail(issue)
    assert "Overtaken" not in mail(issue)


def test_a_hidden_block_stays_and_is_in_no_mail(issue: Issue, ada: User) -> None:
    """Its stories are not counted as sent either."""
    latest = issue.blocks.get(kind=BlockKind.LATEST)
    block_editing.hide(issue, latest.pk, ada, hidden=True)
    assert "Story 1" not in mail(issue)
    assert "Story 0" in mail(issue)
    block_editing.hide(issue, latest.pk, ada, hidden=False)
    assert "Story 1" in mail(issue)


def test_a_removed_block_leaves_its_stories_among_those_left_out(issue: Issue, ada: User) -> None:
    """The last stories of an issue cannot go."""
    lead, latest = issue.blocks.order_by("position")
    block_editing.remove(issue, latest.pk, ada)
    issue.refresh_from_db()
    assert [left["title"] for left in issue.left_out] == ["Story 1", "Story 2"]
    with pytest.raises(IssueError, match="only stories"):
        block_editing.remove(issue, lead.pk, ada)


def test_a_story_goes_to_the_block_of_its_topic(ada: User) -> None:
    """At its end; it neither leads nor changes the subject."""
    newsletter = make_newsletter()
    make_layout_block(newsletter, kind=BlockKind.TOPIC, title="Sea", topics=["harbour"])
    source = make_source(newsletter)
    make_article(source, title="Leads", published_at=NOON - timedelta(minutes=1))
    make_article(source, title="At sea", section="Harbour")
    issue = building.build(newsletter, NOON, NOON)
    subject = compiled_for(issue).subject
    added = make_article(title="Seals", section="Harbour", publication_id=newsletter.publication_id)
    story = editing.add(issue, None, added, ada)
    assert story.block.title == "Sea"
    assert story.topics == ["Sea"]
    assert compiled_for(Issue.objects.get(pk=issue.pk)).subject == subject
    plain = make_article(title="Plain", publication_id=newsletter.publication_id)
    assert editing.add(issue, None, plain, ada).block.title == "Latest Stories"


# --- undoing ---------------------------------------------------------------------------


def test_changes_are_undone_and_made_again(issue: Issue, ada: User) -> None:
    """Step by step to the beginning and back, with the same ids."""
    first = content(issue)
    stories = dict(issue.stories.values_list("pk", "uuid"))
    lead, latest = issue.blocks.order_by("position")
    block_editing.add(issue, ada, BlockKind.NOTE, 0, content={"document": note("Hello")})
    editing.move(issue, None, lead.stories.get().pk, latest.pk, 2, ada)
    last = content(issue)
    issue.refresh_from_db()
    assert history.steps(issue) == ("Move story", "")
    assert editing.undo(issue, issue.revision, ada) == "Move story"
    issue.refresh_from_db()
    assert editing.undo(issue, issue.revision, ada) == "Add Editor's note"
    issue.refresh_from_db()
    assert content(issue) == first
    assert dict(issue.stories.values_list("pk", "uuid")) == stories
    with pytest.raises(IssueError, match="nothing to undo"):
        editing.undo(issue, issue.revision, ada)
    for _step in range(2):
        issue.refresh_from_db()
        editing.redo(issue, issue.revision, ada)
    assert content(issue) == last
    issue.refresh_from_db()
    with pytest.raises(IssueError, match="nothing to redo"):
        editing.redo(issue, issue.revision, ada)


def test_a_new_change_ends_what_could_be_made_again(issue: Issue, ada: User) -> None:
    """As in every editor."""
    issue = editing.change_texts(issue, None, ada, subject="One")
    editing.undo(issue, issue.revision, ada)
    block_editing.add(issue, ada, BlockKind.DIVIDER)
    issue.refresh_from_db()
    assert history.steps(issue) == ("Add Divider", "")
    assert issue.own_subject == ""


def test_writing_is_one_step(issue: Issue, ada: User, ben: User) -> None:
    """What one editor saves again and again is undone at once; a colleague's change is another."""
    block = block_editing.add(issue, ada, BlockKind.NOTE)
    for version, text in enumerate(("G", "Go", "Good"), 1):
        block_editing.change(issue, block.pk, version, ada, content={"document": note(text)})
    block_editing.change(issue, block.pk, 4, ben, content={"document": note("Better")})
    issue.refresh_from_db()
    editing.undo(issue, issue.revision, ben)
    assert "Good" in mail(issue)
    issue.refresh_from_db()
    editing.undo(issue, issue.revision, ada)
    block.refresh_from_db()
    assert block.content == {}


def test_undoing_takes_an_approval_away(issue: Issue, ada: User) -> None:
    """What was approved is not what there is now."""
    issue.newsletter.approval = "one"
    issue.newsletter.save()
    issue = editing.change_texts(issue, None, ada, subject="Other")
    issue = approval.approve(issue, issue.revision, ada, NOON)
    editing.undo(issue, issue.revision, ada)
    issue.refresh_from_db()
    assert (issue.state, issue.approved_hash) == (State.DRAFT, "")


def test_a_withdrawn_article_stays_removed(issue: Issue, ada: User) -> None:
    """Not even by undoing what was done after it."""
    story = issue.stories.get(title="Story 1")
    assert story.article
    issue = editing.change_texts(issue, None, ada, subject="Mine")
    retracting.withdraw(story.article, "wrong", ada, NOON)
    for _step in range(2):
        issue.refresh_from_db()
        editing.undo(issue, issue.revision, ada)
    assert "Story 1" not in mail(issue)
    issue.refresh_from_db()
    assert [story.position for story in issue.stories.all()] == [0, 1]


def test_who_undoes_saw_the_issue_as_it_is(issue: Issue, ada: User, ben: User) -> None:
    """A colleague's change is not undone by accident."""
    issue = editing.change_texts(issue, None, ada, subject="Mine")
    block_editing.add(issue, ben, BlockKind.DIVIDER)
    with pytest.raises(EditConflictError):
        editing.undo(issue, issue.revision, ada)


def test_a_block_for_a_deleted_segment_is_not_restored(issue: Issue, ada: User) -> None:
    """Without its segment everybody would get it; undoing says so, and changes nothing."""
    donors = saving.create(issue.newsletter.publication, "Donors", {"rules": []}, NOON)
    block = block_editing.add(issue, ada, BlockKind.NOTE, segment=donors)
    block_editing.change(issue, block.pk, 1, ada, segment=None)
    saving.delete(donors)
    issue.refresh_from_db()
    with pytest.raises(IssueError, match="only for a segment that no longer exists"):
        editing.undo(issue, issue.revision, ada)
    block.refresh_from_db()
    assert block.segment is None
    assert history.steps(Issue.objects.get(pk=issue.pk))[0] == "Edit Editor's note"


def test_what_was_deleted_since_is_no_obstacle(issue: Issue, ada: User) -> None:
    """An appeal, an article, a block of the layout."""
    appeal = make_appeal(issue.newsletter.publication)
    block = block_editing.add(issue, ada, BlockKind.APPEAL, appeal=appeal)
    block_editing.remove(issue, block.pk, ada)
    appeal.delete()
    issue.refresh_from_db()
    editing.undo(issue, issue.revision, ada)
    assert issue.blocks.get(kind=BlockKind.APPEAL).appeal is None
    assert "Story 0" in mail(issue)


def test_revisions_of_old_issues_are_deleted(issue: Issue, ada: User) -> None:
    """With their deliveries, a month after they finished; not those of issues to come."""
    editing.change_texts(issue, None, ada, subject="Mine")
    archiving.archive_deliveries(NOON + timedelta(days=60))
    assert issue.history.count() == 2
    Issue.objects.update(state=State.SENT, finished_at=NOON)
    archiving.archive_deliveries(NOON + timedelta(days=60))
    assert issue.history.count() == 0
