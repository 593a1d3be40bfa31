"""Publishers who move here: from an empty installation to the first issue that arrived.

All in a browser. docs/moving.md says what each journey takes; `-s` shows the seconds. With
DIGEST_SHOTS=folder each page is saved as pictures.
"""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.utils import parseaddr
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.articles.publisher import Publisher
from tests.browser import BROWSER, Places, chromium_page
from tests.cast import exports
from tests.journeys.conftest import running
from tests.journeys.newsstand import newsstand
from tests.journeys.person import Person
from tests.journeys.upside import ROOT, Up

PASSWORD = "correct-horse-battery"
PICTURES = 7  # of the stories in the first issue
PLACES: Places = set()  # they see the same pages
PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff2c00000000010001000002024401003b")

pytestmark = [pytest.mark.journey, *BROWSER]


@pytest.fixture(scope="module")
def site() -> Iterator[Publisher]:
    """The publisher's own site."""
    with newsstand() as site:
        yield site


@pytest.fixture
def house(tmp_path: Path, site: Publisher) -> Iterator[Up]:
    """A Digest with nothing in it, which may fetch from the site."""
    allowed = f"127.0.0.1:{site.port}"
    rarely = {"DIGEST_TICK_SECONDS": "10"}  # nudges do all that these people wait for
    with running(tmp_path / "data", "--no-sample", DIGEST_FETCH_ALLOW=allowed, **rarely) as up:
        yield up


@pytest.fixture
def page() -> Iterator[Page]:
    """A desktop; any complaint on its console fails the test."""
    with chromium_page(seconds=60, viewport={"width": 1280, "height": 900}) as page:
        page.route(
            "https://*.example/**",
            lambda route: route.fulfill(body=PIXEL, content_type="image/gif"),
        )
        yield page


def set_up(person: Person, up: Up, site: Publisher) -> None:
    """Answer what the first run asks, up to the test mail; follow the link to the exports."""
    link = re.search(r"Console +(\S+)", up.said)
    assert link
    person.page.goto(link[1])
    person.fill("Your email address", "ada@courier.example")
    person.fill("Password", PASSWORD, exact=True)
    person.fill("Repeat password", PASSWORD)
    person.press("Create account")
    person.fill("Name", "The Saltmarsh Courier")
    person.fill("Website", "courier.example")
    person.fill("Postal address", "1 Quay Street\nSaltmarsh")
    person.press("Continue")
    person.tick("Local test mailbox")
    person.press("Check and save")
    person.follow("Continue")
    person.fill("Site URL", site.url())
    person.press("Find feed")
    person.follow("Continue")
    person.fill("Name", "The Morning Tide")
    person.press("Continue")
    person.press("Send test")
    person.follow("It arrived")
    person.follow("Move from Mailchimp")


def choose(person: Person, *files: Path) -> None:
    """Choose an export, and say how these people consented."""
    card = person.page.locator("#file")
    card.locator("input[type=file]").set_input_files(files)
    card.get_by_label("Consent").fill("Signed up on our site, double opt-in")
    person.fields += 2
    person.press("Read export")
    person.see(person.page.get_by_role("button", name="Begin import"))


def read_again(person: Person) -> None:
    """Read the export again with what was changed, and wait for it."""
    before = person.page.locator("dl.counts").inner_text()
    person.press("Read again")
    expect(person.page.locator("dl.counts")).not_to_have_text(before, timeout=60_000)
    person.see(person.page.get_by_role("button", name="Begin import"))


def bring(person: Person) -> dict[str, str]:
    """Import; return the numbers of the report by their labels."""
    person.press("Begin import")
    person.see(person.page.get_by_role("heading", name="Import result"))
    rows = person.page.locator("dl.counts > div").all()
    return {row.locator("dt").inner_text(): row.locator("dd").inner_text() for row in rows}


