"""Issues of days and weeks, for subscribers who don't want every issue."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from digest.articles.models import Article
from digest.issues import approval
from digest.issues.building import build, build_due
from digest.issues.models import Issue
from digest.newsletters import setup
from digest.newsletters.choices import BlockKind
from digest.newsletters.models import Cadence, Newsletter, Pick, Schedule
from digest.subscribers.segments import saving
from tests.cast.articles import make_article, make_source
from tests.cast.newsletters import make_appeal, make_layout_block, make_newsletter, make_schedule
from tests.cast.subscribers import make_subscriber
from tests.clock import NOON
from tests.concurrency import run_at_once

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)  # midnight in London
SUNDAY_NIGHT = MONDAY + 6 * DAY + 19 * HOUR
State = Issue.State

pytestmark = pytest.mark.django_db


def weekly(
    cron: str = "0 7,19 * * *", offers: str = "weekly", **fields: object
) -> tuple[Newsletter, Callable[..., Article]]:
    """Return a newsletter with a weekly subscriber, and a way to publish in it."""
    since = fields.pop("since", MONDAY)
    newsletter = make_newsletter(**{"cadences": [offers], "created_at": since} | fields)
    make_schedule(newsletter, cron=cron, days=[], time=None, since=since)
    source = make_source(newsletter)
    choose(newsletter, offers)
    return newsletter, lambda title, at: make_article(
        source, title=title, published_at=at, first_seen_at=at
    )


def choose(newsletter: Newsletter, cadence: str) -> None:
    """Add a subscriber of this cadence."""
    make_subscriber(newsletter).subscriptions.update(cadence=cadence)


def ticks(
    start: datetime, days: float, step: timedelta = HOUR, *, at_all_hours: bool = False
) -> list[Issue]:
    """Let beat look again and again (on the hour); return what it built and skipped.

    It looks in the hours around those of the schedules, if not at all of them.
    """
    hours = {
        (int(hour) + nearby) % 24
        for cron in Schedule.objects.values_list("cron", flat=True)
        for hour in cron.split()[1].split(",")
        for nearby in (-2, -1, 0, 1)  # London's hour is one more than UTC's in summer
    }
    moments = [start + number * step for number in range(int(timedelta(days=days) / step) + 1)]
    return [
        issue
        for moment in moments
        if at_all_hours or moment.hour in hours
        for issue in build_due(moment)
    ]


def of(cadence: str, issues: list[Issue]) -> list[Issue]:
    """Pick out the issues of one cadence."""
    return [issue for issue in issues if issue.cadence == cadence]


def titles(issue: Issue) -> list[str]:
    """Return what goes out."""
    return [story.title for story in issue.stories.all()]


def test_a_weekly_subscriber_gets_the_weeks_stories_once() -> None:
    """At the last slot of the week, all that the issues had; the next week only what is new."""
    newsletter, publish = weekly(max_stories=50)
    week = {publish(f"Day {day}", MONDAY + day * DAY + 8 * HOUR).title for day in range(7)}
    late = publish("After the last slot", SUNDAY_NIGHT + HOUR)
    after = publish("Next Wednesday", MONDAY + 9 * DAY)
    issues = ticks(MONDAY, 15, at_all_hours=True)
    first, second = of("weekly", issues)
    assert (first.slot, first.state) == (SUNDAY_NIGHT, State.BUILT)
    assert set(titles(first)) == week
    assert second.slot == SUNDAY_NIGHT + 7 * DAY
    assert set(titles(second)) == {late.title, after.title}
    went_out = [issue for issue in of("every", issues) if issue.state == State.BUILT]
    assert {title for issue in went_out for title in titles(issue)} == {
        *week,
        late.title,
        after.title,
    }
    assert newsletter.issues.filter(cadence="weekly").count() == 2


def test_a_daily_issue_holds_the_days_stories() -> None:
    """Built at the last of three slots; the next day's has none of them."""
    _, publish = weekly("0 7,13,19 * * *", offers="daily")
    for hour in (5, 10, 16, 30):
        publish(f"Hour {hour}", MONDAY + hour * HOUR)
    daily = of("daily", ticks(MONDAY, 2))
    assert [issue.slot for issue in daily] == [MONDAY + 19 * HOUR, MONDAY + DAY + 19 * HOUR]
    assert [sorted(titles(issue)) for issue in daily] == [
        ["Hour 10", "Hour 16", "Hour 5"],
        ["Hour 30"],
    ]


def test_without_a_subscriber_there_is_no_issue() -> None:
    """Not even a row; who has not confirmed or has left is not a subscriber."""
    newsletter, publish = weekly()
    publish("Seals", MONDAY + HOUR)
    newsletter.subscriptions.update(state="unsubscribed")
    assert of("weekly", ticks(MONDAY, 7)) == []


def test_what_is_not_offered_is_not_built() -> None:
    """However many once chose it."""
    newsletter, publish = weekly(cadences=[])
    publish("Seals", MONDAY + HOUR)
    choose(newsletter, "daily")
    assert {issue.cadence for issue in ticks(MONDAY, 7)} == {"every"}


