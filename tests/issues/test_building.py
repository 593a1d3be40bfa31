"""Issues are built once for a slot, from what is there, and frozen."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from functools import partial
from time import sleep
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from redis import Redis

from digest.accounts.models import User
from digest.articles import storing
from digest.articles.models import Article
from digest.core import jobs
from digest.issues import approval, building, composing, creating
from digest.issues.building import build, build_due, draft
from digest.issues.errors import IssueError
from digest.issues.models import Issue, Story
from digest.newsletters import setup
from digest.newsletters.models import Newsletter, Pick
from tests.cast.articles import make_article, make_source
from tests.cast.newsletters import make_appeal, make_newsletter, make_schedule
from tests.clock import NOON
from tests.concurrency import run_at_once

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SEVEN = NOON + DAY - 5 * HOUR  # the first slot of a daily schedule made at noon
AUTUMN = datetime(2026, 10, 24, 6, 0, tzinfo=UTC)  # seven in London, a day before clocks go back
SPRING = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)  # an hour before they go forward
State = Issue.State


def tide(**fields: object) -> tuple[Newsletter, Callable[..., Article]]:
    """Return a newsletter with a source, and a way to publish articles in it."""
    newsletter = make_newsletter(**fields)
    source = make_source(newsletter)
    return newsletter, lambda **values: make_article(source, **values)


def titles(issue: Issue) -> list[str]:
    """Return what goes out."""
    return [story.title for story in issue.stories.all()]


def slots_built(start: datetime, hours: int) -> list[datetime]:
    """Let beat look every ten minutes; return the slots of what it built."""
    ticks = (start + timedelta(minutes=10 * tick) for tick in range(hours * 6 + 1))
    return [issue.slot for tick in ticks for issue in build_due(tick)]


def wait_for_a_waiting_builder() -> None:
    """Return when another connection waits for a newsletter's lock."""
    for _ in range(500):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype='advisory' AND NOT granted"
            )
            if cursor.fetchone() != (0,):
                return
        sleep(0.01)
    raise AssertionError("nobody waits")


