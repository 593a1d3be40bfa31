"""The issue editor in Chromium: written, moved and undone; two editors lose no text."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from digest.accounts.models import User
from digest.core import rich_text
from digest.issues.models import Issue
from tests.articles.publisher import Answer, publishing
from tests.browser import chromium_page, in_browser, serious_violations, settle
from tests.cast.accounts import browser_of, make_superuser
from tests.cast.articles import make_article
from tests.cast.issues import make_block, make_issue, make_story
from tests.cast.newsletters import make_appeal, make_layout_block, make_newsletter
from tests.cast.subscribers import make_subscriber
from tests.clock import NOON
from tests.console.test_looks import faults

pytestmark = pytest.mark.django_db(transaction=True)
SHOTS = os.environ.get("DIGEST_SHOTS")  # a folder for pictures
WIDE: ViewportSize = {"width": 1280, "height": 900}


@pytest.fixture
def issue() -> Issue:
    """A draft with a lead, two blocks of stories and a note."""
    newsletter = make_newsletter(approval="none")
    make_layout_block(newsletter, kind="topic", title="Harbour", topics=["harbour"])
    issue = make_issue(newsletter, state="draft", slot=NOON.replace(year=2099))
    for number in range(3):
        make_story(issue, title=f"Story {number}", article=make_article())
    harbour = make_block(issue, "topic", title="Harbour")
    make_story(issue, title="Story 3", block=harbour, article=make_article())
    make_subscriber(newsletter)
    make_appeal(newsletter.publication, heading="Support us")
    return issue


@pytest.fixture
def page(live_server: LiveServer, issue: Issue) -> Iterator[Page]:
    """Ada's browser on the page of the issue."""
    make_superuser()
    make_superuser("ben@courier.example")
    with chromium_page(viewport=WIDE) as page:
        enter(page, live_server, "ada", issue)
        yield page


def enter(page: Page, live_server: LiveServer, name: str, issue: Issue) -> None:
    """Sign somebody in, and open the page of the issue."""
    client = browser_of(User.objects.get(email=f"{name}@courier.example"))
    cookie: Any = {"name": "sessionid", "value": client.cookies["sessionid"].value}
    page.context.add_cookies([cookie | {"url": live_server.url}])
    page.goto(f"{live_server.url}/admin/issues/{issue.pk}/")


def headlines(page: Page) -> list[str]:
    """The stories in order."""
    return page.locator(".story-title").all_inner_texts()


def shoot(page: Page, name: str) -> None:
    """Take a picture, where they are asked for."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"editor-{name}.png")


def edit(page: Page, name: str) -> Any:
    """Open the form of a block by its heading; return the block."""
    block = page.locator(".block").filter(has=page.get_by_role("heading", name=name, exact=True))
    block.locator("[data-edit] summary").first.click()
    return block


@in_browser
def test_an_editor_shapes_an_issue(page: Page, issue: Issue) -> None:
    """Blocks are added and written in, stories moved by key; each change can be undone."""
    shoot(page, "before")
    saved = page.locator("[data-save-state]")
    page.get_by_role("button", name="Add a block after Lead story").click()
    shoot(page, "menu")
    page.get_by_role("button", name="Text Headings").click()
    expect(saved).to_contain_text("Added: Text.")
    block = page.locator(".block[data-kind=text]")
    write(block, "Good morning from the quay.")
    expect(saved).to_have_text(SAVED)
    row = issue.blocks.get(kind="text")
    assert rich_text.plain_text(row.content["document"]) == "Good morning from the quay."
    assert row.position == 1

    grip = page.get_by_role("button", name="Move story: Story 1")
    grip.focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator("[data-announce]")).to_contain_text("Story 1 is number 2 in Latest Stories")
    assert headlines(page) == ["Story 0", "Story 2", "Story 1", "Story 3"]
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator("[data-announce]")).to_contain_text("Story 1 is number 1 in Harbour")
    expect(grip).to_be_focused()
    assert issue.stories.get(title="Story 1").block.title == "Harbour"

    page.get_by_role("heading", name="Harbour").click()
    page.keyboard.press("Control+z")
    expect(saved).to_contain_text("Undone: Move story.")
    expect(page.get_by_role("button", name="Redo: Move story")).to_be_enabled()
    assert issue.stories.get(title="Story 1").block.title == "Latest Stories"
    page.keyboard.press("Control+Shift+z")
    expect(saved).to_contain_text("Done again: Move story.")
    assert issue.stories.get(title="Story 1").block.title == "Harbour"

    expect(page.get_by_role("group", name="Insert into Subject")).to_be_visible()
    page.get_by_role("textbox", name="Subject", exact=True).fill("Mussels for everyone")
    page.get_by_role("heading", name="Mussels for everyone").wait_for()
    mail = page.frame_locator("[data-frames] iframe").last
    expect(mail.locator("body")).to_contain_text("Good morning from the quay.")
    shoot(page, "after")
    assert Issue.objects.get().own_subject == "Mussels for everyone"


@in_browser
def test_the_subject_is_written_with_values(page: Page, issue: Issue) -> None:
    """A chip becomes the lead's headline, in the example and the mail; undone, it is gone."""
    saved = page.locator("[data-save-state]")
    subject = page.get_by_role("textbox", name="Subject", exact=True)
    subject.fill("Today: ")
    page.get_by_role("group", name="Insert into Subject").get_by_text("+ Lead headline").click()
    field = page.locator("template-field").first
    expect(field.locator(".template-example")).to_contain_text("Example: Today: Story 0")
    # On a slow machine, what was typed first is saved before the chip is there.
    page.get_by_role("heading", name="Today: Story 0").wait_for()
    expect(saved).to_have_text(SAVED)
    issue.refresh_from_db()
    assert issue.own_subject == "Today: {{ stories[0].title }}"
    shoot(page, "subject")
    page.get_by_role("button", name="Undo: Edit subject and preview text").click()
    expect(subject).to_have_text("")
    page.get_by_role("button", name="Redo: Edit subject and preview text").click()
    expect(subject.locator(".chip")).to_have_text("Lead headline")


