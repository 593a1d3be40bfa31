"""Series and steps, changed while subscribers are in them."""

from datetime import timedelta

import pytest

from digest.issues import scheduling
from digest.issues.errors import ApprovalError, IssueError
from digest.issues.models import Issue
from digest.newsletters.choices import Approval
from digest.newsletters.models import Newsletter
from digest.sending import control
from digest.sending.errors import DeliveryError
from digest.sending.planning import plan_built
from digest.series import editing, planning, versions
from digest.series.errors import SeriesError
from digest.series.models import Enrolment, Series
from digest.subscribers.errors import SubscriberError
from digest.subscribers.segments import saving
from tests.cast.newsletters import make_newsletter
from tests.cast.series import make_editor, make_series, sign_up, steps_of, write_mail
from tests.clock import NOON
from tests.series.test_planning import DAY, planned_for

pytestmark = pytest.mark.django_db


def test_a_new_series_waits_for_its_mail(newsletter: Newsletter) -> None:
    """It is off, and has a draft that says welcome and shows the latest issue."""
    series = editing.create(newsletter, "Welcome", "sign_up", make_editor(), NOON)
    (step,) = steps_of(series)
    assert not series.active
    assert (step.stories, step.delay_minutes, step.version) == ("latest", 0, None)
    assert step.draft.own_subject == "Welcome to {{ newsletter.name }}"
    assert "no mail yet" in versions.problem_of(step)
    with pytest.raises(SeriesError, match="already"):
        editing.create(newsletter, "Welcome", "sign_up", make_editor(), NOON)


def test_a_step_can_be_added_for_those_who_are_on_their_way(newsletter: Newsletter) -> None:
    """Who waits for the last step goes on to it; who has completed the series does not."""
    series = make_series(newsletter, 0, DAY)
    early, late = sign_up(newsletter), sign_up(newsletter, now=NOON + timedelta(days=1))
    planning.plan_due(NOON + timedelta(days=1))
    assert planning.plan_due(NOON + timedelta(days=1)) == 0
    series.enrolments.filter(subscriber=early).update(due_at=NOON)
    planning.plan_due(NOON + timedelta(days=1))
    editor = make_editor()
    step = editing.add_step(series, editor, NOON)
    editing.change_step(step, editor, delay_minutes=0)
    with pytest.raises(SeriesError, match="subject first"):
        versions.publish(step, NOON)
    step.draft.own_subject = "Third"
    step.draft.save()
    with pytest.raises(SeriesError, match="mail is empty"):
        versions.publish(step, NOON)
    write_mail(step, "Third")
    versions.publish(step, NOON)
    for day in range(2, 5):
        planning.plan_due(NOON + timedelta(days=day))
    assert planned_for(series, 3) == {late.pk}


def test_a_new_order_repeats_and_loses_nothing(newsletter: Newsletter) -> None:
    """Who had one and two, and waits for three, gets four and the one that came before it."""
    series = make_series(newsletter, 0, 0, DAY, 0)
    nadia = sign_up(newsletter)
    planning.plan_due(NOON)
    planning.plan_due(NOON)
    first, second, third, fourth = steps_of(series)
    assert series.enrolments.get().next_step == third
    editing.order_steps(series, [third.pk, first.pk, second.pk, fourth.pk])
    for day in range(1, 4):
        planning.plan_due(NOON + timedelta(days=day))
    assert [planned_for(series, number) for number in (1, 2, 3, 4)] == [{nadia.pk}] * 4
    assert series.enrolments.get().state == Enrolment.State.COMPLETED
    with pytest.raises(SeriesError, match="Look at the series again"):
        editing.order_steps(series, [first.pk])


def test_who_waits_for_a_removed_step_goes_on(newsletter: Newsletter) -> None:
    """To the next one, or the series is complete; the positions have no gap."""
    series = make_series(newsletter, 0, DAY, DAY)
    nadia = sign_up(newsletter)
    planning.plan_due(NOON)
    _, second, third = steps_of(series)
    editing.remove_step(second, NOON)
    assert series.enrolments.get(subscriber=nadia).next_step == third
    assert [step.number for step in steps_of(series)] == [1, 2]
    editing.remove_step(steps_of(series)[1], NOON)
    assert series.enrolments.get().state == Enrolment.State.COMPLETED
    with pytest.raises(SeriesError, match="only step"):
        editing.remove_step(steps_of(series)[0], NOON)


