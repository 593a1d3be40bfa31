"""A welcome and what follows: written in the console, and received until somebody leaves.

With DIGEST_SHOTS=folder every page that is looked at is also saved as a picture.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import BROWSER, chromium_page, serious_violations, settle, sign_in
from tests.journeys.conftest import OWNER, PASSWORD
from tests.journeys.test_pages import fits
from tests.journeys.test_subscribers import SLUG, link, mails_to, newest
from tests.journeys.upside import Up, digest

pytestmark = [pytest.mark.journey, *BROWSER]
SHOTS = os.environ.get("DIGEST_SHOTS", "")
NOOR = "noor@reader.example"
# Two days go by for whoever is in a series.
LATER = (
    "from datetime import timedelta; from django.db.models import F; "
    "from digest.series.models import Enrolment; "
    "Enrolment.objects.filter(state='active').update("
    "due_at=F('due_at') - timedelta(days=2), since=F('since') - timedelta(days=2))"
)


@pytest.fixture
def page(owned: Up) -> Iterator[Page]:
    """The owner's browser; any complaint on its console fails the test."""
    with chromium_page(viewport={"width": 1280, "height": 900}) as page:
        sign_in(page, f"{owned.url}/admin/series/", OWNER, PASSWORD)
        yield page


def look(page: Page, name: str) -> None:
    """See that a page is fit to be used, and take a picture of it."""
    settle(page)
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"series-{name}.png", full_page=True)
    assert serious_violations(page) == []
    assert fits(page)


def press(page: Page, opener: str, button: str) -> None:
    """Open a confirmation, and confirm."""
    page.locator("summary", has_text=opener).first.click()
    page.get_by_role("button", name=button, exact=True).click()


def write_step(page: Page, subject: str) -> None:
    """Give the mail of the step that is open a subject, and publish it."""
    step = page.url
    page.get_by_role("link", name="Edit mail").click()
    look(page, "mail")
    field = page.get_by_role("textbox", name="Subject", exact=True)
    field.fill(subject)
    expect(page.locator("[data-save-state]")).to_contain_text("Saved")
    page.goto(step)
    look(page, "step")
    press(page, "Publish", "Publish")
    page.get_by_text("Subscribers who reach this step from now on").wait_for()


def test_welcome_then_a_step_then_none_after_leaving(owned: Up, page: Page) -> None:
    """Through real workers, mail server and pages."""
    page.get_by_label("Name").fill("Welcome")
    look(page, "list")
    page.get_by_role("button", name="Create series").click()
    series = page.url
    page.get_by_role("link", name="1. ").click()
    write_step(page, "Hello from the harbour")
    for number, subject in enumerate(("The best of the archive", "One last thing"), 2):
        page.goto(series)
        page.get_by_role("button", name="Add step").click()
        page.get_by_label("Wait").fill("2")
        page.get_by_label("Stories of an issue").select_option("latest")
        page.get_by_role("button", name="Save step").click()
        page.get_by_text("The step was saved.").wait_for()
        write_step(page, subject)
        assert number
    page.goto(series)
    press(page, "Switch on …", "Switch on")
    page.get_by_text("“Welcome” is on.").wait_for()

    page.goto(f"{owned.url}/subscribe/{SLUG}")
    page.get_by_label("Email address").first.fill(NOOR)
    page.wait_for_timeout(1600)  # nobody types faster
    page.get_by_role("button", name="Sign up").first.click()
    page.goto(link(newest(owned, NOOR, 1, "the confirmation"), "confirm"))
    page.get_by_role("button", name="Confirm subscription").click()
    welcome = newest(owned, NOOR, 2, "the welcome")
    assert welcome["Subject"] == "Hello from the harbour"

    digest("shell", "-c", LATER, data=owned.data)
    second = newest(owned, NOOR, 3, "the second step")
    assert second["Subject"] == "The best of the archive"
    page.goto(series)
    look(page, "series")
    page.get_by_role("link", name="Show subscribers").click()
    look(page, "subscribers")
    page.get_by_role("link", name=NOOR).click()
    look(page, "subscriber")

    page.goto(link(second, "unsubscribe"))
    page.get_by_role("button", name="Unsubscribe").first.click()
    digest("shell", "-c", LATER, data=owned.data)
    page.wait_for_timeout(6_000)  # three ticks
    assert [mail["Subject"] for mail in mails_to(owned, NOOR)][1:] == [
        "Hello from the harbour",
        "The best of the archive",
    ]
    page.goto(series)
    expect(page.locator("#subscribers")).to_contain_text("Unsubscribed")
