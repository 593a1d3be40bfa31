"""A newsletter's own page: every card keeps what can be, says why not, and changes nothing then."""

from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from digest.accounts.models import AuditEntry
from digest.articles import pushing
from digest.articles.models import Source
from digest.newsletters.models import Newsletter, Role, Schedule
from digest.newsletters.publicity import states
from digest.subscribers.models import Subscription
from tests.articles.publisher import Answer, publishing
from tests.browser import chromium_page, in_browser
from tests.cast.accounts import browser_of, make_superuser
from tests.cast.articles import make_source
from tests.cast.issues import make_issue, make_story
from tests.cast.newsletters import (
    make_layout_block,
    make_member,
    make_newsletter,
    make_publication,
    make_schedule,
)
from tests.cast.subscribers import make_subscriber
from tests.clock import LONG_AGO, NOON

pytestmark = pytest.mark.django_db
Fields = dict[str, Any]


@pytest.fixture
def tide() -> Newsletter:
    """The Morning Tide, with a schedule and a topic block."""
    newsletter = make_newsletter(slug="tide")
    make_schedule(newsletter)
    make_layout_block(newsletter, kind="topic", title="Harbour", topics=["harbour"])
    return newsletter


def save_card(owner: Client, newsletter: Newsletter, card: str, **fields: Any) -> Any:
    """Save a card."""
    data = {f"{card}-{name}": value for name, value in fields.items()}
    return owner.post(f"/admin/newsletter/{newsletter.pk}/{card}/", data)


def save_block(owner: Client, newsletter: Newsletter, key: int, **fields: Any) -> Any:
    """Press a button of a block of the layout."""
    do = {"do": fields.pop("do")} if "do" in fields else {}
    data = {f"block-{key}-{name}": value for name, value in fields.items()}
    return owner.post(f"/admin/newsletter/{newsletter.pk}/layout/{key}/", data | do)


def titles(newsletter: Newsletter) -> list[str]:
    """The titles of its layout in order, or what a block without a title is."""
    return [block.title or block.kind for block in newsletter.layout.order_by("position")]


GOOD: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("name", {"name": "The Ebb", "description": "At dusk"}, {"name": "The Ebb"}),
    (
        "selection",
        {
            "max_stories": 5,
            "min_stories": 2,
            "look_back_hours": 48,
            "thin": "wait",
            "widen_hours": 72,
            "catch_up": "merge",
            "late_minutes": 60,
        },
        {"max_stories": 5, "thin": "wait", "catch_up": "merge"},
    ),
    (
        "approval",
        {
            "approval": "other",
            "review_minutes": 30,
            "undo_seconds": 10,
            "uncertain": "hold",
            "redirect_links": "on",
        },
        {"approval": "other", "review_minutes": 30, "uncertain": "hold", "redirect_links": True},
    ),
    ("offer", {"cadences": ["weekly"]}, {"cadences": ["weekly"]}),
]


def test_a_day_and_a_weekday_in_a_cron_line_are_warned_of(
    ada_client: Client, tide: Newsletter
) -> None:
    """Both count; the page says so as long as it is so."""
    timing = {"timezone": "UTC", "cron": "0 7 1 * 1"}
    save_card(ada_client, tide, "schedule", way="cron", **timing)
    address = f"/admin/newsletter/{tide.pk}/"
    assert "Both count" in ada_client.get(address).content.decode()
    save_card(ada_client, tide, "schedule", way="cron", **timing | {"cron": "0 7 * * 1"})
    assert "Both count" not in ada_client.get(address).content.decode()


@pytest.mark.parametrize(("card", "fields", "expected"), GOOD, ids=[row[0] for row in GOOD])
def test_a_card_is_kept(
    ada_client: Client, tide: Newsletter, card: str, fields: Fields, expected: Fields
) -> None:
    """And it is noted who did."""
    assert save_card(ada_client, tide, card, **fields).status_code == 302
    tide.refresh_from_db()
    assert {name: getattr(tide, name) for name in expected} == expected
    assert AuditEntry.objects.get().target == str(tide)


