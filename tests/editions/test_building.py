"""Editions are built once for a slot, from what is there, and frozen."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection

from digest.articles.models import Article
from digest.editions.building import build, build_due, draft
from digest.editions.models import Edition, Story
from digest.newsletters import setup
from digest.newsletters.models import Appeal, Newsletter, Pick
from tests.cast import NOON, make_article, make_newsletter, make_schedule, make_source

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SEVEN = NOON + DAY - 5 * HOUR  # the first slot of a daily schedule made at noon
State = Edition.State


def tide(**fields: object) -> tuple[Newsletter, Callable[..., Article]]:
    """Return a newsletter with a source, and a way to publish articles in it."""
    newsletter = make_newsletter(**fields)
    source = make_source(newsletter)
    return newsletter, lambda **facts: make_article(source, **facts)


def titles(edition: Edition) -> list[str]:
    """Return what goes out."""
    return [story.title for story in edition.stories.all()]


@pytest.mark.django_db
class TestBuilding:
    """One builder."""

    def test_a_due_slot_becomes_an_edition_once(self) -> None:
        """A second look finds nothing left to do."""
        newsletter, publish = tide()
        make_schedule(newsletter)
        publish(title="Seals", published_at=SEVEN - HOUR)
        assert build_due(SEVEN - timedelta(seconds=1)) == []
        [edition] = build_due(SEVEN)
        assert (edition.slot, edition.state, titles(edition)) == (SEVEN, State.BUILT, ["Seals"])
        assert build_due(SEVEN + HOUR) == []

    def test_a_stopped_newsletter_is_not_built(self) -> None:
        """And neither is one without a schedule."""
        newsletter, _ = tide(active=False)
        make_schedule(newsletter)
        tide()
        assert build_due(SEVEN) == []

    def test_a_story_stays_as_it_was(self) -> None:
        """Later edits of the article change nothing frozen."""
        newsletter, publish = tide()
        article = publish(title="As it was")
        edition = build(newsletter, NOON, NOON)
        Article.objects.filter(pk=article.pk).update(title="As it became")
        assert titles(edition) == ["As it was"]

    def test_a_story_goes_out_in_one_edition_only(self) -> None:
        """Changed or not; the next issue without news is skipped, and says so."""
        newsletter, publish = tide()
        article = publish()
        build(newsletter, NOON, NOON)
        Article.objects.filter(pk=article.pk).update(title="Changed", revision=2)
        second = build(newsletter, NOON + HOUR, NOON + HOUR)
        assert second.state == State.SKIPPED
        assert second.reason.startswith("No new stories")
        assert "Already sent" in second.left_out[0]["reason"]

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

    def test_an_edition_cancelled_before_planning_gives_its_stories_back(self) -> None:
        """Nobody saw them; one cancelled later has been seen by some."""
        newsletter, publish = tide()
        publish(title="Seals")
        first = build(newsletter, NOON, NOON)
        Edition.objects.filter(pk=first.pk).update(state=State.CANCELLED)
        second = build(newsletter, NOON + HOUR, NOON + HOUR)
        assert titles(second) == ["Seals"]
        Edition.objects.filter(pk=second.pk).update(state=State.CANCELLED, planned_at=NOON)
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
            Appeal.objects.create(
                publication=newsletter.publication,
                heading=heading,
                body="Help us.",
                button="Give",
                url="https://courier.example/give",
                starts_at=NOON - DAY,
                ends_at=ends,
            )
        seen = []
        for hour in range(3):
            at = NOON + hour * HOUR
            publish(published_at=at)
            seen.append(build(newsletter, at, at).appeal)
        assert [appeal.heading if appeal else "" for appeal in seen] == ["One", "Two", "One"]

    def test_a_week_of_downtime_makes_one_edition(self) -> None:
        """The missed slots have rows that say why."""
        newsletter, publish = tide()
        make_schedule(newsletter)
        publish(published_at=SEVEN + 6 * DAY)
        made = build_due(SEVEN + 6 * DAY + HOUR)
        assert [edition.state for edition in made] == [State.SKIPPED] * 6 + [State.BUILT]
        assert all(edition.reason for edition in made[:-1])
        assert build_due(SEVEN + 6 * DAY + 2 * HOUR) == []

    def test_one_broken_newsletter_hinders_no_other(self) -> None:
        """Its trouble is logged, the other is built."""
        broken, _ = tide()
        make_schedule(broken, timezone="Atlantis/Capital")
        fine, publish = tide()
        make_schedule(fine)
        publish(published_at=SEVEN - HOUR)
        assert [edition.newsletter for edition in build_due(SEVEN)] == [fine]

    def test_a_draft_writes_nothing(self) -> None:
        """It shows what would be."""
        newsletter, publish = tide()
        publish(title="Seals")
        made = draft(newsletter, NOON)
        assert [story.title for story in made.stories] == ["Seals"]
        assert not Edition.objects.exists()
        assert not Story.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestTwoBuilders:
    """Two at the same moment."""

    def together(self, work: Callable[[int], Edition | list[Edition]]) -> None:
        """Run `work(0)` and `work(1)` at once."""
        barrier = Barrier(2)

        def run(number: int) -> None:
            try:
                barrier.wait()
                work(number)
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(run, range(2)))

    def test_a_slot_makes_one_edition(self) -> None:
        """Two beats, one issue."""
        newsletter, publish = tide()
        make_schedule(newsletter)
        publish(published_at=SEVEN - HOUR)
        self.together(lambda _: build_due(SEVEN))
        assert Edition.objects.count() == 1

    def test_two_by_hand_do_not_send_the_same_story_twice(self) -> None:
        """A second apart, both at work: one carries the story, the other is skipped."""
        newsletter, publish = tide()
        publish()

        def press(number: int) -> Edition:
            moment: datetime = NOON + timedelta(seconds=number)
            return build(newsletter, moment, moment, Edition.Kind.MANUAL)

        self.together(press)
        assert sorted(Edition.objects.values_list("state", flat=True)) == ["built", "skipped"]
        assert Story.objects.count() == 1
