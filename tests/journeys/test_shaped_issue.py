"""An issue shaped in the editor, from the note to the mail, which is as the preview showed it."""

import os
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Frame, Locator, Page, ViewportSize, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from digest.issues.models import Issue
from digest.newsletters.choices import BlockKind
from digest.pictures.models import Picture
from digest.sending import planning, sender
from tests.articles.publisher import Answer, Publisher, publishing
from tests.browser import chromium_page, in_browser
from tests.cast.accounts import browser_of, make_superuser
from tests.cast.articles import make_article
from tests.cast.issues import make_block, make_issue, make_story
from tests.cast.newsletters import make_appeal, make_newsletter
from tests.cast.subscribers import make_subscriber
from tests.pictures.samples import encoded, photo, quarters
from tests.smtp_server import SmtpServer

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("DIGEST_SHOTS")  # a folder for pictures
WIDE: ViewportSize = {"width": 1280, "height": 1000}
SAVED = re.compile(r"^Saved \d")
TIDES, FERRY = "https://tides.example/today", "https://ferry.example/times?from=quay"
PORT = b"""<title>x</title><meta property="og:title" content="The port of Kiel grows">
<meta property="og:site_name" content="Kiel Daily">
<meta property="og:description" content="A third quay from May."><p>Text</p>"""


class VisibleMail(NamedTuple):
    """What somebody sees of a mail."""

    rows: list[str]  # the text of each row of the sheet, from the top
    pictures: list[tuple[str, str, str, str]]  # address, width, height, alt text
    links: list[str]


@pytest.fixture
def issue() -> Issue:
    """A draft with a lead, two blocks of stories and a sponsor to choose."""
    newsletter = make_newsletter(approval="one", undo_seconds=0)
    issue = make_issue(newsletter, state="draft", kind=Issue.Kind.MANUAL)
    for number in range(3):
        make_story(issue, title=f"Story {number}", article=make_article())
    harbour = make_block(issue, BlockKind.TOPIC, title="Harbour")
    make_story(issue, title="Story 3", block=harbour, article=make_article())
    make_subscriber(newsletter, email="ines@reader.example")
    make_appeal(newsletter.publication, kind="sponsor", heading="Rope and Sail", label="Sponsored")
    return issue


@pytest.fixture
def publisher(settings: Settings) -> Iterator[Publisher]:
    """A foreign page for a link card."""
    with publishing(settings) as publisher:
        headers = {"Content-Type": "text/html; charset=utf-8"}
        publisher.pages["/port"] = Answer(PORT, headers=headers)
        yield publisher


@pytest.fixture
def page(live_server: LiveServer, settings: Settings, issue: Issue) -> Iterator[Page]:
    """Ada's browser, signed in."""
    settings.DIGEST_BASE_URL = live_server.url
    client = browser_of(make_superuser())
    cookie: Any = {"name": "sessionid", "value": client.cookies["sessionid"].value}
    with chromium_page(viewport=WIDE) as page:
        page.context.add_cookies([cookie | {"url": live_server.url}])
        yield page


@in_browser
def test_a_shaped_issue_arrives_as_it_was_previewed(
    page: Page,
    live_server: LiveServer,
    settings: Settings,
    issue: Issue,
    publisher: Publisher,
    tmp_path: Path,
) -> None:
    """Written, illustrated, moved, undone, approved, sent: the mail is what the editor saw."""
    (tmp_path / "ada.png").write_bytes(encoded(photo(800, 800), "PNG"))
    (tmp_path / "mast.png").write_bytes(encoded(quarters(600, 1200), "PNG"))
    crop_in_the_library(page, live_server, tmp_path / "mast.png")
    page.goto(f"{live_server.url}/admin/issues/{issue.pk}/")
    write_the_note(page, tmp_path / "ada.png")
    add_the_link_card(page, publisher.url("/port"))
    move_a_story(page)
    place_the_sponsor(page)
    undo_three_steps(page)
    previewed = preview_of(page)
    shoot(page, "shaped")
    with SmtpServer() as relay:
        settings.DIGEST_SMTP_URL = relay.url
        approve_and_send(page, relay)
        mail = received(relay)
    arrived = open_mail(page, html_of(mail))
    shoot(page, "arrived")
    assert arrived.rows == previewed.rows
    assert arrived.pictures == previewed.pictures
    check_what_arrived(arrived, mail, publisher.url("/port"))


