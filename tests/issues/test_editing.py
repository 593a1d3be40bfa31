"""Drafts: what can be changed before an issue goes out, who approves it, and when it goes."""

import os
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from digest.accounts.models import User
from digest.issues import (
    approval,
    block_editing,
    building,
    creating,
    editing,
    retracting,
    scheduling,
    skipping,
)
from digest.issues.errors import ApprovalError, EditConflictError, IssueError
from digest.issues.models import Issue
from digest.newsletters.choices import BlockKind
from digest.newsletters.models import Newsletter
from digest.sending import control, planning, sender
from digest.sending.compiling import compiled_for
from digest.sending.models import AnyDelivery, Delivery
from digest.sending.public_archive import render_issue
from digest.sending.segmentation import segmentation_of
from tests.cast.articles import make_article, make_source
from tests.cast.issues import make_block, make_issue, make_running, make_story
from tests.cast.newsletters import (
    make_appeal,
    make_layout_block,
    make_newsletter,
    make_publication,
    make_schedule,
)
from tests.cast.subscribers import make_subscriber
from tests.clock import NOON
from tests.concurrency import run_at_once
from tests.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db
State = Issue.State
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
TIMES = int(os.environ.get("DIGEST_PRESSES", "25"))  # more of them: a longer look for a race


@pytest.fixture
def issue() -> Issue:
    """An issue of three stories, a draft until seven tomorrow."""
    issue = make_issue(make_newsletter(approval="one"), state=State.DRAFT, slot=NOON + HOUR)
    for number in range(3):
        make_story(issue, title=f"Story {number}", article=make_article())
    return issue


def titles(issue: Issue) -> list[str]:
    """Headlines in order."""
    return list(issue.stories.order_by("position").values_list("title", flat=True))


def ids(issue: Issue) -> list[int]:
    """Stories' ids in order."""
    return list(issue.stories.order_by("position").values_list("pk", flat=True))


def blocks(issue: Issue) -> list[int]:
    """Blocks' ids in order."""
    return list(issue.blocks.order_by("position").values_list("pk", flat=True))


def mail_of(issue: Issue) -> str:
    """The HTML of an issue as it is now."""
    issue.refresh_from_db()
    return compiled_for(issue).html()


# --- changing --------------------------------------------------------------------------


def test_stories_are_put_into_another_order(issue: Issue, ada: User) -> None:
    """One at a time; what is put into the lead changes places with what led."""
    first, second, third = ids(issue)
    lead, latest = blocks(issue)
    issue = editing.move(issue, 1, third, latest, 0, ada)
    assert titles(issue) == ["Story 0", "Story 2", "Story 1"]
    issue = editing.move(issue, issue.revision, second, lead, 0, ada)
    assert titles(issue) == ["Story 1", "Story 2", "Story 0"]
    assert [story.block_id for story in issue.stories.all()] == [lead, latest, latest]
    assert issue.changed_by == ada
    assert compiled_for(issue).subject == "Story 1"
    assert first in ids(issue)


def test_a_place_that_is_not_there_is_refused(issue: Issue, ada: User) -> None:
    """A block of another issue, one without stories, a story of another issue."""
    first, *_ = ids(issue)
    other = make_issue(make_newsletter())
    foreign_story = make_story(other)
    divider = make_block(issue, BlockKind.DIVIDER)
    with pytest.raises(EditConflictError):
        editing.move(issue, 1, first, foreign_story.block_id, 0, ada)
    with pytest.raises(EditConflictError):
        editing.move(issue, 1, foreign_story.pk, blocks(issue)[0], 0, ada)
    with pytest.raises(IssueError, match="holds no stories"):
        editing.move(issue, 1, first, divider.pk, 0, ada)
    assert titles(issue) == ["Story 0", "Story 1", "Story 2"]


