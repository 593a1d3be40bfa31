"""An issue is sent at the schedule's time of day in each subscriber's time zone."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from digest.articles.models import Article
from digest.issues.building import build, build_due
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.relays.retries import Outcome
from digest.rendering.compiled import Compiled
from digest.sending import compiling, control, ledger, planning, sweeping
from digest.sending.models import AnyDelivery, Delivery
from digest.sending.planning import inserting
from digest.subscribers.models import Subscriber
from tests.cast import make_article, make_newsletter, make_schedule, make_source, make_subscriber
from tests.sending.claiming import claim_batch

pytestmark = pytest.mark.django_db

DAY, HOUR, TICK = timedelta(days=1), timedelta(hours=1), timedelta(minutes=15)
SLOT = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)  # seven in Berlin, a Tuesday
LINE, KOLKATA, BERLIN = "Pacific/Kiritimati", "Asia/Kolkata", "Europe/Berlin"
YORK, SAMOA = "America/New_York", "Pacific/Pago_Pago"
EVERYWHERE = {
    LINE: SLOT - 13 * HOUR,
    KOLKATA: SLOT - 4.5 * HOUR,
    BERLIN: SLOT,
    "": SLOT,
    "Mars/Olympus": SLOT,
    YORK: SLOT + 6 * HOUR,
    SAMOA: SLOT + 12 * HOUR,
}
State = Issue.State
SENT = Outcome(Delivery.State.SENT, 250, "2.0.0 ok", attempted=True)


def paper(*zones: str, **fields: object) -> Newsletter:
    """Make a newsletter at seven in Berlin in local time, with a subscriber in each of these zones.

    It has a story of two hours before the first subscriber's time.
    """
    at = {
        "days": list(range(7)),
        "time": time(7),
        "timezone": BERLIN,
        "since": SLOT - DAY + HOUR,
    }
    at |= {name: fields.pop(name) for name in list(fields) if name in {*at, "cron"}}
    newsletter = make_newsletter(**{"send_in_local_time": True} | fields)
    make_schedule(newsletter, **at)
    publish(newsletter, SLOT - 15 * HOUR)
    for zone in zones:
        make_subscriber(newsletter, timezone=zone)
    return newsletter


def publish(newsletter: Newsletter, at: datetime) -> Article:
    """Let a story appear in its feed."""
    source = newsletter.sources.first() or make_source(newsletter)
    return make_article(source, published_at=at, first_seen_at=at)


def planned(now: datetime) -> list[Issue]:
    """Build and plan as beat does at a moment; return what goes out from then on."""
    build_due(now)
    return planning.plan_built(now)


def due(issue: Issue) -> dict[str, datetime]:
    """Return when subscribers are due, by zone."""
    rows = issue.any_deliveries.select_related("subscriber").order_by("at")
    return {row.subscriber.timezone: row.at for row in rows if row.subscriber}


def send(now: datetime) -> list[str]:
    """Send all that is due; return whom it went to, by zone."""
    zones = []
    for issue in ledger.due_issues(now):
        while (batch := claim_batch(issue, 100, now)).rows:
            ledger.record(batch, [(row.id, SENT) for row in batch.rows], now)
            ledger.drop(batch.fence)
            subscribers = Subscriber.objects.in_bulk([row.subscriber_id for row in batch.rows])
            zones += [subscribers[row.subscriber_id].timezone for row in batch.rows]
    return zones


def test_each_subscriber_has_one_row_that_is_due_at_their_own_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In steps; without a zone, or with an unknown one, at the schedule's."""
    monkeypatch.setattr(inserting, "STEP", 2)
    paper(*EVERYWHERE)
    [issue] = planned(SLOT - 13 * HOUR)
    assert issue.slot == SLOT
    assert due(issue) == EVERYWHERE
    assert issue.any_deliveries.count() == len(EVERYWHERE)