def crop_in_the_library(page: Page, server: LiveServer, file: Path) -> None:
    """Upload a picture that is higher than wide, and keep its lower left corner in all crops."""
    page.goto(f"{server.url}/admin/pictures/")
    page.get_by_label("Add pictures").set_input_files(file)
    page.get_by_role("link", name="No alt text").click()
    page.get_by_label("Alt text").fill("A mast")
    whole = page.locator(".focal img")
    box = whole.bounding_box()
    assert box
    whole.click(position={"x": 0.1 * box["width"], "y": 0.9 * box["height"]}, force=True)
    expect(page.get_by_label("From the top (%)")).to_have_value("90")
    square = page.locator(".crop-square")
    assert square.evaluate("node => node.style.objectPosition") == "50% 100%"
    assert square.evaluate("node => [node.width, node.height]") == [80, 80]
    shoot(page, "cropped")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#content h1", has_text="A mast")).to_be_visible()
    picture = Picture.objects.get()
    assert (picture.focal_x, picture.focal_y) == (0.1, 0.9)


def write_the_note(page: Page, portrait: Path) -> None:
    """A note on top with two links, signed, with a portrait from the editor's own files."""
    note = add(page, "Editor's note", "note")
    text = note.get_by_role("textbox", name="Text")
    text.click()
    for phrase, address in (("Good morning! See the ", TIDES), (" and the ", FERRY)):
        page.keyboard.type(phrase)
        page.keyboard.press("Control+k")
        dialog = page.get_by_role("dialog", name="Link")
        dialog.get_by_label("Web or email address").fill(address)
        dialog.get_by_role("button", name="Save link").click()
    page.keyboard.type(" before you sail.")
    note.get_by_label("Author").fill("Ada Marsh")
    note.get_by_label("Role").fill("Editor in chief")
    note.get_by_role("button", name="Choose picture").click()
    picker = page.get_by_role("dialog", name="Choose a picture")
    picker.get_by_label("Upload, drop or paste").set_input_files(portrait)
    expect(picker.get_by_text("ada.png was added.")).to_be_visible()
    picker.get_by_label("Alt text").fill("Ada Marsh at her desk")
    shoot(page, "picker")
    picker.get_by_role("button", name="Use picture").click()
    expect(note.get_by_role("button", name="Change")).to_be_visible()
    expect(saved(page)).to_have_text(SAVED)
    shoot(page, "note")


def add_the_link_card(page: Page, address: str) -> None:
    """A page of another site, with the picture that was cropped."""
    card = add(page, "Link card", "link")
    card.get_by_label("Address").fill(address)
    card.get_by_role("button", name="Fetch title and text").click()
    expect(saved(page)).to_contain_text("The port of Kiel grows")
    expect(card.get_by_label("Title")).to_have_value("The port of Kiel grows")
    card.get_by_role("button", name="Choose picture").click()
    picker = page.get_by_role("dialog", name="Choose a picture")
    picker.get_by_role("button", name="A mast").click()
    picker.get_by_role("button", name="Use picture").click()
    expect(card.get_by_role("button", name="Change")).to_be_visible()
    expect(saved(page)).to_have_text(SAVED)


def move_a_story(page: Page) -> None:
    """From one block into the next, by keyboard alone."""
    page.get_by_role("button", name="Move story: Story 2").focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator("[data-announce]")).to_contain_text("Story 2 is number 1 in Harbour")


def place_the_sponsor(page: Page) -> None:
    """A message that was written before."""
    add(page, "Sponsor", "sponsor")
    page.locator("[name=appeal]").select_option(label="Rope and Sail")
    expect(saved(page)).to_have_text(SAVED)


