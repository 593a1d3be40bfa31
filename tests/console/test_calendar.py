"""The calendar of issues: what stands on which day, and moving an issue to another."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from digest.accounts.models import AuditEntry, User
from digest.issues import agenda
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from tests.browser import chromium_page, in_browser, sign_in
from tests.cast.issues import make_issue, make_story
from tests.cast.newsletters import make_newsletter, make_publication, make_schedule
from tests.clock import NOON
from tests.console import houses

pytestmark = pytest.mark.django_db
ADDRESS = "/admin/calendar/"


@pytest.fixture
def tide() -> Newsletter:
    """A newsletter in Berlin that goes out every day at seven."""
    newsletter = make_newsletter(
        name="The Morning Tide", publication=make_publication(timezone="Europe/Berlin")
    )
    make_schedule(newsletter, timezone="Europe/Berlin", cron="0 7 * * *", time=None, days=[])
    return newsletter


def days_of(ada_client: Client, **query: Any) -> dict[date, list[str]]:
    """Return the times and titles of each day that has some."""
    days = ada_client.get(ADDRESS, query).context["days"]
    return {
        day.date: [f"{item.time} {item.title}" for item in day.items] for day in days if day.items
    }


def test_a_month_is_whole_weeks(ada_client: Client) -> None:
    """From Monday on; November 2026 begins on a Sunday."""
    page = ada_client.get(ADDRESS, {"day": "2026-11-11"})
    days = [day.date for day in page.context["days"]]
    assert (days[0], days[-1]) == (date(2026, 10, 26), date(2026, 12, 6))
    assert "November 2026" in page.content.decode()


def test_slots_without_an_issue_are_shown(ada_client: Client, tide: Newsletter) -> None:
    """From now on, in the publication's zone; one that has an issue is that issue."""
    make_issue(tide, slot=datetime(2026, 11, 25, 6, tzinfo=UTC), subject="Seals return")
    days = days_of(ada_client, view="week", day="2026-11-23")
    assert date(2026, 11, 23) not in days  # it is noon, seven is over
    assert days[date(2026, 11, 24)] == ["07:00 The Morning Tide"]
    assert days[date(2026, 11, 25)] == ["07:00 Seals return"]
    assert len(days) == 6


def test_an_issue_stands_where_a_person_moved_it(ada_client: Client, tide: Newsletter) -> None:
    """And its slot does not come again."""
    slot = datetime(2026, 11, 25, 6, tzinfo=UTC)
    moved = slot + timedelta(days=1, hours=3)
    make_issue(tide, slot=slot, send_at=moved, subject="Seals return")
    days = days_of(ada_client, view="week", day="2026-11-23")
    assert date(2026, 11, 25) not in days
    assert days[date(2026, 11, 26)] == ["07:00 The Morning Tide", "10:00 Seals return"]


def test_midnight_is_the_zones(ada_client: Client, tide: Newsletter) -> None:
    """Half past eleven at night in UTC is the next day in Berlin."""
    make_issue(tide, slot=datetime(2026, 11, 25, 23, 30, tzinfo=UTC), subject="Late")
    assert "00:30 Late" in days_of(ada_client, view="week", day="2026-11-23")[date(2026, 11, 26)]


def test_drafts_that_wait_for_a_person_stand_below(ada_client: Client, tide: Newsletter) -> None:
    """They have no time."""
    make_issue(tide, kind=Issue.Kind.MANUAL, state=Issue.State.DRAFT, subject="An appeal")
    page = ada_client.get(ADDRESS)
    assert [issue.subject for issue in page.context["untimed"]] == ["An appeal"]
    assert "Drafts without a time" in page.content.decode()
    assert date(2026, 11, 23) not in days_of(ada_client)