@pytest.mark.parametrize(
    ("card", "fields", "message"),
    [
        ("name", {"name": " "}, "This field is required"),
        ("selection", {"max_stories": 0}, "greater than or equal to 1"),
        ("approval", {"approval": "whoever"}, "Select a valid choice"),
        ("offer", {"cadences": ["hourly"]}, "Select a valid choice"),
        ("texts", {"subject": "{{ stories[0].title "}, "cannot be rendered"),
        ("texts", {"subject": "{{ 1 / 0 }}"}, "cannot be rendered"),
        ("schedule", {"way": "days", "timezone": "UTC"}, "Choose at least one day"),
        ("schedule", {"way": "days", "days": ["0"], "timezone": "UTC"}, "Enter a time"),
        ("schedule", {"way": "cron", "cron": "* *", "timezone": "UTC"}, "five fields"),
        ("schedule", {"way": "cron", "cron": "0 7 30 2 *", "timezone": "UTC"}, "not a cron line"),
        ("schedule", {"way": "days", "days": ["0"], "at": "07:00", "timezone": "Mars/1"}, "valid"),
        ("sources", {"url": "http://127.0.0.1:1/"}, "127.0.0.1"),
    ],
)
def test_what_cannot_be_is_said_beside_it(
    ada_client: Client, tide: Newsletter, card: str, fields: Fields, message: str
) -> None:
    """On the same page, with what was entered; nothing is changed, not even half."""
    before = [*Newsletter.objects.values(), *Schedule.objects.values(), *Source.objects.values()]
    answer = save_card(ada_client, tide, card, **fields)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert message in page
    assert "Nothing was saved" in page
    after = [*Newsletter.objects.values(), *Schedule.objects.values(), *Source.objects.values()]
    assert after == before


def test_it_goes_out_by_days_by_cron_or_manually(ada_client: Client, tide: Newsletter) -> None:
    """The next sends are shown at once; what was entered for another way is forgotten."""
    timing = {"timezone": "Europe/Madrid", "at": "06:30", "cron": "0 9 * * 1", "days": ["1", "3"]}
    save_card(ada_client, tide, "schedule", way="days", **timing)
    schedule = Schedule.objects.get()
    assert (schedule.days, schedule.cron, schedule.timezone) == ([1, 3], "", "Europe/Madrid")
    assert b"06:30 CE" in ada_client.get(f"/admin/newsletter/{tide.pk}/").content
    save_card(ada_client, tide, "schedule", way="cron", send_in_local_time="on", **timing)
    schedule = Schedule.objects.get()
    assert (schedule.days, schedule.time, schedule.cron) == ([], None, "0 9 * * 1")
    tide.refresh_from_db()
    assert tide.send_in_local_time
    save_card(ada_client, tide, "schedule", way="manual", timezone="UTC")
    assert not Schedule.objects.exists()


