"""A first run: from an empty database to a test mail in the mailbox, in a browser alone."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy

import pytest
from playwright.sync_api import Page, expect

from tests.articles.publisher import Publisher
from tests.browser import BROWSER, chromium_page, violations
from tests.journeys.conftest import running
from tests.journeys.newsstand import newsstand
from tests.journeys.upside import Up

PASSWORD = "correct-horse-battery"

pytestmark = [pytest.mark.journey, *BROWSER]


@pytest.fixture(scope="module")
def site() -> Iterator[Publisher]:
    """The Saltmarsh Courier's own site."""
    with newsstand() as site:
        yield site


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, site: Publisher) -> Iterator[Up]:
    """A Digest with nothing in it, which may fetch from the site."""
    data = tmp_path_factory.mktemp("first-run") / "data"
    with running(data, "--no-sample", DIGEST_FETCH_ALLOW=f"127.0.0.1:{site.port}") as up:
        yield up


@pytest.fixture
def page(house: Up) -> Iterator[Page]:
    """A browser in Madrid; it must have nothing to complain about."""
    with chromium_page(
        viewport={"width": 1280, "height": 900}, timezone_id="Europe/Madrid"
    ) as page:
        yield page


def is_fit(page: Page) -> None:
    """Say that everybody can use the page, on a phone too."""
    assert violations(page, runOnly=["wcag2a", "wcag2aa"]) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1280, "height": 900})


def test_from_an_empty_database_to_a_test_mail(house: Up, page: Page, site: Publisher) -> None:
    """Account, publication, sender, source, newsletter, preview, test: as a person does it."""
    page.goto(house.url)
    expect(page.get_by_role("heading", name="Set up Digest")).to_be_visible()
    link = re.search(r"Console +(\S+)", house.said)
    assert link
    page.goto(link[1])
    is_fit(page)
    page.get_by_label("Your email address").fill("ada@courier.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Repeat password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()

    expect(page.get_by_text("Step 2 of 6")).to_be_visible()
    page.get_by_label("Name").fill("The Saltmarsh Courier")
    page.get_by_label("Website").fill("courier.example")
    page.get_by_label("Postal address").fill("1 Quay Street\nSaltmarsh")
    page.get_by_label("Logo URL").fill(site.url("/images/logo.png"))
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Madrid")
    is_fit(page)
    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_label("Email address")).to_have_value("newsletter@courier.example")
    page.get_by_label("Your own mail server").check()
    page.get_by_label("Host").fill("127.0.0.1")
    page.get_by_label("Port").fill("9")
    is_fit(page)
    page.get_by_role("button", name="Check and save").click()
    expect(page.get_by_role("alert")).to_contain_text("Connection refused")
    page.get_by_label("Local test mailbox").check()
    expect(page.get_by_label("Host")).to_be_hidden()
    page.get_by_role("button", name="Check and save").click()
    expect(page.get_by_role("heading", name="Connected")).to_be_visible()

    page.goto(f"{house.url}/admin/")  # left, and taken up again
    page.get_by_role("link", name="Continue").click()
    page.get_by_role("button", name="Check and save").click()
    page.get_by_role("link", name="Continue").click()

    expect(page.get_by_label("Site URL")).to_have_value("https://courier.example")
    page.get_by_label("Site URL").fill(site.url())
    page.get_by_role("button", name="Find feed").click()
    expect(page.get_by_text("12 articles")).to_be_visible()
    expect(page.get_by_text("Lifeboat brings home two")).to_be_visible()
    expect(page.locator(".pick img").nth(4)).to_be_visible()  # five at least
    is_fit(page)
    page.get_by_role("link", name="Continue").click()

    expect(page.get_by_label("Monday")).to_be_checked()
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Madrid")
    page.get_by_label("Name").fill("The Morning Tide")
    page.get_by_label("Sunday").uncheck()
    is_fit(page)
    page.get_by_role("button", name="Continue").click()

    mail = page.frame_locator("iframe").locator("body")
    expect(mail).to_contain_text("Lifeboat brings home two")
    light = mail.evaluate("body => getComputedStyle(body).backgroundColor")
    page.get_by_role("button", name="Dark").click()
    expect(mail).not_to_have_css("background-color", light)
    is_fit(page)
    page.get_by_role("button", name="Send test").click()
    expect(page.get_by_role("heading", name="Sent to ada@courier.example")).to_be_visible()
    page.get_by_text("Reply of the mail server").click()
    expect(page.get_by_text("250 2.0.0 In the mailbox")).to_be_visible()

    (received,) = house.mails()
    message = message_from_bytes(received.read_bytes(), policy=policy.default)
    assert message["To"] == "ada@courier.example"
    assert message["From"] == "The Saltmarsh Courier <newsletter@courier.example>"
    assert message["Subject"].startswith("[Test] ")
    with page.expect_popup() as mailbox:
        page.get_by_role("link", name="Open the mailbox").click()
    expect(mailbox.value.get_by_text("[Test]")).to_be_visible()

    page.get_by_role("link", name="It arrived").click()
    expect(page.get_by_role("heading", name="The Morning Tide is ready")).to_be_visible()
    is_fit(page)
    page.get_by_role("link", name="Go to Home").click()
    # In the hour before its slot, the first issue is there already and waits for approval.
    complete = page.get_by_role("heading", name="Setup is complete")
    expect(complete.or_(page.get_by_text("needs approval")).first).to_be_visible()