def test_who_was_slower_is_told_so(issue: Issue, ada: User, ben: User) -> None:
    """Two editors: the second saw another issue than the one there is."""
    first, *_ = ids(issue)
    editing.remove(issue, 1, first, ada)
    with pytest.raises(EditConflictError, match="Somebody else changed"):
        editing.change_texts(issue, 1, ben, subject="Mine")
    issue.refresh_from_db()
    assert (issue.own_subject, issue.revision) == ("", 2)


def test_the_own_subject_is_a_template(issue: Issue, ada: User) -> None:
    """In the mail it is what it stands for now; one that is too long is refused, not cut."""
    template = "Today: {{ stories[0].title }}"
    issue = editing.change_texts(issue, 1, ada, subject=template, preheader=template)
    mail = compiled_for(issue)
    assert (mail.subject, mail.preheader) == ("Today: Story 0", "Today: Story 0")
    with pytest.raises(IssueError, match="preview text has 250 characters at most"):
        editing.change_texts(issue, None, ada, preheader="x" * 251)


def test_a_dropped_story_can_be_restored(issue: Issue, ada: User) -> None:
    """It stands among those left out, with the reason, until then."""
    first, *_ = ids(issue)
    article = issue.stories.get(pk=first).article
    assert article is not None
    issue = editing.remove(issue, 1, first, ada)
    assert issue.left_out[0]["reason"] == "removed by an editor"
    editing.add(issue, 2, article, ada, to=0)
    issue.refresh_from_db()
    assert titles(issue) == ["Story 1", article.title, "Story 2"]
    assert issue.left_out == []
    with pytest.raises(IssueError, match="in this issue already"):
        editing.add(issue, 3, article, ada)


def test_words_are_changed_for_this_issue_alone(issue: Issue, ada: User) -> None:
    """The article keeps its own; what is sent are these; control characters are not words."""
    first, *_ = ids(issue)
    issue = editing.reword(
        issue, 1, first, {"title": "High\r\nwater\x00 \u202etoday", "summary": "Two.\nLines."}, ada
    )
    story = issue.stories.get(pk=first)
    assert (story.title, story.summary) == ("High water today", "Two.\nLines.")
    assert story.article is not None
    assert story.article.title != story.title
    assert "High water today" in compiled_for(issue).html()
    for texts in ({"title": " "}, {"title": "x" * 501}, {"image_url": "javascript:alert(1)"}):
        with pytest.raises(IssueError):
            editing.reword(issue, issue.revision, first, texts, ada)


def test_an_issue_has_a_subject_of_its_own(issue: Issue, ada: User) -> None:
    """And takes the newsletter's again."""
    issue = editing.change_texts(issue, 1, ada, subject="Only\ntoday", preheader="Look")
    assert compiled_for(issue).subject == "Only today"
    issue = editing.change_texts(
        issue,
        None,
        ada,
        subject="{{ stories | length }} stories",
        preheader="{{ newsletter.name }}",
    )
    mail = compiled_for(issue)
    assert (mail.subject, mail.preheader) == ("3 stories", "The Morning Tide")
    issue = editing.change_texts(issue, issue.revision, ada, subject="")
    assert compiled_for(issue).subject == "Story 0"


def test_an_issue_has_an_appeal_of_its_own(issue: Issue, ada: User) -> None:
    """In a block, which can be hidden or removed; never another publication's."""
    appeal = make_appeal(issue.newsletter.publication, heading="Help", url="https://help.example/")
    block = block_editing.add(issue, ada, BlockKind.APPEAL, appeal=appeal)
    assert "https://help.example/" in mail_of(issue)
    block_editing.hide(issue, block.pk, ada, hidden=True)
    assert "https://help.example/" not in mail_of(issue)
    block_editing.hide(issue, block.pk, ada, hidden=False)
    block_editing.remove(issue, block.pk, ada)
    assert "https://help.example/" not in mail_of(issue)
    appeal.publication = make_publication(slug="other")
    appeal.save()
    with pytest.raises(IssueError, match="another publication"):
        block_editing.add(issue, ada, BlockKind.APPEAL, appeal=appeal)