def test_blocks_are_added_moved_changed_and_taken_out(ada_client: Client, tide: Newsletter) -> None:
    """In an order without gaps; the last one stays."""
    save_block(
        ada_client, tide, 0, kind="topic", title="Sea", topics="sea, tide\nsea", max_stories=4
    )
    assert titles(tide) == ["lead", "Latest Stories", "appeal", "Harbour", "Sea"]
    sea = tide.layout.get(title="Sea")
    assert (sea.topics, sea.max_stories) == (["sea", "tide"], 4)
    for _ in range(5):
        save_block(ada_client, tide, sea.pk, do="up")
    assert titles(tide) == ["Sea", "lead", "Latest Stories", "appeal", "Harbour"]
    save_block(ada_client, tide, sea.pk, title="The sea", topics="sea", max_stories=2)
    save_block(ada_client, tide, sea.pk, do="down")
    assert titles(tide) == ["lead", "The sea", "Latest Stories", "appeal", "Harbour"]
    for row in tide.layout.exclude(title="Harbour"):
        save_block(ada_client, tide, row.pk, do="remove")
    last = tide.layout.get()
    assert (last.title, last.position) == ("Harbour", 0)
    save_block(ada_client, tide, last.pk, do="remove")
    assert titles(tide) == ["Harbour"]


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "topic", "title": "Sea", "topics": " , ", "max_stories": 3},
        {"kind": "latest", "title": "", "max_stories": 3},
        {"kind": "latest", "title": "Late", "max_stories": 0},
        {"kind": "odd", "title": "Late", "max_stories": 3},
        {"kind": "topic", "title": "Sea", "topics": "x" * 300, "max_stories": 3},
    ],
)
def test_a_block_that_cannot_be(ada_client: Client, tide: Newsletter, fields: Fields) -> None:
    """Is refused with a word, never with a traceback."""
    assert save_block(ada_client, tide, 0, **fields).status_code in {302, 422}
    assert titles(tide) == ["lead", "Latest Stories", "appeal", "Harbour"]


def test_its_state_is_changed(ada_client: Client, tide: Newsletter) -> None:
    """The page says what it means; what cannot be is explained, and changes nothing."""
    address = f"/admin/newsletter/{tide.pk}/state/"
    for state in ("announced", "paused", "closed", "private"):
        page = ada_client.post(address, {"state": state}, follow=True).content.decode()
        tide.refresh_from_db()
        assert tide.state == state
        assert states.MEANINGS[states.NewsletterState(state)] in page
    for state in ("paused", "gone", ""):
        page = ada_client.post(address, {"state": state}, follow=True).content.decode()
        tide.refresh_from_db()
        assert tide.state == "private"
    assert "Nothing was changed" in page


def test_sources_are_ticked(ada_client: Client, tide: Newsletter) -> None:
    """Of the publication's; what nobody carries any more is forgotten."""
    source, other = make_source(tide), make_source(tide)
    evening = make_newsletter(publication=tide.publication)
    evening.sources.add(other)
    save_card(ada_client, tide, "sources", sources=[])
    assert list(tide.sources.all()) == []
    assert list(Source.objects.all()) == [other]
    save_card(ada_client, tide, "sources", sources=[other.pk])
    assert list(tide.sources.all()) == [other]
    assert save_card(ada_client, tide, "sources", sources=[source.pk]).status_code == 422


def test_a_new_one_begins_manually(ada_client: Client) -> None:
    """With a name of its own for addresses, and nothing that goes out by itself."""
    publication = make_publication()
    for number in (1, 2):
        answer = ada_client.post(
            "/admin/newsletter/add/", {"publication": publication.pk, "name": "The Ebb"}
        )
        assert answer.status_code == 302, number
        Newsletter.objects.update(created_at=LONG_AGO)  # a double click creates one
    assert set(Newsletter.objects.values_list("slug", flat=True)) == {"the-ebb", "the-ebb-2"}
    assert not Schedule.objects.exists()


def test_an_analyst_looks(client: Client, tide: Newsletter) -> None:
    """And changes nothing; another publication's people don't even look."""
    client.force_login(make_member(tide.publication, Role.ANALYST))
    page = client.get(f"/admin/newsletter/{tide.pk}/")
    assert page.status_code == 200
    assert b">Save<" not in page.content
    assert save_card(client, tide, "name", name="Mine").status_code == 403
    other_newsletter = make_newsletter(publication=make_publication())
    assert client.get(f"/admin/newsletter/{other_newsletter.pk}/").status_code == 404
    assert save_card(client, other_newsletter, "name", name="Mine").status_code in {403, 404}