def test_a_thin_week_is_skipped_and_made_up_for() -> None:
    """Its row says why, and its story is in the next week's issue."""
    _, publish = weekly(min_stories=2)
    publish("Alone", MONDAY + DAY)
    publish("Company", MONDAY + 8 * DAY)
    first, second = of("weekly", ticks(MONDAY, 14))
    assert first.state == State.SKIPPED
    assert first.reason.startswith("1 new story, at least 2 required")
    assert sorted(titles(second)) == ["Alone", "Company"]


def test_a_newsletter_that_skips_thin_issues_makes_up_for_nothing() -> None:
    """As its editor wished."""
    _, publish = weekly(min_stories=2, thin="skip")
    publish("Alone", MONDAY + DAY)
    for day in (8, 9):
        publish(f"Day {day}", MONDAY + day * DAY)
    _, second = of("weekly", ticks(MONDAY, 14))
    assert sorted(titles(second)) == ["Day 8", "Day 9"]


@pytest.mark.parametrize(
    ("policy", "out", "reason"),
    [
        ("send_late", ["Day 1", "Day 8"], "makes up for it"),
        ("merge", ["Day 1", "Day 8"], "makes up for it"),
        ("skip", ["Day 8"], "skips what it missed"),
    ],
)
def test_a_missed_last_slot_skips_the_week_too(policy: str, out: list[str], reason: str) -> None:
    """What is decided on the issue holds for both; the next week makes up for it, or not."""
    _, publish = weekly(catch_up=policy)
    publish("Day 1", MONDAY + DAY)
    ticks(MONDAY, 6)
    missed, *_ = of("weekly", build_due(SUNDAY_NIGHT + 13 * HOUR))
    assert (missed.slot, missed.state) == (SUNDAY_NIGHT, State.SKIPPED)
    assert reason in missed.reason
    publish("Day 8", MONDAY + 8 * DAY)
    [issue] = of("weekly", ticks(SUNDAY_NIGHT + 14 * HOUR, 7))
    assert sorted(titles(issue)) == out


def test_a_late_issue_brings_the_weeks_issue_along() -> None:
    """An hour late is still in time, for both."""
    _, publish = weekly()
    publish("Sunday", SUNDAY_NIGHT - HOUR)
    ticks(MONDAY, 6)
    late = [issue for issue in build_due(SUNDAY_NIGHT + HOUR) if issue.slot == SUNDAY_NIGHT]
    assert {(issue.cadence, issue.state) for issue in late} == {
        ("every", State.BUILT),
        ("weekly", State.BUILT),
    }
    assert build_due(SUNDAY_NIGHT + HOUR) == []


def test_a_week_of_weekdays_carries_the_weekend_before() -> None:
    """It goes out on Friday; what came on Saturday is in the next one, and in no other."""
    _, publish = weekly("0 17 * * 1-5", thin="skip")
    publish("Thursday", MONDAY + 3 * DAY)
    publish("Saturday", MONDAY + 5 * DAY)
    publish("Tuesday", MONDAY + 8 * DAY)
    first, second = of("weekly", ticks(MONDAY, 14))
    assert titles(first) == ["Thursday"]
    assert sorted(titles(second)) == ["Saturday", "Tuesday"]


@pytest.mark.parametrize(
    ("monday", "slots"),
    [
        # Midnight in London is 23:00 UTC in summer: the week turns there.
        (datetime(2026, 3, 23, tzinfo=UTC), [(29, 22, 30), (5, 22, 30)]),
        (datetime(2026, 10, 18, 23, tzinfo=UTC), [(25, 23, 30), (1, 23, 30)]),
    ],
)
def test_weeks_turn_at_local_midnight_when_clocks_change(
    monday: datetime, slots: list[tuple[int, int, int]]
) -> None:
    """With slots at half past midnight and half past 23, a story goes where its local day is."""
    _, publish = weekly("30 0,23 * * *", since=monday)
    turn = datetime(monday.year, monday.month, slots[0][0], slots[0][1], 30, tzinfo=UTC)
    publish("Just before", turn - MINUTE)
    publish("Just after", turn + MINUTE)
    issues = of("weekly", ticks(monday, 14.5, 30 * MINUTE))
    assert [(issue.slot.day, issue.slot.hour, issue.slot.minute) for issue in issues] == slots
    assert [titles(issue) for issue in issues] == [["Just before"], ["Just after"]]


def test_what_led_the_issues_leads_the_week() -> None:
    """Each day's lead comes before the rest, the latest first, though there is room for few."""
    _, publish = weekly("0 19 * * *", max_stories=3)
    for day in range(3):
        publish(f"Minor {day}", MONDAY + day * DAY + HOUR)
        publish(f"Lead {day}", MONDAY + day * DAY + 2 * HOUR)
    [issue] = of("weekly", ticks(MONDAY, 7))
    assert titles(issue) == ["Lead 2", "Lead 1", "Lead 0"]