def test_a_refresh_keeps_what_is_pinned_or_reworded(ada: User) -> None:
    """And has what came in since."""
    newsletter = make_newsletter(approval="one")
    source = make_source(newsletter)
    old = make_article(source, title="Old", published_at=NOON - HOUR)
    issue = building.build(newsletter, NOON, NOON)
    assert titles(issue) == ["Old"]
    (remaining,) = ids(issue)
    issue = editing.reword(issue, 1, remaining, {"title": "Old, reworded"}, ada)
    make_article(source, title="New", published_at=NOON - MINUTE)
    issue = editing.refresh(issue, issue.revision, ada, NOON)
    assert titles(issue) == ["Old, reworded", "New"]
    assert issue.stories.filter(article=old).count() == 1
    assert issue.state == State.DRAFT


def test_what_goes_out_is_changed_no_more(ada: User) -> None:
    """The mails that left cannot be."""
    issue = make_running(1)
    with pytest.raises(IssueError, match="sending"):
        editing.change_texts(issue, issue.revision, ada, subject="Too late")


# --- approving -------------------------------------------------------------------------


def test_an_approved_issue_goes_out_and_no_other(issue: Issue, ada: User) -> None:
    """At its time; before that somebody may change it, and then it waits again."""
    make_subscriber(issue.newsletter)
    assert planning.plan_built(NOON + HOUR) == []
    issue = approval.approve(issue, 1, ada, NOON)
    assert issue.state == State.BUILT
    assert planning.plan_built(NOON) == []
    issue = editing.change_texts(issue, issue.revision, ada, subject="Another")
    assert (issue.state, issue.approved_by) == (State.DRAFT, None)
    assert planning.plan_built(NOON + HOUR) == []
    issue = approval.approve(issue, issue.revision, ada, NOON)
    assert planning.plan_built(NOON + HOUR) == [issue]


def test_an_approval_is_of_one_content(issue: Issue, ada: User) -> None:
    """Whatever changed it, the newsletter's description too, takes it away."""
    approval.approve(issue, 1, ada, NOON)
    Newsletter.objects.update(description="By the way …")
    assert planning.plan_built(NOON + HOUR) == []
    issue.refresh_from_db()
    assert (issue.state, issue.reason) == (State.DRAFT, approval.CHANGED_SINCE)


def test_the_second_person_is_another_one(issue: Issue, ada: User, ben: User) -> None:
    """Who changed it last does not approve it."""
    Newsletter.objects.update(approval="other")
    issue = editing.change_texts(issue, 1, ada, subject="Mine")
    with pytest.raises(ApprovalError, match="somebody else"):
        approval.approve(issue, issue.revision, ada, NOON)
    assert approval.approve(issue, issue.revision, ben, NOON).approved_by == ben


def test_what_nobody_approved_is_skipped_after_its_deadline(issue: Issue) -> None:
    """And says why; it never goes out a day late."""
    building.build_due(issue.slot + timedelta(minutes=issue.newsletter.late_minutes))
    issue.refresh_from_db()
    assert issue.state == State.DRAFT
    building.build_due(issue.slot + timedelta(minutes=issue.newsletter.late_minutes + 1))
    issue.refresh_from_db()
    assert (issue.state, issue.reason) == (State.SKIPPED, building.NOT_APPROVED)


def test_an_issue_is_a_draft_before_its_slot() -> None:
    """By so many minutes; at the slot it goes."""
    newsletter = make_newsletter(review_minutes=120)
    make_schedule(newsletter)
    make_subscriber(newsletter)
    make_article(make_source(newsletter))
    slot = NOON + timedelta(hours=19)  # seven in London
    assert building.build_due(slot - timedelta(minutes=121)) == []
    (built,) = building.build_due(slot - timedelta(minutes=119))
    assert (built.slot, built.state) == (slot, State.BUILT)
    assert building.build_due(slot - timedelta(minutes=100)) == []
    assert planning.plan_built(slot - MINUTE) == []
    assert planning.plan_built(slot) == [built]


# --- sending ---------------------------------------------------------------------------