@pytest.mark.django_db
class TestBuilding:
    """One builder."""

    def test_a_due_slot_becomes_an_issue_once(self) -> None:
        """A second look finds nothing left to do."""
        newsletter, publish = tide()
        make_schedule(newsletter)
        publish(title="Seals", published_at=SEVEN - HOUR)
        assert build_due(SEVEN - timedelta(seconds=1)) == []
        [issue] = build_due(SEVEN)
        assert (issue.slot, issue.state, titles(issue)) == (SEVEN, State.BUILT, ["Seals"])
        assert build_due(SEVEN + HOUR) == []

    @pytest.mark.parametrize("state", ["announced", "paused", "closed"])
    def test_a_stopped_newsletter_is_not_built(self, state: str) -> None:
        """And neither is one without a schedule."""
        newsletter, _ = tide(state=state)
        make_schedule(newsletter)
        tide()
        assert build_due(SEVEN) == []

    def test_a_story_stays_as_it_was(self) -> None:
        """Later edits of the article change nothing frozen."""
        newsletter, publish = tide()
        article = publish(title="As it was")
        issue = build(newsletter, NOON, NOON)
        Article.objects.filter(pk=article.pk).update(title="As it became")
        assert titles(issue) == ["As it was"]

    def test_a_story_goes_out_in_one_issue_only(self) -> None:
        """Changed or not; the next issue without news is skipped, and says so."""
        newsletter, publish = tide()
        article = publish()
        build(newsletter, NOON, NOON)
        Article.objects.filter(pk=article.pk).update(title="Changed", revision=2)
        second = build(newsletter, NOON + HOUR, NOON + HOUR)
        assert second.state == State.SKIPPED
        assert second.reason.startswith("No new stories")
        assert "Already sent" in second.left_out[0]["reason"]

    def test_a_story_without_room_in_the_mail_goes_out_in_the_next_issue(self) -> None:
        """What the size limit left out has not been sent."""
        newsletter, publish = tide()
        publish()
        first = build(newsletter, NOON, NOON)
        first.stories.update(left_out=True)
        second = build(newsletter, NOON + HOUR, NOON + HOUR)
        assert titles(second) == titles(first)

    def test_a_story_on_the_web_alone_goes_out_in_the_next_issue(self) -> None:
        """Nobody had it in a mail."""
        newsletter, publish = tide()
        publish()
        first = build(newsletter, NOON, NOON)
        first.blocks.update(shown_in="web")
        second = build(newsletter, NOON + HOUR, NOON + HOUR)
        assert titles(second) == titles(first)

    def test_a_story_marked_as_updated_goes_out_once_more(self) -> None:
        """Once, not for ever."""
        newsletter, publish = tide()
        article = publish(title="Ferry")
        build(newsletter, NOON, NOON)
        Article.objects.filter(pk=article.pk).update(marked_updated_at=NOON + HOUR)
        assert titles(build(newsletter, NOON + 2 * HOUR, NOON + 2 * HOUR)) == ["Ferry"]
        assert build(newsletter, NOON + 3 * HOUR, NOON + 3 * HOUR).state == State.SKIPPED

    def test_a_post_dated_story_goes_out_when_its_time_has_come(self) -> None:
        """Not before, and then once."""
        newsletter, publish = tide()
        publish(title="Tomorrow", published_at=NOON + HOUR)
        assert build(newsletter, NOON, NOON).state == State.SKIPPED
        assert titles(build(newsletter, NOON + HOUR, NOON + HOUR)) == ["Tomorrow"]

    def test_a_late_story_goes_out_though_its_date_is_old(self) -> None:
        """What counts is when it became available."""
        newsletter, publish = tide()
        publish(title="Late", published_at=NOON - 3 * DAY, available_at=NOON - HOUR)
        assert titles(build(newsletter, NOON, NOON)) == ["Late"]

    def test_an_issue_cancelled_before_planning_gives_its_stories_back(self) -> None:
        """Nobody saw them; one cancelled later has been seen by some."""
        newsletter, publish = tide()
        publish(title="Seals")
        first = build(newsletter, NOON, NOON)
        Issue.objects.filter(pk=first.pk).update(state=State.CANCELLED)
        second = build(newsletter, NOON + HOUR, NOON + HOUR)
        assert titles(second) == ["Seals"]
        Issue.objects.filter(pk=second.pk).update(state=State.CANCELLED, planned_at=NOON)
        assert build(newsletter, NOON + 2 * HOUR, NOON + 2 * HOUR).state == State.SKIPPED

    def test_waiting_keeps_stories_for_the_next_issue(self) -> None:
        """A story older than the look-back still goes out when it was kept."""
        newsletter, publish = tide(min_stories=2, thin="wait", look_back_hours=24)
        publish(title="Old", published_at=NOON - HOUR, first_seen_at=NOON - HOUR)
        Newsletter.objects.update(created_at=NOON - DAY)
        newsletter.refresh_from_db()
        assert build(newsletter, NOON, NOON).state == State.SKIPPED
        publish(title="New", published_at=NOON + 2 * DAY)
        later = build(newsletter, NOON + 2 * DAY, NOON + 2 * DAY)
        assert titles(later) == ["New", "Old"]

    def test_mondays_issue_carries_the_weekend(self) -> None:
        """A newsletter of weekdays looks back to Friday's slot, whatever its look-back says."""
        newsletter, publish = tide(look_back_hours=24)
        make_schedule(newsletter, days=[0, 1, 2, 3, 4])
        monday = SEVEN + 6 * DAY
        publish(title="Saturday", published_at=monday - 2 * DAY)
        publish(title="Thursday", published_at=monday - 4 * DAY)
        assert titles(build(newsletter, monday, monday)) == ["Saturday"]

    def test_picked_stories_lead_and_leave_the_waiting_list(self) -> None:
        """Even from outside the newsletter's sources."""
        newsletter, publish = tide()
        publish(title="Latest")
        setup.pick(newsletter, make_article(title="Picked", published_at=NOON - 90 * DAY), NOON)
        assert titles(build(newsletter, NOON, NOON)) == ["Picked", "Latest"]
        assert not Pick.objects.exists()

    def test_appeals_take_turns(self) -> None:
        """Those that run; an ended one is not asked."""
        newsletter, publish = tide()
        for heading, ends in [("Ended", NOON - HOUR), ("One", None), ("Two", None)]:
            make_appeal(newsletter.publication, heading=heading, starts_at=NOON - DAY, ends_at=ends)
        appeals = []
        for hour in range(3):
            at = NOON + hour * HOUR
            publish(published_at=at)
            appeals += approval.appeals_of(build(newsletter, at, at))
        assert [appeal.heading for appeal in appeals] == ["One", "Two", "One"]

    def test_a_week_of_downtime_makes_one_issue(self) -> None:
        """The missed slots have rows that say why."""
        newsletter, publish = tide()
        make_schedule(newsletter)
        publish(published_at=SEVEN + 6 * DAY)
        issues = build_due(SEVEN + 6 * DAY + HOUR)
        assert [issue.state for issue in issues] == [State.SKIPPED] * 6 + [State.BUILT]
        assert all(issue.reason for issue in issues[:-1])
        assert build_due(SEVEN + 6 * DAY + 2 * HOUR) == []

    @pytest.mark.parametrize(
        ("policy", "states", "out"),
        [
            # Found an hour late: the latest may still go out, with what is new today.
            ("send_late", ["skipped"] * 6 + ["built"], ["Story of day 6"]),
            ("merge", ["skipped"] * 7, []),
            ("skip", ["skipped"] * 7, []),
        ],
    )
    def test_a_week_of_downtime_follows_the_policy(
        self, policy: str, states: list[str], out: list[str]
    ) -> None:
        """Never a pile."""
        self.a_week_down(policy)
        issues = build_due(SEVEN + 6 * DAY + HOUR)
        assert [issue.state for issue in issues] == states
        assert titles(issues[-1]) == out

    @pytest.mark.parametrize(
        ("policy", "days"),
        [("send_late", [7]), ("merge", [7, 6, 5, 4, 3, 2, 1, 0]), ("skip", [7])],
    )
    def test_the_issue_after_a_downtime_has_what_the_policy_says(
        self, policy: str, days: list[int]
    ) -> None:
        """Merged stories go out in the issue that was named, others are past."""
        publish = self.a_week_down(policy)
        missed = build_due(SEVEN + 6 * DAY + HOUR)
        publish(title="Story of day 7", published_at=SEVEN + 7 * DAY - HOUR)
        [issue] = build_due(SEVEN + 7 * DAY)
        assert titles(issue) == [f"Story of day {day}" for day in days]
        if policy == "merge":
            assert "merged into the issue of Tue 01 Dec 2026, 07:00 GMT" in missed[0].reason

    def a_week_down(self, policy: str) -> Callable[..., Article]:
        """A newsletter with a story for each of seven days on which nobody built it."""
        newsletter, publish = tide(catch_up=policy)
        make_schedule(newsletter)
        for day in range(7):
            publish(title=f"Story of day {day}", published_at=SEVEN + day * DAY - HOUR)
        return publish

    def test_a_late_issue_looks_back_from_its_slot(self) -> None:
        """What came just after the issue before is in it, though more than a day old by now."""
        newsletter, publish = tide(late_minutes=300, thin="skip")
        make_schedule(newsletter)
        build_due(SEVEN)
        publish(title="Early", published_at=SEVEN + HOUR)
        publish(title="While down", published_at=SEVEN + DAY + HOUR)
        [issue] = build_due(SEVEN + DAY + 4 * HOUR)
        assert issue.slot == SEVEN + DAY
        assert titles(issue) == ["While down", "Early"]

    def test_no_story_is_lost_on_the_day_of_25_hours(self) -> None:
        """Clocks go back on 25 October 2026: seven o'clock comes 25 hours after seven o'clock."""
        newsletter, publish = tide(created_at=AUTUMN - DAY, thin="skip")
        make_schedule(newsletter, since=AUTUMN - DAY)
        publish(title="First", published_at=AUTUMN - HOUR)
        build_due(AUTUMN)
        publish(title="In the hour between", published_at=AUTUMN + HOUR / 2)
        assert build_due(AUTUMN + 24 * HOUR) == []
        [issue] = build_due(AUTUMN + 25 * HOUR)
        assert titles(issue) == ["In the hour between"]

    def test_a_time_that_dst_skips_or_repeats_makes_one_issue(self) -> None:
        """01:30 in London: at 02:00 summer time in spring, the first of two in autumn."""
        newsletter, publish = tide()
        schedule = make_schedule(newsletter, time=time(1, 30), since=SPRING)
        publish(published_at=SPRING)
        assert slots_built(SPRING, 4) == [SPRING + HOUR]
        schedule.since = AUTUMN + 12 * HOUR
        schedule.save()
        publish(published_at=AUTUMN + 16 * HOUR)
        assert slots_built(AUTUMN + 16 * HOUR, 6) == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC)]

    def test_a_story_stored_while_the_last_issue_was_built_goes_out(self) -> None:
        """Available before that issue, seen after it: it is in no window by itself."""
        newsletter, publish = tide(thin="skip")
        make_schedule(newsletter)
        publish(title="First", published_at=SEVEN - HOUR)
        build_due(SEVEN)
        publish(title="In flight", available_at=SEVEN - timedelta(seconds=20))
        [issue] = build_due(SEVEN + DAY)
        assert titles(issue) == ["In flight"]

    def test_a_crowd_of_coming_stories_hides_none_of_today(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A calendar's feed carries hundreds of dates to come."""
        monkeypatch.setattr(composing, "LOOKED_AT", 3)
        newsletter, publish = tide()
        publish(title="Today")
        for hour in range(1, 8):
            publish(published_at=NOON + hour * HOUR)
        assert titles(build(newsletter, NOON, NOON)) == ["Today"]

    def test_an_old_story_marked_as_updated_is_not_hidden_by_newer_ones(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However many there are."""
        monkeypatch.setattr(composing, "LOOKED_AT", 2)
        newsletter, publish = tide()
        publish(title="Old", published_at=NOON - 90 * DAY, marked_updated_at=NOON)
        for hour in range(1, 5):
            publish(title=f"New {hour}", published_at=NOON - hour * HOUR)
        assert titles(build(newsletter, NOON, NOON)) == ["Old", "New 1", "New 2"]

    def test_few_reasons_are_kept_of_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The nearest ones."""
        monkeypatch.setattr(composing, "EXPLAINED", 2)
        newsletter, publish = tide(max_stories=1)
        for hour in range(1, 6):
            publish(title=f"New {hour}", published_at=NOON - hour * HOUR)
        issue = build(newsletter, NOON, NOON)
        assert [left["title"] for left in issue.left_out] == ["New 2", "New 3"]

    def test_a_manual_issue_at_the_very_slot_is_the_issue_of_that_slot(self) -> None:
        """It isn't found due again at every tick."""
        newsletter, publish = tide()
        make_schedule(newsletter)
        publish(published_at=SEVEN - HOUR)
        build(newsletter, SEVEN, SEVEN, Issue.Kind.MANUAL)
        assert build_due(SEVEN) == []
        assert build_due(SEVEN + HOUR) == []

    def test_what_nobody_foresaw_in_one_newsletter_hinders_no_other(self) -> None:
        """A window that reaches out of the calendar raises no error of ours."""
        broken, _ = tide(look_back_hours=2**31 - 1)
        make_schedule(broken)
        fine, publish = tide()
        make_schedule(fine)
        publish(published_at=SEVEN - HOUR)
        assert [issue.newsletter for issue in build_due(SEVEN)] == [fine]

    def test_one_broken_newsletter_hinders_no_other(self) -> None:
        """Its trouble is logged, the other is built."""
        broken, _ = tide()
        make_schedule(broken, timezone="Atlantis/Capital")
        fine, publish = tide()
        make_schedule(fine)
        publish(published_at=SEVEN - HOUR)
        assert [issue.newsletter for issue in build_due(SEVEN)] == [fine]

    def test_a_draft_writes_nothing(self) -> None:
        """It shows what would be."""
        newsletter, publish = tide()
        publish(title="Seals")
        preview = draft(newsletter, NOON)
        assert [story.title for story in preview.stories] == ["Seals"]
        assert not Issue.objects.exists()
        assert not Story.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestTwoBuilders:
    """Two at the same moment."""

    def test_a_slot_makes_one_issue(self) -> None:
        """Two beats, one issue."""
        newsletter, publish = tide()
        make_schedule(newsletter)
        publish(published_at=SEVEN - HOUR)
        run_at_once(*[lambda: build_due(SEVEN)] * 2)
        assert Issue.objects.count() == 1

    def test_a_newsletter_stopped_while_another_builds_it_is_left_alone(self) -> None:
        """Who waited for the lock looks again at what holds now."""
        newsletter, publish = tide()
        make_schedule(newsletter)
        publish(published_at=SEVEN - HOUR)

        def due() -> list[Issue]:
            try:
                return build_due(SEVEN)
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                building.lock_newsletter(newsletter)
                waiting = pool.submit(due)
                wait_for_a_waiting_builder()
                setup.set_state(newsletter, "paused", SEVEN)
            assert waiting.result(timeout=10) == []
        assert not Issue.objects.exists()

    def test_what_was_built_is_announced_to_the_planners(self) -> None:
        """One nudge in their queue, after the commit; a skipped issue announces nothing."""
        broker = Redis.from_url(settings.DIGEST_REDIS_URL)
        queue = jobs.queue_of(jobs.PLAN_ISSUES)
        broker.delete(queue)
        newsletter, publish = tide()
        make_schedule(newsletter)
        build_due(SEVEN)
        assert broker.llen(queue) == 0
        publish(published_at=SEVEN + DAY - HOUR)
        build_due(SEVEN + DAY)
        assert broker.llen(queue) == 1
        broker.delete(queue)

    def test_two_manual_issues_do_not_send_the_same_story_twice(self) -> None:
        """A second apart, both at work: one carries the story, the other is skipped."""
        newsletter, publish = tide()
        publish()

        def press(number: int) -> Issue:
            moment: datetime = NOON + timedelta(seconds=number)
            return build(newsletter, moment, moment, Issue.Kind.MANUAL)

        run_at_once(partial(press, 0), partial(press, 1))
        assert sorted(Issue.objects.values_list("state", flat=True)) == ["built", "skipped"]
        assert Story.objects.count() == 1


@pytest.mark.django_db
def test_stories_know_how_long_their_articles_are() -> None:
    """Counted when the issue is built, from the text that the source carried."""
    newsletter = make_newsletter()
    source = make_source(newsletter)
    make_article(source, body_html=f"<p>{'tide ' * 700}</p>")
    issue = building.build(newsletter, NOON, NOON)
    assert issue.stories.get().word_count == 700


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 2])
def test_what_is_retracted_while_an_issue_is_built_is_not_in_it(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """The builder had read it before; nobody looks at the article again after that."""
    newsletter, article = tide()
    wrong, *remaining = [article(title=f"Story {number}") for number in range(count)]

    def compose(*args: Any, **options: Any) -> composing.Draft:
        draft = composing.compose(*args, **options)
        storing.retract(Article.objects.get(pk=wrong.pk), NOON)
        return draft

    monkeypatch.setattr(building, "compose", compose)
    issue = build(newsletter, NOON, NOON)
    assert [story.article for story in issue.stories.all()] == remaining
    assert [story.position for story in issue.stories.all()] == list(range(count - 1))
    assert (issue.state == "skipped", bool(issue.reason)) == (count == 1, count == 1)


@pytest.mark.django_db
def test_an_issue_of_a_retracted_article_is_not_created() -> None:
    """The page that it was chosen on was older."""
    newsletter, article = tide()
    stale = article()
    storing.retract(Article.objects.get(pk=stale.pk), NOON)
    ada = User.objects.create_user("ada@courier.example")
    with pytest.raises(IssueError, match="retracted"):
        creating.create_issue(newsletter, "k", ada, NOON, articles=[stale])
    assert not Issue.objects.exists()