def test_picked_stories_of_the_week_are_in_its_issue() -> None:
    """One may lead; a pick that still waits for an issue goes on waiting."""
    newsletter, publish = weekly("0 19 * * *")
    old = make_article(title="From the archive", published_at=NOON - 90 * DAY)
    setup.pick(newsletter, old, MONDAY)
    publish("News", MONDAY + HOUR)
    ticks(MONDAY, 6)
    assert not Pick.objects.exists()
    waiting = setup.pick(
        newsletter, make_article(title="Waits", published_at=NOON - 80 * DAY), NOON
    )
    issue = build(newsletter, SUNDAY_NIGHT, SUNDAY_NIGHT, cadence=Cadence.WEEKLY)
    assert [(story.block.kind, story.title) for story in issue.stories.all()] == [
        ("lead", "From the archive"),
        ("latest", "News"),
    ]
    assert [str(story.selected_by) for story in issue.stories.all()] == [
        "Editors' Choice",
        "Latest Stories",
    ]
    assert Pick.objects.get() == waiting


def test_a_manual_issue_went_to_weekly_subscribers_too() -> None:
    """So its stories are not in their issue again; and it does not belong to a slot."""
    newsletter, publish = weekly()
    publish("By hand", MONDAY + HOUR)
    at = MONDAY + 2 * HOUR
    issue = build(newsletter, at, at, Issue.Kind.MANUAL)
    assert (issue.cadence, titles(issue)) == ("every", ["By hand"])
    publish("Later", MONDAY + DAY)
    [issue] = of("weekly", ticks(MONDAY + 3 * HOUR, 7))
    assert titles(issue) == ["Later"]


@pytest.mark.parametrize("limit", ["segment", "topic", "block"])
def test_what_a_few_were_sent_counts_for_nobody(limit: str) -> None:
    """An issue for a segment or a topic, or a block for one: the others have the story to come."""
    newsletter, publish = weekly("0 7 * * *")
    choose(newsletter, "every")
    donors = saving.create(newsletter.publication, "Donors", {"rules": []}, MONDAY)
    publish("For a few", MONDAY + HOUR)
    at = MONDAY + 2 * HOUR
    manual = build(newsletter, at, at, Issue.Kind.MANUAL)
    assert titles(manual) == ["For a few"]
    if limit == "block":
        manual.blocks.update(segment=donors)
    else:
        manual.segment = donors if limit == "segment" else None
        manual.only_topics = ["Harbour"] if limit == "topic" else []
        manual.save()
    issues = ticks(MONDAY + 3 * HOUR, 7)
    assert titles(of("every", issues)[0]) == ["For a few"]
    assert titles(of("weekly", issues)[0]) == ["For a few"]


def test_each_cadence_has_its_own_turn_of_appeals() -> None:
    """The week's issue asks what its own subscribers saw longest ago."""
    newsletter, publish = weekly("0 19 * * *")
    for heading in ("One", "Two"):
        make_appeal(newsletter.publication, heading=heading, starts_at=MONDAY)
    for day in range(14):
        publish(f"Day {day}", MONDAY + day * DAY + HOUR)
    appeals = [
        appeal for issue in of("weekly", ticks(MONDAY, 14)) for appeal in approval.appeals_of(issue)
    ]
    assert [appeal.heading for appeal in appeals] == ["One", "Two"]


def test_a_story_names_all_topics_that_it_is_about() -> None:
    """Whichever section it stands in; Latest Stories are not a topic."""
    newsletter, _ = weekly()
    for title, tags in {"Harbour": ["port"], "Fishing": ["Fish", "nets"]}.items():
        make_layout_block(newsletter, kind=BlockKind.TOPIC, title=title, topics=tags)
    source = newsletter.sources.get()
    for title, tags in {"Both": ["PORT", "fish"], "One": ["nets"], "None": ["opera"]}.items():
        make_article(source, title=title, tags=tags, published_at=MONDAY)
    issue = build(newsletter, MONDAY + HOUR, MONDAY + HOUR)
    topics = {story.title: story.topics for story in issue.stories.all()}
    assert topics == {"Both": ["Harbour", "Fishing"], "One": ["Fishing"], "None": []}


@pytest.mark.django_db(transaction=True)
def test_two_builders_make_one_issue_of_each_cadence() -> None:
    """Two beats at the last slot of the week."""
    _, publish = weekly()
    publish("Seals", SUNDAY_NIGHT - HOUR)
    ticks(MONDAY, 6)
    before = Issue.objects.count()
    run_at_once(*[lambda: build_due(SUNDAY_NIGHT)] * 2)
    last = Issue.objects.filter(slot=SUNDAY_NIGHT)
    assert sorted(last.values_list("cadence", flat=True)) == ["every", "weekly"]
    assert Issue.objects.filter(cadence="weekly").count() == 1
    assert Issue.objects.count() > before