def test_an_issue_is_built_when_its_time_comes_to_the_first_subscriber() -> None:
    """Only active subscribers further east count."""
    newsletter = paper(KOLKATA, YORK)
    make_subscriber(timezone=LINE)
    make_subscriber(newsletter, timezone=LINE).subscriptions.update(state="unsubscribed")
    assert build_due(SLOT - 13 * HOUR) == []
    assert build_due(SLOT - 4.5 * HOUR - timedelta(seconds=1)) == []
    [issue] = build_due(SLOT - 4.5 * HOUR)
    assert (issue.slot, issue.state) == (SLOT, State.BUILT)


@pytest.mark.parametrize("zones", [(BERLIN, YORK), ("", "Mars/Olympus"), ()])
def test_nothing_is_built_ahead_for_subscribers_at_home_or_further_west(zones: tuple[str]) -> None:
    """Their issue has news up to the slot."""
    paper(*zones)
    assert build_due(SLOT - timedelta(seconds=1)) == []
    assert [issue.slot for issue in build_due(SLOT)] == [SLOT]


def test_without_the_setting_all_are_due_at_the_slot() -> None:
    """Whatever zone they like to be shown times in."""
    paper(*EVERYWHERE, send_in_local_time=False)
    assert planned(SLOT - timedelta(seconds=1)) == []
    [issue] = planned(SLOT)
    assert set(due(issue).values()) == {SLOT}


def test_a_manual_issue_goes_to_all_at_once() -> None:
    """An editor who presses the button means now."""
    newsletter = paper(*EVERYWHERE)
    now = SLOT - 14 * HOUR
    issue = build(newsletter, now, now, Issue.Kind.MANUAL)
    assert planning.plan_built(now) == [issue]
    assert set(due(issue).values()) == {now}


def test_a_slot_is_built_once_though_the_subscriber_in_the_east_is_gone() -> None:
    """Before its moment and at it; the next one is in no hurry."""
    newsletter = paper(LINE, BERLIN)
    planned(SLOT - 13 * HOUR)
    newsletter.subscriptions.filter(subscriber__timezone=LINE).update(state="unsubscribed")
    publish(newsletter, SLOT + HOUR)
    assert build_due(SLOT - 12 * HOUR) == build_due(SLOT) == build_due(SLOT + DAY - HOUR) == []
    assert [issue.slot for issue in build_due(SLOT + DAY)] == [SLOT + DAY]


def test_changing_the_zone_after_planning_keeps_the_time() -> None:
    """East or west: one mail, at the time that was planned."""
    paper(LINE, BERLIN, YORK)
    planned(SLOT - 13 * HOUR)
    Subscriber.objects.filter(timezone=BERLIN).update(timezone=SAMOA)
    Subscriber.objects.filter(timezone=YORK).update(timezone=KOLKATA)
    mailed: dict[str, int] = {}
    for hour in range(-13, 14):
        planning.plan_built(SLOT + hour * HOUR)
        mailed |= dict.fromkeys(send(SLOT + hour * HOUR), hour)
    assert mailed == {LINE: -13, SAMOA: 0, KOLKATA: 6}
    assert AnyDelivery.objects.count() == 3


def test_a_late_issue_goes_at_once_where_its_time_is_past() -> None:
    """Elsewhere at its time."""
    paper(*EVERYWHERE)
    planned(SLOT + 2 * HOUR)
    assert set(send(SLOT + 2 * HOUR)) == EVERYWHERE.keys() - {YORK, SAMOA}
    assert send(SLOT + 6 * HOUR - TICK) == []
    assert send(SLOT + 6 * HOUR) == [YORK]
    assert send(SLOT + 12 * HOUR) == [SAMOA]


@pytest.mark.parametrize(
    ("policy", "hours", "zones"),
    [
        # Four hours late at most: past at home, and in New York still to come, or just late.
        ("send_late", 5, {YORK, SAMOA}),
        ("send_late", 9, {YORK, SAMOA}),
        ("send_late", 11, {SAMOA}),
        ("send_late", 17, set()),
        ("skip", 5, {YORK, SAMOA}),
        ("skip", 7, {SAMOA}),
        # Its stories are in the next issue, for everybody.
        ("merge", 5, set()),
    ],
)
def test_the_deadline_is_each_subscribers_own(policy: str, hours: int, zones: set[str]) -> None:
    """Found too late for those at home, it still goes to those further west."""
    paper(*EVERYWHERE, catch_up=policy, late_minutes=240)
    planned(SLOT + hours * HOUR)
    issue = Issue.objects.get(slot=SLOT)
    assert due(issue).keys() == zones
    assert (issue.state == State.SKIPPED) == (not zones)


