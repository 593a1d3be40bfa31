"""After a restore, nothing is sent again that went out before its time, or had no issue yet."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from digest.installation import holds
from digest.installation.models import Hold
from digest.issues.building import build_due
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.recovery import releasing
from digest.recovery.evidence import log
from digest.sending import planning
from tests.cast.articles import make_article, make_source
from tests.cast.issues import make_issue
from tests.cast.newsletters import make_newsletter, make_schedule
from tests.cast.subscribers import make_subscriber

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SLOT = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)  # eight in Berlin, a Tuesday
LINE, BERLIN = "Pacific/Kiritimati", "Europe/Berlin"  # eight comes 13 hours earlier to the first
State = Issue.State


@pytest.fixture(autouse=True)
def data(settings: Settings, tmp_path: Path) -> Path:
    """A data folder of this test's own."""
    settings.DIGEST_DATA_DIR = tmp_path
    return tmp_path


def make_daily(*zones: str, **fields: object) -> Newsletter:
    """Return a newsletter at eight in Berlin, with a story, and a subscriber in each zone."""
    newsletter = make_newsletter(**fields)
    make_schedule(newsletter, time=time(8), timezone=BERLIN, since=SLOT - 8 * DAY)
    make_article(
        make_source(newsletter), published_at=SLOT - 20 * HOUR, first_seen_at=SLOT - 20 * HOUR
    )
    make_issue(newsletter, slot=SLOT - DAY, state=State.SENT, built_at=SLOT - DAY)
    for zone in zones:
        make_subscriber(newsletter, timezone=zone)
    return newsletter


def log_sent(newsletter: Newsletter, slot: datetime, issue: int, mails: int, at: datetime) -> None:
    """Write to the log that an issue of a slot is being sent."""
    values = {"issue": issue, "newsletter": newsletter.pk, "slot": slot.isoformat(), "mails": mails}
    log.append([{"at": at.isoformat(), "event": "sent", **values}], at)


def hold_since(until: datetime, now: datetime) -> Hold:
    """Return a hold of restored data that end at a moment."""
    return holds.begin(Hold.Reason.RESTORED, now, until)


@pytest.mark.parametrize("mails", [90_000, 0])
def test_an_issue_that_an_editor_sent_early_is_set_aside(mails: int) -> None:
    """The log has it, also where sending had just begun; what it does not have goes out later."""
    now = SLOT - 12 * HOUR
    issue = make_issue(slot=SLOT, built_at=now)
    draft = make_issue(slot=SLOT, built_at=now, state=State.DRAFT)
    hold = hold_since(now - 2 * HOUR, now)
    assert releasing.review(hold, now).count_issues() == 0
    for row in (issue, draft):
        log_sent(row.newsletter, row.slot, row.pk, mails, now - HOUR)
    released = releasing.release(hold, now)
    assert (released.pausing, released.skipping) == ([issue], [draft])
    assert planning.plan_built(SLOT + HOUR) == []
    issue.refresh_from_db()
    assert issue.reason.endswith(f"Sent by the log in the data folder: {mails:,} mails.")


def test_a_slot_that_was_built_and_sent_early_is_not_built_again() -> None:
    """The data have no issue of it yet. One that comes before it is skipped with it, visibly."""
    newsletter, now = make_daily(), SLOT - 12 * HOUR
    hold = hold_since(now - 2 * HOUR, now)
    assert releasing.review(hold, now).missed == []
    log_sent(newsletter, SLOT + DAY, 4711, 90, now - HOUR)
    released = releasing.release(hold, now)
    assert [row.slot for row in released.missed] == [SLOT, SLOT + DAY]
    assert [released.mails_of(row) for row in released.missed] == [None, 90]
    assert [issue.slot for issue in build_due(SLOT + 2 * DAY)] == [SLOT + 2 * DAY]


def test_a_slot_whose_time_has_come_in_the_east_is_not_built_again() -> None:
    """Kiritimati had it in the lost hours; the next day's goes out as ever."""
    newsletter = make_daily(LINE, BERLIN, send_in_local_time=True)
    until, now = SLOT - 14 * HOUR, SLOT - 12 * HOUR
    released = releasing.release(hold_since(until, now), now)
    assert [(row.newsletter, row.slot) for row in released.missed] == [(newsletter, SLOT)]
    assert build_due(SLOT + HOUR) == []
    [issue] = build_due(SLOT + 11 * HOUR)
    assert (issue.slot, issue.state) == (SLOT + DAY, State.BUILT)


@pytest.mark.parametrize("zones", [(BERLIN,), (BERLIN, LINE)])
def test_a_slot_whose_time_has_come_to_nobody_is_built(zones: tuple[str, ...]) -> None:
    """Nobody lives in the east, or it is not that time there yet."""
    make_daily(*zones, send_in_local_time=True)
    now = SLOT - (14 * HOUR if LINE in zones else 12 * HOUR)
    assert releasing.release(hold_since(now - HOUR, now), now).missed == []
    assert [issue.slot for issue in build_due(SLOT)] == [SLOT]


def test_a_draft_whose_time_has_come_in_the_east_is_skipped() -> None:
    """It may have been approved since, and sent there; another one waits for its approval."""
    now = SLOT - 12 * HOUR
    eastern, western = (make_daily(zone, send_in_local_time=True) for zone in (LINE, BERLIN))
    draft, _ = (
        make_issue(newsletter, slot=SLOT, built_at=SLOT - 15 * HOUR, state=State.DRAFT)
        for newsletter in (eastern, western)
    )
    assert releasing.review(hold_since(SLOT - 14 * HOUR, now), now).skipping == [draft]


def test_a_slot_that_came_just_before_the_end_of_the_data_is_not_built_again() -> None:
    """The backup was made in the seconds between a slot and its issue."""
    newsletter, now = make_daily(), SLOT + HOUR
    released = releasing.release(hold_since(SLOT + timedelta(seconds=3), now), now)
    assert [(row.newsletter, row.slot) for row in released.missed] == [(newsletter, SLOT)]
    assert build_due(now) == []
