"""A publisher comes from another service: its export dropped, read, imported, the first issue sent.

Each journey takes seconds here; a person reads in between, and needs minutes.
"""

import os
from base64 import b64decode
from collections.abc import Iterator
from email import message_from_bytes
from email.utils import parseaddr
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import BROWSER, chromium_page, sign_in
from tests.cast import exports
from tests.journeys.conftest import OWNER, PASSWORD
from tests.journeys.upside import Up, digest

PIXEL = b64decode("R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==")  # a picture elsewhere
SHOTS = os.environ.get("DIGEST_SHOTS")  # a folder for pictures of the steps

pytestmark = [pytest.mark.journey, *BROWSER]


@pytest.fixture
def page(owned: Up) -> Iterator[Page]:
    """The owner's browser; it must have nothing to complain about."""
    with chromium_page(seconds=30, viewport={"width": 1280, "height": 900}) as page:
        page.route("https://*.example/**", _show_pixel)
        sign_in(page, f"{owned.url}/admin/newsletter/add/", OWNER, PASSWORD)
        yield page


def _show_pixel(route: Route) -> None:
    route.fulfill(body=PIXEL, content_type="image/gif")


def drop(page: Page, up: Up, newsletter: str, *paths: Path) -> None:
    """Create the newsletter, follow the menu, drop the export, and wait until it is read."""
    page.get_by_label("Name").fill(newsletter)
    page.get_by_role("button", name="Create").click()
    page.goto(f"{up.url}/admin/subscribers/import/")
    page.get_by_role("link", name="Move from another service").click()
    files = page.locator("#file")
    files.locator("input[type=file]").set_input_files(paths)
    files.get_by_label("Into the newsletter").select_option(label=newsletter)
    files.get_by_label("Consent").fill("Signed up on our site, double opt-in")
    shoot(page, f"{newsletter}-1-file")
    files.get_by_role("button", name="Read export").click()
    expect(page.get_by_role("button", name="Begin import")).to_be_visible(timeout=60_000)
    shoot(page, f"{newsletter}-2-read")


def begin(page: Page, newsletter: str) -> None:
    """Begin, and wait for the report."""
    page.get_by_role("button", name="Begin import").click()
    expect(page.get_by_role("heading", name="Import result")).to_be_visible(timeout=60_000)
    shoot(page, f"{newsletter}-3-report")


def shoot(page: Page, name: str) -> None:
    """Take pictures of a step, on a desktop in the light and on a phone in the dark."""
    if not SHOTS:
        return
    page.screenshot(path=f"{SHOTS}/{name}-desktop.png", full_page=True)
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=f"{SHOTS}/{name}-phone.png", full_page=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


def figures(page: Page) -> dict[str, str]:
    """The numbers of a report by their labels."""
    rows = page.locator("dl.counts > div").all()
    return {row.locator("dt").inner_text(): row.locator("dd").inner_text() for row in rows}


def receive_first_issue(up: Up, slug: str) -> set[str]:
    """Send an issue to everybody, and return whom it reaches."""
    before = set(up.mails())
    digest("send", slug, "--wait", "--yes", "--as", OWNER, data=up.data)
    mails = [message_from_bytes(path.read_bytes()) for path in set(up.mails()) - before]
    return {parseaddr(str(mail["To"]))[1] for mail in mails}


def test_from_mailchimp_with_a_zip(owned: Up, page: Page, tmp_path: Path) -> None:
    """Tags, suppressions and campaigns come; who left gets nothing; the archive has the past."""
    export = exports.zipped(tmp_path / "mailchimp.zip", exports.mailchimp_account())
    drop(page, owned, "Mailchimp Tide", export)
    expect(page.get_by_text("recognised as an export of Mailchimp")).to_be_visible()
    expect(page.locator("#behind")).to_contain_text("stay at Mailchimp")
    page.get_by_label("Past issues", exact=True).select_option("all")
    page.get_by_role("button", name="Read again").click()
    expect(page.get_by_role("button", name="Begin import")).to_be_visible(timeout=60_000)
    begin(page, "Mailchimp Tide")
    numbers = figures(page)
    assert (numbers["Subscribers added"], numbers["Suppressed"]) == ("2", "2")
    assert numbers["Past issues added"] == "1"
    page.get_by_role("link", name="Archive").click()
    page.get_by_role("link", name="Seals return 🦭").first.click()
    expect(page.get_by_role("heading", name="Seals return", exact=True)).to_be_visible()
    expect(page.get_by_text("A preview text")).to_have_count(0)
    expect(page.get_by_role("link", name="unsubscribe")).to_have_count(0)
    shoot(page, "Mailchimp Tide-4-past-issue")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert receive_first_issue(owned, "mailchimp-tide") == {"ines@mc.example", "bob@mc.example"}


def test_from_ghost_with_its_json(owned: Up, page: Page, tmp_path: Path) -> None:
    """The JSON alone says that members are missing; with their CSV both come in one go."""
    site, members = tmp_path / "ghost.json", tmp_path / "members.csv"
    site.write_text(exports.ghost_json([exports.ghost_post()]))
    members.write_text(exports.GHOST_MEMBERS)
    drop(page, owned, "Ghost Tide", site)
    expect(page.locator("#behind")).to_contain_text("Members are not in this file.")
    page.get_by_role("button", name="Discard export").click()
    page.goto(f"{owned.url}/admin/newsletter/add/")
    drop(page, owned, "Ghost Tide 2", site, members)
    begin(page, "Ghost Tide 2")
    numbers = figures(page)
    assert (numbers["Subscribers added"], numbers["Past issues added"]) == ("1", "1")
    assert receive_first_issue(owned, "ghost-tide-2") == {"ana@gh.example"}


def test_from_listmonk_with_its_csv(owned: Up, page: Page, tmp_path: Path) -> None:
    """Nobody is added before the publisher says what the file does not."""
    subscribers = tmp_path / "subscribers.csv"
    subscribers.write_text(exports.LISTMONK)
    drop(page, owned, "Listmonk Tide", subscribers)
    expect(page.get_by_text("Nobody is added yet")).to_be_visible()
    page.get_by_label("I exported this list in listmonk").check()
    page.get_by_role("button", name="Read again").click()
    expect(page.get_by_text("Nobody is added yet")).to_be_hidden(timeout=60_000)
    begin(page, "Listmonk Tide")
    assert figures(page)["Subscribers added"] == "1"
    assert receive_first_issue(owned, "listmonk-tide") == {"ana@lm.example"}