def test_keeping_a_schedule_as_it_was_loses_no_slot(ada_client: Client, tide: Newsletter) -> None:
    """A slot that has come and is not built yet is still due after somebody pressed Keep."""
    schedule = Schedule.objects.get()
    unchanged = {"days": [str(day) for day in range(7)], "at": "07:00", "timezone": "Europe/London"}
    assert (
        save_card(
            ada_client, tide, "schedule", way="days", send_in_local_time="on", **unchanged
        ).status_code
        == 302
    )
    assert Schedule.objects.get().since == schedule.since
    save_card(ada_client, tide, "schedule", way="days", **unchanged | {"at": "08:00"})
    assert Schedule.objects.get().since > schedule.since


def test_what_another_publication_pushes_is_not_offered(client: Client, tide: Newsletter) -> None:
    """Nor what waits elsewhere, and no new newsletter takes it up by itself; one's own is."""
    own = pushing.source_of(tide.publication_id, "courier", NOON)
    foreign = pushing.source_of(make_publication().pk, "other", NOON)
    waiting = make_source()
    client.force_login(make_member(tide.publication, Role.EDITOR))
    for other in (foreign, waiting):
        assert save_card(client, tide, "sources", sources=[other.pk]).status_code == 422
    assert save_card(client, tide, "sources", sources=[own.pk]).status_code == 302
    client.post("/admin/newsletter/add/", {"publication": tide.publication_id, "name": "Ebb"})
    assert list(Newsletter.objects.get(name="Ebb").sources.all()) == [own]


def test_subscribers_keep_a_topic_that_gets_another_name(
    ada_client: Client, tide: Newsletter
) -> None:
    """As they chose it, and in issues still to go out; past issues stay as they were."""
    harbour = tide.layout.get(title="Harbour")
    chose, other = make_subscriber(tide), make_subscriber(tide)
    Subscription.objects.filter(subscriber=chose).update(topics=["Sea", "Harbour"])
    coming = make_issue(tide, state="draft", only_topics=["Harbour"])
    past = make_issue(tide, state="sent", slot=LONG_AGO)
    for issue in (coming, past):
        make_story(issue, topics=["Harbour"])
    save_block(ada_client, tide, harbour.pk, title="The port", topics="harbour", max_stories=2)
    assert chose.subscriptions.get().topics == ["Sea", "The port"]
    assert other.subscriptions.get().topics == []
    coming.refresh_from_db()
    assert coming.only_topics == ["The port"]
    assert coming.stories.get().topics == ["The port"]
    assert past.stories.get().topics == ["Harbour"]


def test_pressing_twice_makes_one(client: Client) -> None:
    """One newsletter, and one block in it."""
    client.force_login(make_superuser("twice@courier.example"))
    publication = make_newsletter(slug="first").publication
    for _ in range(2):
        data = {"publication": publication.pk, "name": "Low Tide"}
        answer = client.post("/admin/newsletter/add/", data)
    newsletter = Newsletter.objects.get(name="Low Tide")
    assert answer["Location"] == f"/admin/newsletter/{newsletter.pk}/"
    number = newsletter.layout.count()
    block = {"kind": "topic", "title": "Harbour", "topics": "harbour", "max_stories": 3}
    for _ in range(2):
        data = {f"block-0-{name}": value for name, value in block.items()}
        client.post(f"/admin/newsletter/{newsletter.pk}/layout/0/", data)
    assert newsletter.layout.count() == number + 1


@in_browser
@pytest.mark.django_db(transaction=True)
def test_the_form_for_a_block_has_the_fields_of_its_kind(live_server: LiveServer) -> None:
    """A topic has topics, a divider nothing; a block that is called what it is says so once."""
    newsletter = make_newsletter()
    newsletter.layout.create(kind="lead", title="Lead story", position=90)
    user = make_superuser("kinds@courier.example")
    with chromium_page() as page:
        client = browser_of(user)
        session = client.cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page.goto(f"{live_server.url}/admin/newsletter/{newsletter.pk}/")
        rows = page.locator("#layout summary").all_inner_texts()  # it has a lead already
        assert [row.strip() for row in rows if "Lead" in row] == ["Lead story"] * 2
        page.get_by_text("Add block").first.click()
        form = page.locator(".add-block")
        for kind, expected in KIND_FIELDS.items():
            form.get_by_label("Type").select_option(kind)
            labels = [label.strip() for label in form.locator("label:visible").all_inner_texts()]
            assert labels == ["Type", *expected]