def test_a_new_delay_counts_from_the_same_moment(newsletter: Newsletter) -> None:
    """Not from the change."""
    series = make_series(newsletter, 0, 3 * DAY)
    sign_up(newsletter)
    planning.plan_due(NOON)
    editing.change_step(steps_of(series)[1], make_editor(), delay_minutes=2 * DAY + 60)
    assert series.enrolments.get().due_at == NOON + timedelta(days=2, hours=1)


def test_settings_that_cannot_be_are_refused(newsletter: Newsletter) -> None:
    """With what is wrong."""
    series = make_series(newsletter, active=False)
    step, editor = steps_of(series)[0], make_editor()
    stranger = make_newsletter()
    segment = saving.create(stranger.publication, "Everyone", {"rules": []}, NOON)
    for values, problem in (
        ({"hour_from": 8, "hour_until": None}, "both hours"),
        ({"hour_from": 8, "hour_until": 8}, "before the last"),
        ({"goal": "segment"}, "Choose the segment"),
    ):
        with pytest.raises(SeriesError, match=problem):
            editing.change(series, **values)
        series.refresh_from_db()
    with pytest.raises(SeriesError, match="Choose the segment"):
        editing.change_step(step, editor, condition="segment")
    step.refresh_from_db()
    with pytest.raises(Exception, match="own publication"):
        editing.change_step(step, editor, condition="segment", segment=segment)
    step.refresh_from_db()
    with pytest.raises(IssueError, match="Choose an issue"):
        editing.change_step(step, editor, stories="chosen")


def test_a_segment_that_a_step_needs_stays(newsletter: Newsletter) -> None:
    """And it says where."""
    series = make_series(newsletter, active=False)
    segment = saving.create(newsletter.publication, "Everyone", {"rules": []}, NOON)
    editing.change_step(steps_of(series)[0], make_editor(), condition="segment", segment=segment)
    with pytest.raises(SubscriberError, match="is used by: Mail 1"):
        saving.delete(segment)


def test_a_mail_has_to_be_approved_before_it_is_published(newsletter: Newsletter) -> None:
    """Where the newsletter says so, and again after a change."""
    series = make_series(newsletter, active=False)
    (step,) = steps_of(series)
    newsletter.approval = Approval.ANYONE
    newsletter.save()
    step = steps_of(series)[0]
    with pytest.raises(ApprovalError):
        versions.publish(step, NOON)


def test_a_draft_is_never_sent_itself(newsletter: Newsletter) -> None:
    """Not by a person, not by a plan; nor is it in the lists of issues."""
    series = make_series(newsletter)
    (step,) = steps_of(series)
    draft = step.draft
    for action in (scheduling.send_now, scheduling.unschedule):
        arguments = (draft.revision, NOON) if action is scheduling.send_now else (NOON,)
        with pytest.raises(IssueError, match="series"):
            action(draft, *arguments)
    with pytest.raises(DeliveryError, match="series"):
        control.cancel(draft, "no", NOON)
    assert plan_built(NOON) == []
    assert not Issue.objects.filter(Issue.REGULAR).exists()
    assert Issue.objects.count() == 2


def test_deleting_leaves_what_was_sent(newsletter: Newsletter) -> None:
    """Only a series that is off; drafts go, versions stay as issues that finish."""
    series = make_series(newsletter)
    sign_up(newsletter)
    planning.plan_due(NOON)
    with pytest.raises(SeriesError, match="off first"):
        editing.delete(series, NOON)
    Series.objects.update(active=False)
    series.refresh_from_db()
    editing.delete(series, NOON)
    (version,) = Issue.objects.all()
    assert (version.kind, version.stands_open) == ("series", False)


def test_a_newsletter_can_be_deleted_with_its_series(newsletter: Newsletter) -> None:
    """Nothing holds it back."""
    make_series(newsletter, 0, DAY)
    sign_up(newsletter)
    planning.plan_due(NOON)
    newsletter.delete()
    assert not Series.objects.exists()
