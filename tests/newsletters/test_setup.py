"""Setting up what an editor sets up."""

from datetime import time
from typing import Any

import pytest

from digest.core.errors import DigestError
from digest.newsletters import reading, setup
from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import Newsletter, Publication, Schedule
from tests.cast import NOON, make_article, make_layout_block, make_newsletter, make_publication

pytestmark = pytest.mark.django_db

COURIER: dict[str, Any] = {
    "slug": "courier",
    "name": "The Saltmarsh Courier",
    "url": "https://courier.example",
    "postal_address": "1 Quay Street, Saltmarsh",
    "sender_email": "news@courier.example",
    "timezone": "Europe/London",
}
TIDE: dict[str, Any] = {
    "slug": "morning-tide",
    "name": "The Morning Tide",
    "days": [0],
    "at": time(7),
}


def test_a_newsletter_stands_whole() -> None:
    """Sections, schedule and a List-Id that ends with the sender's domain."""
    courier = setup.create_publication(**COURIER, now=NOON)
    tide = setup.create_newsletter(courier, **TIDE, topics={"Sea": ["Harbour", "tides"]}, now=NOON)
    assert tide.list_id == "morning-tide.courier.example"
    assert [block.title for block in tide.layout.all()] == ["", "Sea", "Latest Stories", ""]
    assert (tide.schedule.timezone, tide.schedule.since) == ("Europe/London", NOON)


@pytest.mark.parametrize(
    "wrong",
    [
        {"slug": "The Courier"},
        {"name": "Courier\r\nBcc: e@e.example"},
        {"name": " "},
        {"url": "javascript:alert(1)"},
        {"postal_address": "\n "},
        {"sender_email": "no address"},
        {"sender_email": "a@b.example\r\nBcc: e@e.example"},
        {"timezone": "Mars/Olympus"},
        {"timezone": "../../etc/passwd"},
        {"accent": "red"},
        {"accent": "#1d4e89\n"},
        {"logo_url": "file:///etc/passwd"},
        {"url": "https://courier.example/" + "x" * 2000},
        {"url": "http://localhost/\x00"},
        {"postal_address": "1 Quay Street\x00"},
        {"tagline": "x" * 301},
        {"language": "English please"},
        {"reply_to": "nobody"},
    ],
)
def test_a_publication_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    """One clear error, and nothing stored."""
    with pytest.raises(DigestError):
        setup.create_publication(**(COURIER | wrong), now=NOON)
    assert not Publication.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"slug": "x" * 51},
        {"name": "Tide\u2028Bcc: x"},
        {"at": None},
        {"days": []},
        {"cron": "every day"},
        {"timezone": "Nowhere"},
        {"max_stories": 0},
        {"min_stories": 5, "max_stories": 4},
        {"thin": "whatever"},
        {"days": [7]},
        {"days": [-1]},
        {"cron": "0,1 " * 80},
        {"look_back_hours": -1},
        {"look_back_hours": 0},
        {"widen_hours": 2**31 - 1},
        {"late_minutes": 2**31 - 1},
        {"max_stories": 101},
        {"language": "??"},
        {"topics": {"Sea": [" "]}},
    ],
)
def test_a_newsletter_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    """One clear error, and nothing half done."""
    courier = make_publication()
    with pytest.raises(DigestError):
        setup.create_newsletter(courier, **(TIDE | wrong), now=NOON)
    assert not Newsletter.objects.exists()
    assert not Schedule.objects.exists()


def test_a_slug_is_taken_once() -> None:
    """The second one hears which name is taken."""
    courier = setup.create_publication(**COURIER, now=NOON)
    setup.create_newsletter(courier, **TIDE, now=NOON)
    with pytest.raises(NewsletterError, match="newsletter 'morning-tide' already"):
        setup.create_newsletter(courier, **TIDE, now=NOON)


def test_picking_adds_a_block_at_the_head_once() -> None:
    """The first pick adds the block; picking again changes nothing."""
    newsletter, article = make_newsletter(), make_article()
    setup.pick(newsletter, article, NOON)
    setup.pick(newsletter, article, NOON)
    setup.pick(newsletter, make_article(), NOON)
    lead, first, *_ = newsletter.layout.all()
    assert lead.kind == "lead"
    assert first.kind == "picked"
    assert [p.position for p in first.picks.all()] == [0, 1]


def test_a_block_can_be_picked_into_if_editors_fill_it() -> None:
    """Latest Stories fills itself."""
    newsletter, article = make_newsletter(), make_article()
    choice = make_layout_block(newsletter, kind="picked", title="Long reads")
    assert setup.pick(choice, article, NOON).block == choice
    with pytest.raises(NewsletterError, match="'Latest Stories' fills itself"):
        setup.pick(newsletter.layout.get(kind="latest"), article, NOON)