def test_an_issue_paused_over_its_deadline_goes_to_everyone() -> None:
    """The time when it was built decides."""
    paper(*EVERYWHERE)
    [issue] = build_due(SLOT)
    control.pause(issue)
    control.resume(issue)
    planning.plan_built(SLOT + DAY)
    assert due(issue) == EVERYWHERE


def test_subscribing_before_the_local_time_gets_the_issue() -> None:
    """Though it was planned long before; who subscribes after that waits for the next."""
    newsletter = paper(LINE, SAMOA)
    [issue] = planned(SLOT - 13 * HOUR)
    in_time = [make_subscriber(newsletter, timezone=zone) for zone in ("", YORK)]
    late = make_subscriber(newsletter, timezone=KOLKATA)
    planning.plan_built(SLOT - TICK)
    assert due(issue) == {
        LINE: SLOT - 13 * HOUR,
        KOLKATA: SLOT - 4.5 * HOUR,
        SAMOA: SLOT + 12 * HOUR,
    }
    too_late = make_subscriber(newsletter, timezone=KOLKATA)
    for hour in (0, 0, 5, 6, 7):
        planning.plan_built(SLOT + hour * HOUR)
    rows = {row.subscriber: row.at for row in issue.any_deliveries.select_related("subscriber")}
    assert rows[late] == SLOT - 4.5 * HOUR
    assert [rows[subscriber] for subscriber in in_time] == [SLOT, SLOT + 6 * HOUR]
    assert too_late not in rows
    assert len(rows) == 5


def join(newsletter: Newsletter, at: datetime, zone: str = "") -> Subscriber:
    """Let somebody confirm a subscription at a moment."""
    subscriber = make_subscriber(newsletter, timezone=zone)
    newsletter.subscriptions.filter(subscriber=subscriber).update(confirmed_at=at)
    return subscriber


def test_who_joins_after_their_time_waits_though_the_planner_was_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The planner that continues hours later plans for those whom the first would have."""
    newsletter = paper(LINE, LINE, LINE, SAMOA)
    monkeypatch.setattr(inserting, "STEP", 2)
    monkeypatch.setattr(planning, "_begin_sending", kill)
    with pytest.raises(KeyboardInterrupt):
        planned(SLOT - 13 * HOUR)
    monkeypatch.undo()
    issue = Issue.objects.get()
    assert issue.any_deliveries.count() == 2
    late = join(newsletter, SLOT - 12 * HOUR, LINE)
    in_time = join(newsletter, SLOT - 12 * HOUR, KOLKATA)
    for hour in (-11, -10, 0):
        planning.plan_built(SLOT + hour * HOUR)
    assert due(issue) == {
        LINE: SLOT - 13 * HOUR,
        KOLKATA: SLOT - 4.5 * HOUR,
        SAMOA: SLOT + 12 * HOUR,
    }
    subscribers = set(issue.any_deliveries.values_list("subscriber", flat=True))
    assert (late.pk in subscribers, in_time.pk in subscribers) == (False, True)
    assert len(subscribers) == 5


def test_who_joins_after_all_were_to_get_it_waits_for_the_next_issue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where all get it at once, that is when sending began."""
    newsletter = paper("", "", "", send_in_local_time=False)
    monkeypatch.setattr(inserting, "STEP", 2)
    monkeypatch.setattr(planning, "_begin_sending", kill)
    with pytest.raises(KeyboardInterrupt):
        planned(SLOT + TICK)
    monkeypatch.undo()
    late, in_time = join(newsletter, SLOT + HOUR), join(newsletter, SLOT + TICK)
    planning.plan_built(SLOT + 2 * HOUR)
    subscribers = set(Issue.objects.get().any_deliveries.values_list("subscriber", flat=True))
    assert (late.pk in subscribers, in_time.pk in subscribers) == (False, True)
    assert len(subscribers) == 4