def send_first_issue(person: Person, up: Up, number: int) -> set[str]:
    """Create an issue of the latest stories, approve and send it; return whom it reached."""
    before = set(up.mails())
    person.follow("New issue")
    person.press("Create issue from latest stories")
    log = up.data / "logs" / "worker.log"  # an approval is of the issue with its pictures
    up.wait_for(lambda: log.read_text().count("picture fetched") >= PICTURES, 150, "pictures")
    person.page.reload()
    person.press("Approve")
    person.see(person.page.get_by_text("Send …", exact=True))
    person.open("Send …")
    person.press("Send to")
    up.wait_for(lambda: len(set(up.mails()) - before) >= number, 150, "the issue")
    expect(person.page.locator(".page-header .badge")).to_have_text("Sent", timeout=100_000)
    person.look()
    mails = [message_from_bytes(path.read_bytes()) for path in set(up.mails()) - before]
    return {parseaddr(str(mail["To"]))[1] for mail in mails}


def is_as_documented(person: Person) -> None:
    """Compare what it took with what the documentation says."""
    row = f"| {person.name} | {person.pages} | {person.fields} | {person.presses} |"
    print(f"{row} {person.seconds:.0f} s")  # noqa: T201  with -s
    assert row in (ROOT / "docs" / "moving.md").read_text()


def test_from_mailchimp_with_a_zip(house: Up, page: Page, site: Publisher, tmp_path: Path) -> None:
    """Tags, suppressions and campaigns come; who left gets nothing; the archive has the past."""
    person = Person(page, "Mailchimp", PLACES)
    set_up(person, house, site)
    choose(person, exports.zipped(tmp_path / "mailchimp.zip", exports.mailchimp_account()))
    expect(page.get_by_text("recognised as an export of Mailchimp")).to_be_visible()
    expect(page.locator("#behind")).to_contain_text("stay at Mailchimp")
    expect(page.locator("#behind")).to_contain_text("Interests, Birthday")
    person.tick("Birthday")
    person.choose("Past issues", "all")
    read_again(person)
    numbers = bring(person)
    assert (numbers["Subscribers added"], numbers["Suppressed"]) == ("2", "2")
    assert numbers["Past issues added"] == "1"
    reached = send_first_issue(person, house, 2)
    assert reached == {"ines@mc.example", "bob@mc.example"}
    is_as_documented(person)
    page.goto(f"{house.url}/archive/the-morning-tide")
    page.get_by_role("link", name="Seals return 🦭").first.click()
    expect(page.get_by_role("heading", name="Seals return", exact=True)).to_be_visible()
    expect(page.get_by_text("A preview text")).to_have_count(0)
    expect(page.get_by_role("link", name="unsubscribe")).to_have_count(0)


def test_from_ghost_with_its_json(house: Up, page: Page, site: Publisher, tmp_path: Path) -> None:
    """Its JSON and the CSV of its members are chosen at once, and come in one go."""
    person = Person(page, "Ghost", PLACES)
    set_up(person, house, site)
    content, members = tmp_path / "ghost.json", tmp_path / "members.csv"
    content.write_text(exports.ghost_json([exports.ghost_post()]))
    members.write_text(exports.GHOST_MEMBERS)
    choose(person, content, members)
    numbers = bring(person)
    assert (numbers["Subscribers added"], numbers["Past issues added"]) == ("1", "1")
    assert send_first_issue(person, house, 1) == {"ana@gh.example"}
    is_as_documented(person)


def test_from_listmonk_with_its_csv(house: Up, page: Page, site: Publisher, tmp_path: Path) -> None:
    """Nobody is added before the publisher says what the file does not."""
    person = Person(page, "listmonk", PLACES)
    set_up(person, house, site)
    subscribers = tmp_path / "subscribers.csv"
    subscribers.write_text(exports.LISTMONK)
    choose(person, subscribers)
    expect(page.get_by_text("Nobody is added yet")).to_be_visible()
    expect(page.locator("#behind")).to_contain_text("values are not read: city")
    person.tick("I exported this list in listmonk")
    person.tick("city")
    read_again(person)
    assert bring(person)["Subscribers added"] == "1"
    assert send_first_issue(person, house, 1) == {"ana@lm.example"}
    is_as_documented(person)
