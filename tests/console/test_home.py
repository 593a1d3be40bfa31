"""Home: what waits, what is next, and what the buttons beside a problem did."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from digest.accounts.models import AuditEntry
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter, Schedule
from tests.cast.articles import make_source
from tests.cast.issues import make_issue
from tests.cast.newsletters import make_newsletter, make_schedule
from tests.clock import NOON

pytestmark = pytest.mark.django_db
TOMORROW = datetime(2026, 11, 24, 7, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def tide() -> Newsletter:
    """A newsletter that goes out every day at seven; it is noon."""
    newsletter = make_newsletter(slug="tide", name="The Morning Tide")
    make_schedule(newsletter, timezone="UTC", cron="0 7 * * *", time=None, days=[])
    return newsletter


def upcoming(client: Client) -> list[tuple[str, datetime | None]]:
    """Names and moments, as Home lists them."""
    return [(row.name, row.moment) for row in client.get("/admin/").context["upcoming"]]


def test_abandoned_drafts_hide_nothing_that_goes_out(ada_client: Client, tide: Newsletter) -> None:
    """However many there are of them; the latest are listed."""
    for number in range(30):
        moment = NOON - DAY * (number + 1)
        kind = {"state": "draft", "kind": Issue.Kind.MANUAL, "built_at": moment, "slot": moment}
        make_issue(tide, subject=f"Draft {number}", **kind)
    make_issue(tide, state="built", subject="Seals return", slot=TOMORROW)
    rows = upcoming(ada_client)
    assert ("Seals return", TOMORROW) in rows
    assert ("Draft 0", NOON - DAY) in rows
    assert "Draft 29" not in dict(rows)
    assert "The Morning Tide" not in dict(rows)  # its next slot has that issue


@pytest.mark.parametrize("state", ["skipped", "sent", "cancelled"])
def test_a_slot_whose_issue_is_over_is_not_the_next(
    ada_client: Client, tide: Newsletter, state: str
) -> None:
    """It goes out the day after."""
    make_issue(tide, state=state, slot=TOMORROW, finished_at=NOON, reason="As wished.")
    assert upcoming(ada_client) == [("The Morning Tide", TOMORROW + DAY)]


def test_an_issue_that_was_moved_leaves_no_slot_behind(
    ada_client: Client, tide: Newsletter
) -> None:
    """It is listed once, at its new time."""
    later = TOMORROW + timedelta(hours=9)
    make_issue(tide, state="built", subject="Seals return", slot=TOMORROW, send_at=later)
    assert upcoming(ada_client) == [("Seals return", later)]


def test_a_schedule_that_cannot_be_read_leaves_home_open(
    ada_client: Client, tide: Newsletter
) -> None:
    """As after an update of the list of time zones."""
    Schedule.objects.update(timezone="Asia/Atlantis")
    page = ada_client.get("/admin/").content.decode()
    assert "no time in its schedule" in page


def test_a_check_that_fails_is_not_reported_as_a_success(
    ada_client: Client, tide: Newsletter
) -> None:
    """The button beside a failing source says what went wrong, as an error."""
    source = make_source(tide, url="http://127.0.0.1:9/feed.xml", failures=3)
    answer = ada_client.post("/admin/home/poll/", {"key": source.pk}, follow=True)
    source.refresh_from_db()
    messages = [(row.level_tag, str(row)) for row in answer.context["messages"]]
    assert messages == [("error", source.problem)]
    entry = AuditEntry.objects.get()
    assert (entry.action[:5], entry.publication_id) == ("poll:", source.publication_id)


@pytest.mark.parametrize("key", ["", "abc", "²", "9" * 5_000, "-1"])
def test_a_button_for_nothing_is_not_found(ada_client: Client, key: str) -> None:
    """Its key is always a number."""
    assert ada_client.post("/admin/home/poll/", {"key": key}).status_code == 404