def test_who_joins_after_their_time_waits_though_workers_stood_still() -> None:
    """The first round after it plans for those who were subscribed when it was their time."""
    newsletter = paper(LINE, SAMOA)
    [issue] = planned(SLOT - 13 * HOUR)
    in_time, late = join(newsletter, SLOT - HOUR), join(newsletter, SLOT + HOUR)
    planning.plan_built(SLOT + 2 * HOUR)
    subscribers = set(issue.any_deliveries.values_list("subscriber", flat=True))
    assert (late.pk in subscribers, in_time.pk in subscribers) == (False, True)


def kill(_: Issue) -> None:
    """Be killed after the first step."""
    raise KeyboardInterrupt


def test_new_subscribers_of_a_paused_issue_are_planned_on_resuming() -> None:
    """Their time passed meanwhile."""
    newsletter = paper(LINE, SAMOA)
    [issue] = planned(SLOT - 13 * HOUR)
    make_subscriber(newsletter)
    control.pause(issue)
    planning.plan_built(SLOT + HOUR)
    assert "" not in due(issue)
    control.resume(issue)
    planning.plan_built(SLOT + 2 * HOUR)
    assert due(issue)[""] == SLOT


@pytest.mark.parametrize("state", [State.SENT, State.PAUSED, State.CANCELLED])
def test_nobody_is_planned_into_an_issue_that_just_stopped(
    state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a planner's look for what is due and its first step."""
    newsletter = paper(LINE, SAMOA)
    [issue] = planned(SLOT - 13 * HOUR)
    make_subscriber(newsletter)
    compile_first = compiling.compiled_for

    def stop_and_compile(issue: Issue) -> Compiled:
        Issue.objects.filter(pk=issue.pk).update(state=state)
        return compile_first(issue)

    monkeypatch.setattr(planning, "compiled_for", stop_and_compile)
    planning.plan_built(SLOT + HOUR)
    monkeypatch.undo()
    assert set(due(issue)) == {LINE, SAMOA}
    if state == State.PAUSED:
        control.resume(issue)
        planning.plan_built(SLOT + 2 * HOUR)
        assert due(issue)[""] == SLOT


def test_an_early_issue_waits_for_its_slot_when_the_setting_is_switched_off() -> None:
    """Then it goes to all at once."""
    newsletter = paper(*EVERYWHERE)
    [issue] = build_due(SLOT - 13 * HOUR)
    Newsletter.objects.filter(pk=newsletter.pk).update(send_in_local_time=False)
    assert planning.plan_built(SLOT - HOUR) == []
    planning.plan_built(SLOT)
    assert set(due(issue).values()) == {SLOT}


def test_an_issue_ends_when_the_last_subscriber_has_it() -> None:
    """Until then it is going out, a day long."""
    paper(LINE, SAMOA)
    [issue] = planned(SLOT - 13 * HOUR)
    for hour in range(-13, 12):
        send(SLOT + hour * HOUR)
        assert sweeping.sweep(SLOT + hour * HOUR).finished == []
    send(SLOT + 12 * HOUR)
    assert sweeping.sweep(SLOT + 12 * HOUR).finished == [issue]


def test_the_first_subscriber_in_the_east_takes_no_issue_from_the_others() -> None:
    """Three issues a day are built ahead one after the other, each with stories of its own."""
    newsletter = paper(BERLIN, cron="0 8,12,18 * * *", thin="skip", look_back_hours=4)
    morning = SLOT + HOUR
    for hour in range(-24, 36):
        publish(newsletter, SLOT + hour * HOUR)
    build_due(morning - 14 * HOUR)
    built = build_due(morning - HOUR)
    make_subscriber(newsletter, timezone=LINE)
    for tick in range(40 * 4):
        built += build_due(morning - HOUR + tick * TICK)
    today = [morning, morning + 4 * HOUR, morning + 10 * HOUR]
    assert [issue.slot for issue in built][:5] == [*today, morning + DAY, today[1] + DAY]
    assert {issue.state for issue in built} == {State.BUILT}


def test_weekly_issues_are_sent_in_local_time_too() -> None:
    """With what the week's issues had, the one of its last slot included."""
    newsletter = paper(LINE, SAMOA, cadences=["weekly"])
    newsletter.subscriptions.update(cadence="weekly")
    sunday = SLOT + 5 * DAY
    for day in range(-1, 6):
        publish(newsletter, SLOT + day * DAY - 14 * HOUR)
    built = [
        issue
        for hour in range(-14, 24 * 5)
        for issue in planned(SLOT + hour * HOUR)
        if issue.cadence == "weekly"
    ]
    [week] = built
    assert (week.slot, week.stories.count()) == (sunday, 8)
    assert due(week) == {LINE: sunday - 13 * HOUR, SAMOA: sunday + 12 * HOUR}


@pytest.mark.parametrize("cadence", ["every", "daily"])
def test_what_appears_between_building_and_the_slot_is_in_the_next_one(cadence: str) -> None:
    """For subscribers of every issue, and of one a day."""
    newsletter = paper(LINE, cadences=["daily"], look_back_hours=6, thin="skip")
    newsletter.subscriptions.update(cadence=cadence)
    planned(SLOT - 13 * HOUR)
    between = publish(newsletter, SLOT - 11 * HOUR)
    planned(SLOT + 11 * HOUR)
    issue = Issue.objects.get(slot=SLOT + DAY, cadence=cadence)
    assert [story.article_id for story in issue.stories.all()] == [between.pk]


@pytest.mark.parametrize(
    "first",
    [
        date(2026, 11, 24),
        date(2026, 10, 31),  # clocks go back in New York on the second day
        date(2027, 3, 13),  # and forward
        date(2026, 10, 24),  # back in Berlin
    ],
)
def test_over_two_days_each_subscriber_is_mailed_once_a_day_at_seven(first: date) -> None:
    """A tick every half an hour; and no story is lost or sent twice on the way."""
    zones = [LINE, KOLKATA, BERLIN, YORK, SAMOA]
    start = at_seven(first, LINE) - HOUR
    created = {"since": start, "created_at": start - 2 * HOUR}
    newsletter = paper(*zones, thin="skip", look_back_hours=6, **created)
    mailed: dict[str, list[datetime]] = {zone: [] for zone in zones}
    ticks = [start + tick * HOUR / 2 for tick in range(106)]
    for now in ticks:
        if now.hour % 4 == now.minute == 0:
            publish(newsletter, now)
        planned(now)
        for zone in send(now):
            mailed[zone].append(now)
        sweeping.sweep(now)
    days = [first + day * DAY for day in range(3)]
    expected = {zone: [at_seven(day, zone) for day in days] for zone in zones}
    assert mailed == {
        zone: [moment for moment in moments if moment <= ticks[-1]]
        for zone, moments in expected.items()
    }
    assert [len(mailed[zone]) for zone in zones] == [3, 2, 2, 2, 2]
    assert_no_story_is_lost(newsletter)


def at_seven(day: date, zone: str) -> datetime:
    """Return seven o'clock there, in UTC."""
    return datetime.combine(day, time(7), ZoneInfo(zone)).astimezone(UTC)


def assert_no_story_is_lost(newsletter: Newsletter) -> None:
    """Each that appeared before the last issue was built stands in exactly one."""
    issues = newsletter.issues.order_by("slot")
    last = issues.filter(state__in=[State.SENDING, State.SENT]).last()
    assert last
    out = [story.article_id for issue in issues for story in issue.stories.all()]
    window = (newsletter.created_at, last.built_at)
    articles = Article.objects.filter(available_at__range=window).values_list("pk", flat=True)
    assert sorted(filter(None, out)) == sorted(articles)