PORT = """<html><head><title>x</title><meta property="og:title" content="The port of Kiel grows">
<meta property="og:site_name" content="Kiel Daily"></head><body><p>Text</p></body></html>"""


@in_browser
@pytest.mark.django_db(transaction=True)
def test_blocks_are_moved_and_saved_without_a_new_page(
    live_server: LiveServer, settings: Settings
) -> None:
    """By keyboard, button and mouse; a link card is fetched; what is not saved is said."""
    newsletter = make_newsletter()
    make_layout_block(newsletter, kind="topic", title="Harbour", topics=["harbour"])
    newsletter.layout.create(kind="link", position=90)
    user = make_superuser("moves@courier.example")
    with publishing(settings) as publisher, chromium_page() as page:
        publisher.pages["/port"] = Answer(PORT.encode(), headers={"Content-Type": "text/html"})
        client = browser_of(user)
        session = client.cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page.goto(f"{live_server.url}/admin/newsletter/{newsletter.pk}/")
        state = page.locator("[data-layout-state]")

        grip = page.get_by_role("button", name="Move block: Harbour")
        grip.focus()
        grip.press("ArrowUp")
        expect(state).to_contain_text("Harbour is number 3 now. Saved ")
        assert titles(newsletter) == ["lead", "Latest Stories", "Harbour", "appeal", "link"]
        expect(grip).to_be_focused()

        lead = page.locator("[data-layout-list] > li").first
        grip.drag_to(lead, target_position={"x": 10, "y": 2})
        expect(state).to_contain_text("Harbour is number 1 now. Saved ")
        assert titles(newsletter)[0] == "Harbour"

        block = page.locator("[data-layout-list] > li", has_text="Link card")
        block.locator("summary").first.click()
        for path, expected in (("/missing", "answered 404"), ("/port", "Save to keep it.")):
            block.get_by_label("Address").fill(publisher.url(path))
            expect(block.locator("[data-saved]")).to_have_text("Unsaved changes")
            block.get_by_role("button", name="Fetch title and text").click()
            expect(block.locator("[data-saved]")).to_contain_text(expected)
        assert newsletter.layout.get(kind="link").content == {}
        block.get_by_role("button", name="Save").click()
        expect(block.locator("[data-saved]")).to_contain_text("Saved ")
        expect(block.locator("[data-summary]")).to_contain_text("The port of Kiel grows")
        content = newsletter.layout.get(kind="link").content
        assert (content["title"], content["site"]) == ("The port of Kiel grows", "Kiel Daily")

        topic = page.locator("[data-layout-list] > li").first
        topic.locator("summary").first.click()
        topic.get_by_label("Topics").fill(" , ")
        topic.get_by_role("button", name="Save").click()
        expect(topic.locator("[data-saved]")).to_contain_text("Not saved: The block 'Harbour'")

        name = page.locator("#id_name-name")
        name.fill("The Evening Tide")
        save = page.locator("form", has=name).get_by_role("button", name="Save")
        page.once("dialog", lambda dialog: dialog.dismiss())  # stay on the page
        save.click()
        page.once("dialog", lambda dialog: dialog.accept())
        save.click()
        expect(page.locator(".toast")).to_contain_text("Name saved.")
        newsletter.refresh_from_db()
        assert newsletter.name == "The Evening Tide"


KIND_FIELDS = {
    "divider": [],
    "lead": [],
    "note": ["Title"],
    "popular": ["Title", "Maximum stories"],
    "topic": ["Title", "Topics", "Maximum stories"],
}