def test_it_can_be_moved(ada_client: Client, tide: Newsletter) -> None:
    """The time is the publication's; it is recorded, and the calendar shows that day."""
    issue = make_issue(tide, slot=NOON + timedelta(hours=3))
    make_story(issue)
    form = {"issue": issue.pk, "revision": issue.revision, "at": "2026-12-02T08:15", "view": "week"}
    answer = ada_client.post(f"{ADDRESS}move/", form, follow=True)
    issue.refresh_from_db()
    assert issue.send_at == datetime(2026, 12, 2, 7, 15, tzinfo=UTC)
    assert answer.redirect_chain == [(f"{ADDRESS}?view=week&day=2026-12-02", 302)]
    assert "Wed 02 Dec 2026, 08:15 CET" in answer.content.decode()
    assert AuditEntry.objects.filter(action__startswith="schedule: ").count() == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"at": "yesterday"}, "Choose a day and a time."),
        ({"at": "2026-11-22T07:00"}, "Choose a time within the next 90 days."),
        ({"revision": "7"}, "Somebody changed this issue meanwhile."),
        ({"revision": "seven"}, "This page is out of date."),
    ],
)
def test_what_cannot_be_moved_says_why(
    ada_client: Client, tide: Newsletter, change: dict[str, str], message: str
) -> None:
    """And stays where it is."""
    issue = make_issue(tide, slot=NOON + timedelta(hours=3))
    make_story(issue)
    form = {"issue": issue.pk, "revision": issue.revision, "at": "2026-12-02T08:15"} | change
    assert message in ada_client.post(f"{ADDRESS}move/", form, follow=True).content.decode()
    issue.refresh_from_db()
    assert issue.send_at is None


@pytest.mark.parametrize("value", ["", "x", "0001-01-01", "9999-12-31", "2026-02-30", "<b>"])
def test_a_day_that_is_none_is_today(ada_client: Client, tide: Newsletter, value: str) -> None:
    """Nothing breaks far away."""
    for view in ("week", "month"):
        answer = ada_client.get(
            ADDRESS, {"day": value, "view": view, "zone": value, "newsletter": value}
        )
        assert answer.status_code == 200
        assert answer.context["span"].day == NOON.date()


def test_an_issue_on_its_way_stays(tide: Newsletter) -> None:
    """Nor does a slot move: that is its schedule's."""
    issues = [
        make_issue(tide, slot=NOON + timedelta(hours=n), state=state, planned_at=planned)
        for n, (state, planned) in enumerate(
            [("built", None), ("built", NOON), ("sending", NOON), ("sent", NOON), ("skipped", None)]
        )
        if state != "skipped"
    ]
    rows = agenda.entries(Issue.objects.all(), [tide], NOON, NOON + timedelta(days=1), NOON)
    movable = [row.issue for row in rows if row.can_move]
    assert movable == issues[:1]


@in_browser
@pytest.mark.django_db(transaction=True)
def test_dragging_asks_before_it_moves(live_server: LiveServer) -> None:
    """The dialog names the day; closed, the issue is where it was, and confirmed, it is moved."""
    slot = NOON + timedelta(hours=3)
    issue = make_issue(make_newsletter(), slot=slot)
    make_story(issue)
    User.objects.create_superuser("ada@courier.example", houses.PASSWORD)
    with chromium_page(viewport={"width": 1280, "height": 900}) as page:
        week = f"{live_server.url}{ADDRESS}?view=week"
        sign_in(page, week, "ada@courier.example", houses.PASSWORD)
        item, thursday = page.locator(f"#issue-{issue.pk}"), page.locator("[data-day='2026-11-26']")
        time = page.get_by_label("Send at")
        for button in ("Keep the time", "Change time"):
            item.locator(".grip").hover()
            page.mouse.down()
            thursday.hover()
            thursday.hover(position={"x": 20, "y": 20})
            page.mouse.up()
            expect(time).to_have_value("2026-11-26T15:00")
            page.get_by_role("button", name=button).click()
            expect(time).to_be_hidden()
            issue.refresh_from_db()
            assert page.locator("[data-day='2026-11-23']").locator(item).count() == (
                issue.send_at is None
            )
        page.wait_for_url("**day=2026-11-26")
    issue.refresh_from_db()
    assert issue.goes_at == slot + timedelta(days=3)


def test_an_hourly_schedule_is_bounded(tide: Newsletter) -> None:
    """One that sends every minute does not fill the page."""
    tide.schedule.cron = "* * * * *"
    rows = agenda.entries(Issue.objects.all(), [tide], NOON, NOON + timedelta(days=30), NOON)
    assert len(rows) == agenda.MOST_SLOTS