def test_send_now_can_be_undone_for_a_while(issue: Issue, ada: User) -> None:
    """Then it goes, to everybody, whatever its slot."""
    make_subscriber(issue.newsletter)
    with pytest.raises(ApprovalError):
        scheduling.send_now(issue, 1, NOON)
    approval.approve(issue, 1, ada, NOON)
    issue = scheduling.send_now(issue, 1, NOON)
    assert planning.plan_built(NOON + timedelta(seconds=29)) == []
    issue = scheduling.undo(issue, NOON + timedelta(seconds=29))
    assert (issue.state, issue.send_at) == (State.BUILT, None)  # it goes at its slot again
    scheduling.send_now(issue, 1, NOON)
    with pytest.raises(IssueError, match="too late"):
        scheduling.undo(issue, NOON + timedelta(seconds=30))
    assert planning.plan_built(NOON + timedelta(seconds=30)) == [issue]
    assert AnyDelivery.objects.get().at == NOON + timedelta(seconds=30)


def test_a_time_is_chosen_within_reason(issue: Issue, ada: User) -> None:
    """Neither in the past nor next year."""
    approval.approve(issue, 1, ada, NOON)
    for at in (NOON, NOON - HOUR, NOON + timedelta(days=91)):
        with pytest.raises(IssueError, match="Choose a time"):
            scheduling.send_at(issue, 1, at, NOON)
    assert scheduling.send_at(issue, 1, NOON + 5 * HOUR, NOON).goes_at == NOON + 5 * HOUR
    assert planning.plan_built(NOON + 2 * HOUR) == []  # its slot is past, and counts no more


def test_a_skipped_issue_does_not_go(issue: Issue, ada: User) -> None:
    """And an issue that goes out cannot be skipped."""
    approval.approve(issue, 1, ada, NOON)
    assert skipping.skip(issue, NOON).state == State.SKIPPED
    assert planning.plan_built(NOON + HOUR) == []
    with pytest.raises(IssueError, match="cannot be skipped"):
        skipping.skip(make_running(1), NOON)


def test_a_manual_issue_of_chosen_stories_to_those_of_a_topic(ada: User) -> None:
    """Breaking: it waits as a draft, and goes to those who chose one of the topics alone."""
    newsletter = make_newsletter()
    make_layout_block(newsletter, kind="topic", title="Harbour", topics=["harbour"])
    harbour, without_topics = make_subscriber(newsletter), make_subscriber(newsletter)
    harbour.subscriptions.update(topics=["Harbour"])
    article = make_article(title="The dam breaks")
    wish: dict[str, Any] = {"articles": [article], "only_topics": ["Harbour"]}
    issue = creating.create_issue(newsletter, "wish-1", ada, NOON, **wish)
    assert (issue.state, titles(issue)) == (State.DRAFT, ["The dam breaks"])
    assert creating.create_issue(newsletter, "wish-1", ada, NOON + HOUR, **wish).pk == issue.pk
    with pytest.raises(IssueError, match="for other subscribers already"):
        creating.create_issue(newsletter, "wish-1", ada, NOON + HOUR, articles=[article])
    assert planning.plan_built(NOON + HOUR) == []
    scheduling.send_now(issue, 1, NOON)
    assert planning.plan_built(NOON + HOUR) == [issue]
    assert list(AnyDelivery.objects.values_list("subscriber", flat=True)) == [harbour.pk]
    assert without_topics.pk != harbour.pk
    with pytest.raises(IssueError, match="no topic called Sky"):
        creating.create_issue(
            newsletter, "wish-2", ada, NOON, articles=[article], only_topics=["Sky"]
        )


def test_an_approved_manual_issue_waits_to_be_sent(ada: User) -> None:
    """Its slot is the moment it was asked for: approving it is not sending it."""
    newsletter = make_newsletter(approval="one")
    make_subscriber(newsletter)
    issue = creating.create_issue(newsletter, "wish", ada, NOON, articles=[make_article()])
    issue = approval.approve(issue, 1, ada, NOON)
    assert planning.plan_built(NOON + HOUR) == []
    issue = scheduling.send_now(issue, 1, NOON)
    issue = scheduling.undo(issue, NOON)
    assert planning.plan_built(NOON + HOUR) == []
    assert scheduling.send_now(issue, 1, NOON).approved_by == ada
    assert planning.plan_built(NOON + HOUR) == [issue]


