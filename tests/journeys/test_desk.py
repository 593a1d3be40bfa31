"""An issue by hand, through two editors' browsers, to the readers' mailbox."""

import os
import subprocess
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.journeys.conftest import running, wait_for_the_first_digest
from tests.journeys.upside import DIGEST, ROOT, Up, clean_environment

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
PASSWORD = "correct-horse-battery"
READERS = 5

pytestmark = [
    pytest.mark.journey,
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no Chromium at {CHROMIUM} (see CHROMIUM)"),
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A running Digest with two editors, whose issues somebody else approves."""
    with running(tmp_path_factory.mktemp("desk") / "data") as up:
        wait_for_the_first_digest(up)
        for name in ("ada", "ben"):
            secret = {
                "DJANGO_SUPERUSER_EMAIL": f"{name}@courier.example",
                "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            }
            digest(up, "createsuperuser", "--noinput", **secret)
        digest(up, "newsletter", "set", "morning-tide", "--approval", "other", "--undo", "15")
        yield up


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium without a window."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()


def digest(up: Up, *words: str, **more: str) -> str:
    """Run a command beside it."""
    environment = clean_environment() | {"DIGEST_DATA_DIR": str(up.data)} | more
    return subprocess.run(
        [*DIGEST, *words], env=environment, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


def signed_in(browser: Browser, up: Up, name: str, address: str, complaints: list[str]) -> Page:
    """A browser of an editor's own, on a page of the console; its complaints are kept."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(15_000)
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None,
    )
    page.on("pageerror", lambda problem: complaints.append(str(problem)))
    page.goto(f"{up.url}/admin/login/?next={address}")
    page.fill("input[name=login]", f"{name}@courier.example")
    page.fill("input[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{up.url}{address}")
    return page


def headlines(page: Page) -> list[str]:
    """The stories on the desk, in order."""
    return page.locator(".desk-story-title").all_inner_texts()


def test_one_edits_the_other_approves_and_it_goes_out(house: Up, browser: Browser) -> None:
    """Dragged, moved by key, reworded, seen in the preview, approved by another, sent, received."""
    articles = [f"--article={house.url}/sample/{one}" for one in STORIES]
    said = digest(house, "desk", "start", "morning-tide", "--as", "ada@courier.example", *articles)
    number = said.split()[1]
    address = f"/admin/editions/{number}/desk/"
    complaints: list[str] = []
    ada = signed_in(browser, house, "ada", address, complaints)
    first, second, third = headlines(ada)

    rows = ada.locator("[data-story]")
    rows.nth(2).drag_to(rows.nth(0), target_position={"x": 40, "y": 2})
    expect(ada.locator(".desk-story-title").first).to_have_text(third)
    ada.get_by_role("button", name=f"Move down: {third}").focus()
    ada.keyboard.press("Enter")
    expect(ada.locator(".desk-story-title").first).to_have_text(first)
    assert headlines(ada) == [first, third, second]

    row = ada.locator("[data-story]").first
    row.get_by_text("Edit for this issue").click()
    row.get_by_label("Headline").fill("Mussels for everyone")
    row.get_by_role("button", name="Keep for this issue").click()
    expect(ada.frame_locator("iframe").locator("body")).to_contain_text("Mussels for everyone")
    expect(ada.get_by_text("You changed it last")).to_be_visible()
    ada.get_by_role("button", name="Look it through").click()
    expect(ada.locator("[data-findings]")).not_to_contain_text("takes a few seconds")

    ben = signed_in(browser, house, "ben", address, complaints)
    ben.get_by_role("button", name="Approve").click()
    ben.get_by_text("Send …").click()
    before = len(house.mails())
    ben.get_by_role("button", name=f"Send to {READERS} now").click()
    ben.get_by_role("button", name="Undo").click()
    expect(ben.get_by_text("Held back: nobody has got it.")).to_be_visible()
    assert len(house.mails()) == before  # the approval holds: nothing was changed
    for each in (ben, ada):  # two browsers, one issue
        each.goto(f"{house.url}{address}")
        each.get_by_text("Send …").click()
    for each in (ben, ada):
        each.get_by_role("button", name=f"Send to {READERS} now").click()
    house.wait_for(lambda: len(house.mails()) >= before + READERS, 60, "the issue")
    expect(ben.locator(".desk-state")).to_have_text("done", timeout=30_000)
    expect(ben.locator('[data-count="sent"]')).to_have_text(str(READERS))
    mails = [message_from_bytes(one.read_bytes(), policy=policy.default) for one in house.mails()]
    ours = [mail for mail in mails if mail["Subject"] == "Mussels for everyone"]
    assert len(ours) == len({mail["To"] for mail in ours}) == READERS
    assert complaints == []


STORIES = ("mussel-and-leek-pie", "library-night-opening", "harbour-dredging-vote")