def undo_three_steps(page: Page) -> None:
    """Two dividers and a hidden block are undone, one divider is done again."""
    add(page, "Divider", "divider")
    add(page, "Divider", "divider")
    page.get_by_role("button", name="Hide: Harbour").click()
    expect(page.get_by_role("button", name="Show: Harbour")).to_be_visible()
    for step in ("Hide", "Add", "Add"):
        page.get_by_role("button", name=re.compile("^Undo: ")).click()
        expect(saved(page)).to_contain_text(f"Undone: {step}")
    expect(page.locator(".block[data-kind=divider]")).to_have_count(0)
    page.get_by_role("button", name=re.compile("^Redo: ")).click()
    expect(saved(page)).to_contain_text("Done again: Add")
    expect(page.locator(".block[data-kind=divider]")).to_have_count(1)
    expect(page.get_by_role("button", name="Hide: Harbour")).to_be_visible()


def approve_and_send(page: Page, relay: SmtpServer) -> None:
    """As the workers do it."""
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("Send …").click()
    page.get_by_role("button", name="Send to 1 now").click()
    expect(page.locator(".page-header .badge")).not_to_have_text("Draft")
    planning.plan_built()
    sender.send_due()
    assert relay.recipients == ["ines@reader.example"]


def preview_of(page: Page) -> VisibleMail:
    """What the preview beside the editor shows, once it has the last change."""
    revision = page.locator("[data-header] [name=revision]").first.input_value()
    current = page.locator(f"[data-frames] iframe[data-revision='{revision}']:not([data-loading])")
    expect(current).to_have_count(1)
    frame = current.element_handle().content_frame()
    assert frame
    return visible_mail(frame)


def open_mail(page: Page, html: str) -> VisibleMail:
    """What a mail program shows of a mail, as wide as the preview."""
    page.set_content(html, wait_until="networkidle")
    return visible_mail(page.main_frame)


def visible_mail(frame: Frame) -> VisibleMail:
    """Return what is on the screen."""
    frame.wait_for_function("[...document.images].every((image) => image.complete)")
    rows, pictures, links = frame.evaluate(SEE)
    return VisibleMail(rows, [tuple(picture) for picture in pictures], links)


def check_what_arrived(arrived: VisibleMail, mail: EmailMessage, card_address: str) -> None:
    """Every block is there once, in order, with its links and pictures that have their size."""
    places = [
        next(at for at, row in enumerate(arrived.rows) if phrase in row) for phrase in IN_ORDER
    ]
    assert places == sorted(places)
    assert len(set(places)) == len(places)
    assert {TIDES, FERRY, card_address, "https://courier.example/support"} <= set(arrived.links)
    by_alt = {alt: (width, height) for _, width, height, alt in arrived.pictures}
    assert by_alt["Ada Marsh at her desk"] == ("64", "64")
    assert set(by_alt) == {"Ada Marsh at her desk", "A mast"}
    assert [size for size in by_alt.values() if None in size] == []
    body = mail.get_body(("plain",))
    assert body
    text = body.get_content()
    assert [phrase for phrase in IN_ORDER if phrase not in text] == []
    assert TIDES in text
    assert FERRY in text


def received(relay: SmtpServer) -> EmailMessage:
    """The mail that arrived."""
    (mail,) = relay.received
    return message_from_bytes(mail.data, policy=policy.default)


def html_of(mail: EmailMessage) -> str:
    """Its HTML."""
    part = mail.get_body(("html",))
    assert part
    return str(part.get_content())


def add(page: Page, label: str, kind: str) -> Locator:
    """Add a block at the end; return it."""
    page.locator(".add-button").last.click()
    page.locator("[data-add-dialog]").get_by_role("button", name=label).click()
    page.locator("[data-save-state]").get_by_text(f"Added: {label}").wait_for()
    return page.locator(f".block[data-kind={kind}]").last


def saved(page: Page) -> Locator:
    """The line that says what was saved."""
    return page.locator("[data-save-state]")


def shoot(page: Page, name: str) -> None:
    """Take a picture, where they are asked for."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"shaped-{name}.png", full_page=True)


IN_ORDER = (
    "Story 0",
    "Story 1",
    "Story 2",
    "Story 3",
    "before you sail",
    "The port of Kiel grows",
    "Rope and Sail",
)
SEE = """() => [
    [...document.querySelector(".sheet").rows].map((row) => row.innerText.trim()),
    [...document.images].map((image) =>
        ["src", "width", "height", "alt"].map((name) => image.getAttribute(name))),
    [...document.links].map((link) => link.getAttribute("href")),
]"""
