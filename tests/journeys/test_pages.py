"""What a person sees in a browser while `digest up` runs."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import BROWSER, chromium_page
from tests.journeys.upside import Up

pytestmark = [pytest.mark.journey, *BROWSER]


@pytest.fixture(params=[("phone", 390, "dark"), ("desktop", 1280, "light")], ids=lambda p: p[0])
def page(request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of a phone or a desktop; any complaint on its console fails the test."""
    _, width, scheme = request.param
    look: dict[str, Any] = {"viewport": {"width": width, "height": 850}, "color_scheme": scheme}
    with chromium_page(seconds=20, **look, reduced_motion="reduce") as page:
        yield page


def fits(page: Page) -> bool:
    """Say whether the page needs no scrolling sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def pictures_shown(page: Page) -> int:
    """Count the pictures that have really arrived."""
    return int(
        page.evaluate(
            "Promise.all([...document.images].map(i => {i.loading = 'eager';"
            " return i.decode().then(() => 1, () => 0)})).then(r => r.reduce((a, b) => a + b, 0))"
        )
    )


def test_the_mailbox_leads_to_the_mail_as_it_looks(delivered: Up, page: Page) -> None:
    """A click on the first mail shows its HTML with its pictures, inside the frame."""
    page.goto(f"{delivered.url}/mailbox/")
    assert fits(page)
    page.locator(".mails a").first.click()
    expect(page.locator("h1")).to_be_visible()
    assert fits(page)
    mail = page.frame_locator("iframe")
    expect(mail.get_by_text("Latest Stories").first).to_be_visible()
    expect(mail.get_by_role("link", name="Unsubscribe")).to_be_visible()
    assert mail.locator("img").first.evaluate("image => image.decode().then(() => image.width)")
    page.get_by_role("link", name="Headers").click()
    expect(page.get_by_text("One-Click").first).to_be_visible()


def test_the_mail_itself_fits_its_window(delivered: Up, page: Page) -> None:
    """No subscriber scrolls sideways, and every picture arrives."""
    page.goto(f"{delivered.url}/mailbox/{delivered.mails()[0].name}/frame")
    assert fits(page)
    assert pictures_shown(page) == page.locator("img").count() > 3


def test_the_archive_shows_the_issue(delivered: Up, page: Page) -> None:
    """From the list of issues to the issue."""
    page.goto(f"{delivered.url}/archive/morning-tide")
    assert fits(page)
    page.locator("h3 a[href*='/archive/morning-tide/20']").first.click()
    expect(page.get_by_text("Latest Stories").first).to_be_visible()
    assert fits(page)


def test_the_newspaper_reads_well(up: Up, page: Page) -> None:
    """The front page and a story, with every picture."""
    page.goto(f"{up.url}/sample/")
    assert fits(page)
    assert pictures_shown(page) == page.locator("img").count() > 5
    page.locator(".lead h2 a").click()
    expect(page.locator("article.story h1")).to_be_visible()
    expect(page.get_by_role("heading", name="Receive latest news & updates")).to_be_visible()
    assert fits(page)
