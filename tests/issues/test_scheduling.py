"""When an issue goes out can be changed until it leaves; a skipped one can be restored."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest

from digest.accounts.models import User
from digest.issues import approval, building, editing, retracting, scheduling, skipping
from digest.issues.errors import ApprovalError, IssueError
from digest.issues.models import Issue
from digest.newsletters import setup
from digest.newsletters.models import Newsletter, Pick
from digest.sending import control, planning
from digest.sending.models import AnyDelivery
from tests.cast.articles import make_article, make_source
from tests.cast.issues import make_issue, make_running, make_story
from tests.cast.newsletters import make_newsletter, make_schedule
from tests.cast.subscribers import make_subscriber
from tests.clock import NOON
from tests.concurrency import run_at_once

pytestmark = pytest.mark.django_db
State = Issue.State
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SLOT = NOON + HOUR


@pytest.fixture
def issue() -> Issue:
    """A scheduled issue that goes out in an hour without approval, to one subscriber."""
    issue = make_issue(make_newsletter(), slot=SLOT)
    for number in range(2):
        make_story(issue, title=f"Story {number}", article=make_article())
    make_subscriber(issue.newsletter)
    return issue


@pytest.fixture
def draft(issue: Issue) -> Issue:
    """The same, but it has to be approved."""
    Newsletter.objects.update(approval="one")
    Issue.objects.update(state=State.DRAFT)
    return Issue.objects.get()


# --- another time ----------------------------------------------------------------------


def test_a_scheduled_issue_goes_out_at_the_time_it_was_moved_to(issue: Issue) -> None:
    """Later than its slot, then later still, then earlier: the last one counts."""
    for hours in (3, 5, 4):
        moved = scheduling.send_at(issue, 1, NOON + hours * HOUR, NOON)
        assert (moved.state, moved.goes_at) == (State.BUILT, NOON + hours * HOUR)
    assert planning.plan_built(NOON + 4 * HOUR - MINUTE) == []
    assert planning.plan_built(NOON + 4 * HOUR) == [issue]


def test_a_time_can_be_changed_before_the_approval(draft: Issue, ada: User) -> None:
    """It still waits for it, and then goes at that time; the deadline moves along."""
    late = timedelta(minutes=draft.newsletter.late_minutes)
    moved = scheduling.send_at(draft, 1, SLOT + 2 * HOUR, NOON)
    assert (moved.state, moved.goes_at) == (State.DRAFT, SLOT + 2 * HOUR)
    assert planning.plan_built(SLOT + 2 * HOUR) == []
    building.build_due(SLOT + late + HOUR)  # past the deadline of its slot
    approval.approve(moved, 1, ada, SLOT + late + HOUR)
    assert planning.plan_built(SLOT + late + HOUR) == [draft]


def test_what_nobody_approves_by_its_new_time_is_skipped(draft: Issue) -> None:
    """After the same patience."""
    late = timedelta(minutes=draft.newsletter.late_minutes)
    scheduling.send_at(draft, 1, SLOT + 2 * HOUR, NOON)
    building.build_due(SLOT + 2 * HOUR + late)
    assert Issue.objects.get().state == State.DRAFT
    building.build_due(SLOT + 2 * HOUR + late + MINUTE)
    assert Issue.objects.get().state == State.SKIPPED


def test_a_chosen_time_outlasts_a_change_of_the_issue(draft: Issue, ada: User) -> None:
    """Approved again, it goes then; the half minute of “send now” does not outlast it."""
    approval.approve(draft, 1, ada, NOON)
    scheduling.send_at(draft, 1, SLOT + 2 * HOUR, NOON)
    changed = editing.change_texts(draft, 1, ada, subject="Another")
    assert (changed.state, changed.send_at) == (State.DRAFT, SLOT + 2 * HOUR)
    approval.approve(changed, changed.revision, ada, NOON)
    scheduling.send_now(changed, changed.revision, NOON)
    changed = editing.change_texts(changed, changed.revision, ada, subject="A third")
    assert (changed.state, changed.send_at) == (State.DRAFT, None)


def test_the_time_of_an_issue_that_is_leaving_cannot_be_changed(issue: Issue) -> None:
    """Neither in the seconds of “undo”, nor when it is due or being sent."""
    scheduling.send_now(issue, 1, NOON)
    with pytest.raises(IssueError, match="Undo that first"):
        scheduling.send_at(issue, 1, NOON + 2 * HOUR, NOON)
    with pytest.raises(IssueError, match="too late"):
        scheduling.send_at(issue, 1, NOON + 2 * HOUR, NOON + MINUTE)
    planning.plan_built(NOON + MINUTE)
    with pytest.raises(IssueError, match="too late"):
        scheduling.send_at(issue, 1, NOON + 2 * HOUR, NOON + MINUTE)


def test_a_cancelled_issue_is_not_said_to_be_on_its_way(issue: Issue) -> None:
    """It was planned, but “send” has to say that nothing is sent."""
    scheduling.send_now(issue, 1, NOON)
    planning.plan_built(NOON + MINUTE)
    control.cancel(issue, "Wrong story", NOON + MINUTE)
    with pytest.raises(IssueError, match="cancelled"):
        scheduling.send_now(issue, 1, NOON + MINUTE)


def test_a_manual_draft_is_not_scheduled_without_its_approval(draft: Issue) -> None:
    """Nothing would send it once it is approved."""
    Issue.objects.update(kind="manual")
    with pytest.raises(ApprovalError):
        scheduling.send_at(draft, 1, NOON + 2 * HOUR, NOON)


# --- on hold ---------------------------------------------------------------------------


def test_an_unscheduled_issue_is_sent_by_nobody_but_a_person(issue: Issue) -> None:
    """Neither at its slot nor later; nor is it skipped, or its slot built again."""
    schedule = make_schedule(issue.newsletter, time=SLOT.time())
    schedule.since = NOON - HOUR
    schedule.save()
    make_article(make_source(issue.newsletter))
    on_hold = scheduling.unschedule(issue, NOON)
    assert (on_hold.state, on_hold.on_hold) == (State.DRAFT, True)
    assert scheduling.unschedule(issue, NOON).state == State.DRAFT  # pressed twice
    for now in (SLOT, SLOT + 12 * HOUR):
        assert planning.plan_built(now) == []
        assert building.build_due(now) == []
    on_hold = Issue.objects.get()
    assert on_hold.state == State.DRAFT
    now = SLOT + 12 * HOUR
    scheduling.send_now(on_hold, on_hold.revision, now)
    assert planning.plan_built(now + MINUTE) == [on_hold]


def test_an_approval_outlasts_that_an_issue_is_unscheduled(draft: Issue, ada: User) -> None:
    """It is of the content; approving one on hold sends nothing."""
    approval.approve(draft, 1, ada, NOON)
    on_hold = scheduling.unschedule(draft, NOON)
    assert not approval.is_needed(on_hold)
    on_hold = editing.change_texts(on_hold, 1, ada, subject="Another")
    on_hold = approval.approve(on_hold, on_hold.revision, ada, NOON)
    assert on_hold.state == State.DRAFT
    assert planning.plan_built(SLOT + HOUR) == []
    assert scheduling.send_now(on_hold, on_hold.revision, NOON).state == State.BUILT


def test_an_issue_on_hold_that_is_sent_and_undone_is_on_hold_again(issue: Issue) -> None:
    """Its slot does not come back by itself."""
    on_hold = scheduling.unschedule(issue, NOON)
    scheduling.send_now(on_hold, 1, NOON)
    assert scheduling.undo(on_hold, NOON).state == State.DRAFT
    assert planning.plan_built(SLOT) == []


def test_undone_after_its_slot_an_issue_is_on_hold(issue: Issue) -> None:
    """It does not wait for an approval that would make it leave, nor is it skipped."""
    scheduling.send_at(issue, 1, SLOT + 2 * HOUR, NOON)
    undone = scheduling.undo(issue, SLOT + HOUR)
    assert (undone.state, undone.on_hold) == (State.DRAFT, True)
    building.build_due(SLOT + 12 * HOUR)
    assert Issue.objects.get().state == State.DRAFT


def test_it_is_too_late_to_unschedule_what_is_on_its_way(issue: Issue) -> None:
    """Pause and cancel are for that."""
    scheduling.send_now(issue, 1, NOON)
    with pytest.raises(IssueError, match="too late"):
        scheduling.unschedule(issue, NOON + MINUTE)
    with pytest.raises(IssueError, match="it is sending"):
        scheduling.unschedule(make_running(1), NOON)


# --- skipped and restored --------------------------------------------------------------


def test_a_skipped_issue_is_restored_to_its_time(issue: Issue) -> None:
    """As if nothing had been; pressed twice, once."""
    skipping.skip(issue, NOON)
    assert planning.plan_built(SLOT) == []
    for _ in range(2):
        restored = skipping.restore(issue, NOON + MINUTE)
        assert (restored.state, restored.reason, restored.finished_at) == (State.BUILT, "", None)
    assert planning.plan_built(SLOT) == [issue]
    assert AnyDelivery.objects.count() == 1


@pytest.mark.parametrize("way", ["by a person", "not approved"])
def test_picks_of_a_skipped_issue_wait_for_the_next(way: str) -> None:
    """They are taken off the list again when it is restored; other stories are not picks."""
    newsletter = make_newsletter(approval="one", late_minutes=60)
    source = make_source(newsletter)
    make_article(source)
    setup.pick(newsletter, picked := make_article(source, title="Picked"), NOON)
    issue = building.build(newsletter, SLOT, NOON)
    assert not Pick.objects.exists()
    if way == "by a person":
        skipping.skip(issue, NOON)
    else:
        building.build_due(SLOT + timedelta(hours=2))
        issue.refresh_from_db()
        assert issue.state == State.SKIPPED
    assert [pick.article for pick in Pick.objects.all()] == [picked]
    skipping.restore(issue, NOON)
    assert not Pick.objects.exists()


@pytest.mark.parametrize("approved", [True, False])
def test_an_approval_holds_for_the_same_content(draft: Issue, ada: User, *, approved: bool) -> None:
    """One that was not approved waits for it again."""
    if approved:
        approval.approve(draft, 1, ada, NOON)
    skipping.skip(draft, NOON)
    restored = skipping.restore(draft, NOON)
    assert restored.state == (State.BUILT if approved else State.DRAFT)
    assert planning.plan_built(SLOT) == ([draft] if approved else [])


def test_restored_after_its_time_an_issue_waits_for_somebody(draft: Issue) -> None:
    """As one does that nobody approved in time: it is not sent at once, nor skipped again."""
    late = SLOT + timedelta(minutes=draft.newsletter.late_minutes + 1)
    building.build_due(late)
    assert Issue.objects.get().reason == building.NOT_APPROVED
    restored = skipping.restore(draft, late)
    assert (restored.state, restored.on_hold) == (State.DRAFT, True)
    building.build_due(late + 24 * HOUR)
    assert planning.plan_built(late + 24 * HOUR) == []
    assert Issue.objects.get().state == State.DRAFT


def test_a_manual_issue_is_restored_as_a_draft(issue: Issue) -> None:
    """Whatever its time was."""
    Issue.objects.update(kind="manual")
    scheduling.send_at(issue, 1, NOON + 2 * HOUR, NOON)
    skipping.skip(issue, NOON)
    restored = skipping.restore(issue, NOON)
    assert (restored.state, restored.send_at, restored.on_hold) == (State.DRAFT, None, False)


def test_stories_that_are_in_the_next_issue_stay_there(issue: Issue, ada: User) -> None:
    """Nobody gets a story twice; what is left has to be approved as it is now."""
    Newsletter.objects.update(approval="one")
    Issue.objects.update(state=State.DRAFT)
    issue = approval.approve(Issue.objects.get(), 1, ada, NOON)
    skipping.skip(issue, NOON)
    first, second = issue.stories.order_by("position")
    following = make_issue(issue.newsletter, slot=SLOT + HOUR)
    make_story(following, article=first.article)
    restored = skipping.restore(issue, NOON)
    assert [story.title for story in restored.stories.all()] == [second.title]
    assert restored.stories.get().position == 0
    assert (restored.state, restored.revision) == (State.DRAFT, 2)
    assert restored.left_out[0]["reason"].startswith("in another issue")
    skipping.skip(restored, NOON)
    make_story(following, article=second.article)
    with pytest.raises(IssueError, match="no stories"):
        skipping.restore(issue, NOON)
    assert Issue.objects.get(pk=issue.pk).state == State.SKIPPED


def test_an_issue_skipped_for_too_few_stories_is_restored_with_those_there_are(
    issue: Issue, ada: User
) -> None:
    """Somebody decided that they are enough; without any there is nothing to restore."""
    newsletter = issue.newsletter
    issue.delete()
    Newsletter.objects.update(min_stories=3, thin="skip", look_back_hours=24)
    schedule = make_schedule(newsletter, time=SLOT.time())
    schedule.since = NOON - HOUR
    schedule.save()
    (thin,) = building.build_due(SLOT)
    with pytest.raises(IssueError, match="no stories"):
        skipping.restore(thin, NOON)
    make_article(make_source(newsletter), title="Seals return", available_at=NOON)
    restored = skipping.restore(thin, NOON)
    assert [story.title for story in restored.stories.all()] == ["Seals return"]
    assert (restored.state, restored.reason) == (State.BUILT, "")
    assert planning.plan_built(SLOT) == [restored]


def test_a_retracted_story_is_not_restored(issue: Issue, ada: User) -> None:
    """It was taken back while the issue was skipped."""
    skipping.skip(issue, NOON)
    first, second = issue.stories.order_by("position")
    assert first.article
    retracting.withdraw(first.article, "Wrong.", ada, NOON)
    restored = skipping.restore(issue, NOON)
    assert [story.pk for story in restored.stories.all()] == [second.pk]


def test_only_a_skipped_issue_is_restored(issue: Issue) -> None:
    """One that was cancelled or sent has been with subscribers."""
    running = make_running(1)
    with pytest.raises(IssueError, match="Only a skipped issue"):
        skipping.restore(running, NOON)
    Issue.objects.update(state=State.CANCELLED)
    with pytest.raises(IssueError, match="Only a skipped issue"):
        skipping.restore(issue, NOON)


# --- at the same moment ----------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_planner_and_people_at_the_same_moment_send_it_once_or_not_at_all() -> None:
    """Skip, restore, unschedule and send against the sweep that plans: one delivery at most."""
    newsletter = make_newsletter()
    make_subscriber(newsletter)
    actions: list[Callable[[Issue], object]] = [
        lambda row: skipping.skip(row, SLOT),
        lambda row: scheduling.unschedule(row, SLOT),
        lambda row: skipping.restore(skipping.skip(row, SLOT - MINUTE), SLOT - MINUTE),
        lambda row: scheduling.send_now(row, row.revision, SLOT - MINUTE),
    ]
    for number in range(24):
        row = make_issue(newsletter, slot=SLOT - timedelta(seconds=number))
        make_story(row, article=make_article())
        action = actions[number % len(actions)]
        _together(lambda: planning.plan_built(SLOT), lambda row=row, act=action: act(row))  # type: ignore[misc]
        row.refresh_from_db()
        planned = row.planned_at is not None
        assert planned == (row.state in (State.SENDING, State.SENT)), row.state
        assert AnyDelivery.objects.filter(issue=row).count() <= 1
        Issue.objects.filter(pk=row.pk).update(state=State.CANCELLED)


def _together(*works: Callable[[], object]) -> None:
    """Run these at the same moment; an action that comes too late is refused, which is fine."""

    def run(work: Callable[[], object]) -> None:
        with suppress(IssueError):
            work()

    run_at_once(*(partial(run, work) for work in works))