@in_browser
def test_a_link_card_and_an_appeal_are_placed(page: Page, issue: Issue, settings: Settings) -> None:
    """The page's title and text are fetched from its address; an address that fails says so."""
    saved = page.locator("[data-save-state]")
    with publishing(settings) as publisher:
        publisher.pages["/port"] = Answer(
            PORT, headers={"Content-Type": "text/html; charset=utf-8"}
        )
        add(page, "Link card")
        card = page.locator(".block[data-kind=link]")
        card.get_by_label("Address").fill(publisher.url("/missing"))
        card.get_by_role("button", name="Fetch title and text").click()
        expect(saved).to_contain_text("answered 404")
        card.get_by_label("Address").fill(publisher.url("/port"))
        card.get_by_role("button", name="Fetch title and text").click()
        expect(card.get_by_label("Title")).to_have_value("The port of Kiel grows")
    content = issue.blocks.get(kind="link").content
    assert (content["site"], content["description"]) == ("Kiel Daily", "A third quay from May.")
    add(page, "Appeal")
    page.locator("[name=appeal]").select_option(label="Support us")
    expect(saved).to_have_text(SAVED)
    appeal = issue.blocks.get(kind="appeal").appeal
    assert appeal
    assert appeal.heading == "Support us"
    for _ in range(3):
        page.get_by_role("button", name=re.compile("^Undo: ")).click()
        expect(saved).to_contain_text("Undone: ")
    expect(page.locator(".block[data-kind=appeal]")).to_have_count(0)
    shoot(page, "undone")
    assert requests_of_two_presses(page, appeal.pk) == 1


def requests_of_two_presses(page: Page, appeal_id: int) -> int:
    """Press a button twice before there is an answer; return how many requests left."""
    requests: list[str] = []
    page.route("**/duplicate/", lambda route: requests.append(route.request.url))  # no answer
    page.goto(re.sub("/admin/.*", f"/admin/appeals/{appeal_id}/", page.url))
    twice = "button => { button.click(); setTimeout(() => button.click(), 100); }"
    page.get_by_role("button", name="Duplicate").evaluate(twice)
    page.wait_for_timeout(300)
    return len(requests)


@in_browser
def test_two_editors_see_each_other_and_lose_no_text(
    page: Page, live_server: LiveServer, issue: Issue
) -> None:
    """What a colleague wrote meanwhile is shown beside one's own, and one of both is chosen."""
    browser = page.context.browser
    assert browser
    other = browser.new_context(viewport=WIDE).new_page()
    enter(other, live_server, "ben", issue)
    expect(page.get_by_label("ben@courier.example has this issue open")).to_be_visible()

    adas = page.locator(".story-item").filter(has_text="Story 2")
    bens = other.locator(".story-item").filter(has_text="Story 2")
    for item in (adas, bens):
        item.get_by_text("Edit for this issue").click()
    adas.get_by_label("Headline").focus()
    bens.get_by_label("Headline").fill("What Ben wrote")
    expect(other.locator("[data-save-state]")).to_have_text(SAVED)
    adas.get_by_label("Headline").fill("What Ada wrote")
    conflict = page.locator("[data-conflict]")
    expect(conflict).to_contain_text("ben@courier.example changed the same text")
    expect(conflict).to_contain_text("What Ben wrote")
    expect(adas.get_by_label("Headline")).to_have_value("What Ada wrote")
    assert issue.stories.filter(title__startswith="What").get().title == "What Ben wrote"
    shoot(page, "conflict")
    page.get_by_role("button", name="Use mine").click()
    expect(page.locator("[data-save-state]")).to_have_text(SAVED)
    assert issue.stories.filter(title__startswith="What").get().title == "What Ada wrote"
    other.context.close()


def add(page: Page, kind: str) -> None:
    """Add a block at the end."""
    page.locator(".add-button").last.click()
    page.locator("[data-add-dialog]").get_by_role("button", name=kind).click()
    page.locator("[data-save-state]").get_by_text(f"Added: {kind}").wait_for()


@in_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_editor_is_fit_for_every_screen(page: Page, scheme: Any) -> None:
    """Axe finds nothing serious, and nothing scrolls sideways, with every kind of form open."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    for kind in ("Editor's note", "Image", "Link card", "Podcast or video", "Feedback question"):
        add(page, kind)
    for width in (1280, 768, 375):
        page.set_viewport_size({"width": width, "height": 900})
        page.reload()
        page.evaluate(OPEN_FORMS)
        settle(page)
        assert serious_violations(page) == []
        assert list(faults(page)) == []
        shoot(page, f"{scheme}-{width}")


def write(block: Any, text: str) -> None:
    """Write into a block's text."""
    block.get_by_role("textbox", name="Text").fill(text)


OPEN_FORMS = "for (const form of document.querySelectorAll('[data-edit]')) form.open = true"
PORT = b"""<title>x</title><meta property="og:title" content="The port of Kiel grows">
<meta property="og:site_name" content="Kiel Daily">
<meta property="og:description" content="A third quay from May."><p>Text</p>"""
SAVED = re.compile(r"^Saved \d")