def test_a_changed_schedule_owes_nothing_from_before() -> None:
    """A time earlier in the day is not made up for; the newsletter has one schedule, saved."""
    courier = setup.create_publication(**COURIER, now=NOON)
    tide = setup.create_newsletter(courier, **TIDE, now=NOON)
    later = NOON.replace(hour=18)
    schedule = setup.set_schedule(tide, days=[0], at=time(6, 30, 59), now=later)
    assert (schedule.time, schedule.since) == (time(6, 30), later)
    assert Schedule.objects.get() == schedule == Newsletter.objects.get().schedule


def test_starting_a_newsletter_that_runs_keeps_what_is_due() -> None:
    """Though the one who asks has seen it stopped."""
    courier = setup.create_publication(**COURIER, now=NOON)
    tide = setup.create_newsletter(courier, **TIDE, now=NOON)
    tide.state = "paused"  # as read before another editor started it
    setup.set_state(tide, "live", NOON.replace(year=2027))
    assert Schedule.objects.get().since == NOON


def test_the_list_keeps_its_name_when_the_sender_moves() -> None:
    """RFC 2919 §6: filters know the list by it."""
    courier = setup.create_publication(**COURIER, now=NOON)
    tide = setup.create_newsletter(courier, **TIDE, now=NOON)
    courier.sender_email = "news@elsewhere.example"
    courier.save()
    setup.set_schedule(tide, cron="0 7 * * *", now=NOON)
    assert Newsletter.objects.get().list_id == "morning-tide.courier.example"


def test_a_list_under_a_foreign_domain_is_named_in_ascii() -> None:
    """RFC 2919 §2: a list's name is a dot-atom, so the domain is in A-labels."""
    courier = setup.create_publication(
        **COURIER | {"sender_email": "news@bücher.example"}, now=NOON
    )
    tide = setup.create_newsletter(courier, **TIDE, now=NOON)
    assert tide.list_id == "morning-tide.xn--bcher-kva.example"


def test_a_restarted_newsletter_owes_nothing() -> None:
    """What fell due while it was stopped is not made up for."""
    courier = setup.create_publication(**COURIER, now=NOON)
    tide = setup.create_newsletter(courier, **TIDE, now=NOON)
    later = NOON.replace(year=2027)
    setup.set_state(tide, "paused", NOON)
    setup.set_state(tide, "live", later)
    assert Schedule.objects.get().since == later


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("daily", [0, 1, 2, 3, 4, 5, 6]),
        ("mon-fri", [0, 1, 2, 3, 4]),
        ("Mon, wed,FRI", [0, 2, 4]),
        ("sat-mon", [0, 5, 6]),
        ("sunday", [6]),
        ("tues-Thurs", [1, 2, 3]),
    ],
)
def test_days_are_read(text: str, days: list[int]) -> None:
    """As people write them."""
    assert reading.parse_days(text) == days


@pytest.mark.parametrize("text", ["", "funday", "mon-", "1-5", ",", "monkey", "mo"])
def test_no_day_is_refused(text: str) -> None:
    """With the days there are."""
    with pytest.raises(NewsletterError, match="mon, tue"):
        reading.parse_days(text)


@pytest.mark.parametrize("text", ["24:00", "7", "07:60", "seven", "-1:00"])
def test_no_time_is_refused(text: str) -> None:
    """With an example."""
    with pytest.raises(NewsletterError, match="07:00"):
        reading.parse_time(text)


@pytest.mark.parametrize(
    ("text", "cadences"),
    [
        ("weekly", ["weekly"]),
        ("Weekly, daily,weekly", ["daily", "weekly"]),
        ("none", []),
        ("every", []),
    ],
)
def test_cadences_are_read(text: str, cadences: list[str]) -> None:
    """Each once; every issue is offered anyway."""
    assert reading.parse_cadences(text) == cadences


def test_a_newsletter_offers_what_was_said() -> None:
    """From the beginning; a change touches nothing else."""
    courier = setup.create_publication(**COURIER, now=NOON)
    offer: dict[str, Any] = {
        "cadences": ["weekly"],
        "state": "private",
        "welcome_with_latest": True,
    }
    tide = setup.create_newsletter(courier, **TIDE, **offer, now=NOON)
    setup.set_offer(tide, cadences=["daily"])
    tide.refresh_from_db()
    assert (tide.cadences, tide.state, tide.welcome_with_latest) == (["daily"], "private", True)
    with pytest.raises(NewsletterError, match="'hourly' cannot be offered"):
        setup.create_newsletter(courier, **TIDE | {"slug": "ebb"}, cadences=["hourly"], now=NOON)
