"""Series and steps that go, or change, while somebody else works on them."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from digest.core import clock
from digest.issues.changing import changing
from digest.issues.errors import IssueError
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.sending.models import Chunk, Delivery
from digest.series import editing, planning, switching, versions
from digest.series.errors import SeriesError
from digest.series.models import Enrolment, Series, Step
from digest.webhooks import registry
from digest.webhooks.models import WebhookDelivery
from tests.cast.issues import make_issue, make_story
from tests.cast.series import make_editor, make_series, sign_up, steps_of
from tests.clock import NOON
from tests.concurrency import run_at_once
from tests.series.test_planning import DAY, sent_issue, version_of

pytestmark = pytest.mark.django_db


def test_what_waits_in_a_deleted_series_is_cancelled(newsletter: Newsletter) -> None:
    """Nobody could resume it, so it would wait for ever, with the addresses."""
    series = make_series(newsletter)
    sign_up(newsletter)
    planning.plan_due(NOON)
    switching.switch_off(series, NOON)
    editing.delete(series, NOON)
    (version,) = Issue.objects.all()
    assert (version.state, version.finished_at) == (Issue.State.CANCELLED, NOON)
    assert version.reason == "The series was deleted."
    assert not Chunk.objects.exists()
    assert not Delivery.objects.filter(state__in=Delivery.DUE).exists()


def test_a_version_of_a_removed_step_does_not_stay_paused(newsletter: Newsletter) -> None:
    """Its series is off: nothing would resume it, or finish it."""
    series = make_series(newsletter, 0, DAY)
    switching.switch_off(series, NOON)
    first, second = steps_of(series)
    editing.remove_step(second, NOON)
    states = [version_of(step).state for step in (first, second)]
    assert states == [Issue.State.PAUSED, Issue.State.PAUSED]
    version_of(second).refresh_from_db()
    assert version_of(second).state == Issue.State.CANCELLED


def test_deleting_takes_a_statement_for_each_table(newsletter: Newsletter) -> None:
    """Not one for each lot of those who were in it."""
    registry.add("crm", "https://crm.example/", ["series.entered"], now=NOON)
    series = make_series(newsletter)
    for _ in range(3):
        sign_up(newsletter)
    switching.switch_off(series, NOON)
    with CaptureQueriesContext(connection) as queries:
        editing.delete(series, NOON)
    statements = [row["sql"].split("WHERE")[0] for row in queries]
    of_enrolments = [row for row in statements if "series_enrolment" in row]
    assert of_enrolments[0].startswith("DELETE")  # what Django looks for after that is gone
    assert not Enrolment.objects.exists()
    assert not WebhookDelivery.objects.exists()


def test_a_step_saves_only_what_was_asked_for(newsletter: Newsletter) -> None:
    """A version that was published since its page was loaded stays."""
    series = make_series(newsletter)
    (stale,) = steps_of(series)
    published = versions.publish(steps_of(series)[0], NOON)
    editing.change_step(stale, make_editor(), delay_minutes=DAY)
    (step,) = steps_of(series)
    assert (step.version, step.delay_minutes) == (published, DAY)


@pytest.mark.parametrize("active", [True, False])
def test_settings_do_not_switch_a_series(newsletter: Newsletter, *, active: bool) -> None:
    """Somebody else has done that since its page was loaded."""
    series = make_series(newsletter, active=active)
    stale = editing.find(series.pk)
    if active:
        switching.switch_off(series, NOON)
    else:
        switching.switch_on(series, NOON)
    editing.change(stale, name="Hello")
    series.refresh_from_db()
    assert (series.active, series.name) == (not active, "Hello")


def test_what_was_deleted_meanwhile_is_not_made_again(newsletter: Newsletter) -> None:
    """By somebody who still looks at its page."""
    series = make_series(newsletter, 0, DAY)
    stale = steps_of(series)[1]
    editing.remove_step(steps_of(series)[1], NOON)
    with pytest.raises(SeriesError, match="deleted meanwhile"):
        editing.change_step(stale, make_editor(), delay_minutes=0)
    assert len(steps_of(series)) == 1


def test_a_version_that_is_not_sent_is_a_problem(newsletter: Newsletter) -> None:
    """Whatever the reason: somebody has to publish again."""
    series = make_series(newsletter)
    for change in (
        {"stands_open": False},
        {"stands_open": True, "state": "sent"},
        {"state": "paused", "reason": versions.OFF},
    ):
        Issue.objects.filter(kind=Issue.Kind.SERIES).update(**change)
        assert "Publish it again" in versions.problem_of(steps_of(series)[0])
    Series.objects.update(active=False)
    assert versions.problem_of(steps_of(series)[0]) == ""


def test_only_what_went_out_to_everybody_can_be_shown(newsletter: Newsletter) -> None:
    """Not a draft, which nobody has approved yet, nor an issue for some."""
    (step,) = steps_of(make_series(newsletter))
    hidden = [
        make_issue(newsletter, slot=NOON + timedelta(days=1), state="draft"),
        make_issue(newsletter, slot=NOON + timedelta(days=2), state="skipped", reason="No news."),
        sent_issue(newsletter, "Members", slot=NOON + timedelta(days=3), only_topics=["Harbour"]),
    ]
    for issue in hidden:
        with pytest.raises(IssueError, match="went out to everybody"):
            editing.change_step(step, make_editor(), stories="chosen", shown_issue=issue)
    issue = sent_issue(newsletter, "Seals return", slot=NOON + timedelta(days=4))
    editing.change_step(step, make_editor(), stories="chosen", shown_issue=issue)


@pytest.mark.parametrize("stories", ["latest", "chosen"])
def test_a_story_retracted_from_the_issue_shown_leaves_the_mail(
    newsletter: Newsletter, stories: str
) -> None:
    """For whoever is planned for from then on."""
    issue = sent_issue(newsletter, "Seals return")
    story = make_story(issue, title="Dredging begins")
    (step,) = steps_of(make_series(newsletter))
    editing.change_step(step, make_editor(), stories=stories, shown_issue=issue)
    version = versions.publish(step, NOON)
    assert version.stories.count() == 2
    issue.stories.filter(pk=story.pk).update(retracted_at=NOON + timedelta(hours=1))
    renewed = versions.current(steps_of(step.series)[0], NOON + timedelta(hours=2))
    assert renewed
    assert [row.title for row in renewed.stories.all()] == ["Seals return"]
    assert versions.current(steps_of(step.series)[0], NOON + timedelta(hours=3)) == renewed


@pytest.mark.django_db(transaction=True)
def test_a_confirmation_and_the_removal_of_the_first_step_wait_for_each_other(
    newsletter: Newsletter,
) -> None:
    """Whoever confirms at that moment waits for the step that is first then."""
    series = make_series(newsletter, 0, DAY)
    first, second = steps_of(series)

    def confirm() -> None:
        with transaction.atomic():
            sign_up(newsletter)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.5)")

    def remove() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.2)")
        editing.remove_step(Step.objects.get(pk=first.pk), clock.now())

    run_at_once(confirm, remove)
    assert series.enrolments.get().next_step == second


@pytest.mark.django_db(transaction=True)
def test_a_draft_is_published_as_one_editor_left_it(newsletter: Newsletter) -> None:
    """Not half of what is being saved at that moment, nor what was approved before it."""
    (step,) = steps_of(make_series(newsletter))
    editor = make_editor()

    def edit() -> None:
        with changing(step.draft, None, editor, "Edit subject") as draft:
            draft.own_subject = "Later"
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.5)")

    def publish() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.2)")
        versions.publish(step, NOON)

    run_at_once(edit, publish)
    assert version_of(steps_of(step.series)[0]).own_subject == "Later"
    assert not steps_of(step.series)[0].has_changes