def test_a_manual_issue_of_what_is_new_says_if_there_is_nothing(ada: User) -> None:
    """Nothing is left behind then."""
    newsletter = make_newsletter()
    with pytest.raises(IssueError, match="nothing to send"):
        creating.create_issue(newsletter, "wish", ada, NOON)
    assert not Issue.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("press", ["send", "start"])
def test_two_who_press_at_once_send_once(press: str, ada: User) -> None:
    """Time after time, from two threads that start together."""
    newsletter = make_newsletter()
    article = make_article()
    make_subscriber(newsletter)

    for number in range(TIMES):
        now = NOON + number * HOUR

        def start(key: str = f"wish-{number}", now: object = now) -> Issue:
            return creating.create_issue(newsletter, key, ada, now, articles=[article])  # type: ignore[arg-type]

        if press == "start":
            run_at_once(start, start)
        issue = start()
        run_at_once(*[partial(scheduling.send_now, issue, 1, now)] * 2)
        planning.plan_built(now + MINUTE)
        planning.plan_built(now + MINUTE)
    assert Issue.objects.count() == TIMES
    assert AnyDelivery.objects.count() == TIMES
    assert set(Issue.objects.values_list("state", flat=True)) == {State.SENDING}


def test_two_who_ask_for_what_is_new_are_led_to_one_issue(ada: User, ben: User) -> None:
    """Until it is sent; one of chosen stories is an issue of its own."""
    newsletter = make_newsletter()
    article = make_article(make_source(newsletter))
    first = creating.create_issue(newsletter, "ada's", ada, NOON)
    assert creating.create_issue(newsletter, "ben's", ben, NOON) == first
    chosen = creating.create_issue(newsletter, "breaking", ben, NOON, articles=[article])
    assert chosen != first
    assert creating.create_issue(newsletter, "again", ben, NOON) == first
    scheduling.send_now(first, 1, NOON)
    planning.plan_built(NOON + MINUTE)
    with pytest.raises(IssueError, match="nothing to send"):
        creating.create_issue(newsletter, "ben's next", ben, NOON + HOUR)


def test_an_issue_of_a_newsletter_without_approval_may_be_cancelled_as_a_draft(
    issue: Issue,
) -> None:
    """For good."""
    control.cancel(issue, "No", NOON)
    assert issue.state == State.CANCELLED


# --- taking back -----------------------------------------------------------------------


def test_a_story_taken_back_is_in_no_mail_from_then_on(settings: Settings) -> None:
    """Those who have it keep it; the archive shows a note in its place."""
    issue = make_running(2)
    wrong = make_story(issue, title="The dam breaks")
    later = Delivery.objects.latest("pk")
    Delivery.objects.filter(pk=later.pk).update(due_at=NOON.replace(year=2099))
    with SmtpServer() as server:
        settings.DIGEST_SMTP_URL = server.url
        sender.send_due()
        retracting.retract(issue, wrong.pk, "It <b>held</b>.", NOON)
        Delivery.objects.update(due_at=NOON.replace(year=2020))
        sender.send_due()
    first, second = (message.data for message in server.received)
    assert b"The dam breaks" in first
    assert b"The dam breaks" not in second
    page = render_issue(Issue.objects.get())
    assert "It &lt;b&gt;held&lt;/b&gt;." in page
    assert page.count("The dam breaks") == 1  # in the note alone


def test_the_last_story_is_not_taken_back() -> None:
    """An empty mail is not a mail: the issue is to be cancelled."""
    issue = make_running(1)
    with pytest.raises(IssueError, match="cancel the issue"):
        retracting.retract(issue, issue.stories.get().pk, "wrong", NOON)
    assert segmentation_of(issue, compiled_for(issue)).complete
