"""A manual issue, through two editors' browsers, to the subscribers' mailbox."""

import json
import os
import re
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser import BROWSER, chromium, listen_for_complaints, sign_in
from tests.journeys.conftest import (
    AT_ONCE,
    OWNER,
    PASSWORD,
    create_account,
    running,
    wait_for_the_first_digest,
)
from tests.journeys.upside import Up
from tests.journeys.upside import digest as run_digest

pytestmark = [pytest.mark.journey, *BROWSER]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A running Digest with two editors, whose issues somebody else approves."""
    with running(tmp_path_factory.mktemp("editing") / "data", **AT_ONCE) as up:
        wait_for_the_first_digest(up)
        for name in ("ada", "ben"):
            create_account(up, f"{name}@courier.example")
        yield up


@pytest.fixture
def browser() -> Iterator[Browser]:
    """A Chromium for several profiles, which end with the test."""
    yield chromium()
    for context in chromium().contexts:
        context.close()


def digest(up: Up, *arguments: str) -> str:
    """Run a command beside it."""
    return run_digest(*arguments, data=up.data).stdout


def signed_in(browser: Browser, up: Up, name: str, address: str, complaints: list[str]) -> Page:
    """A browser of an editor's own, on a page of the console; its complaints are kept."""
    page = in_new_tab(browser.new_context(viewport={"width": 1280, "height": 900}), complaints)
    sign_in(page, f"{up.url}{address}", f"{name}@courier.example", PASSWORD)
    return page


def in_new_tab(context: BrowserContext, complaints: list[str]) -> Page:
    """Return an empty page of a browser; its complaints are kept."""
    page = context.new_page()
    page.set_default_timeout(15_000)
    listen_for_complaints(page, complaints)
    return page


def headlines(page: Page) -> list[str]:
    """The stories on the desk, in order."""
    return page.locator(".story-title").all_inner_texts()


def test_one_edits_the_other_approves_and_it_goes_out(house: Up, browser: Browser) -> None:
    """Dragged, moved by key, reworded, seen in the preview, approved by another, sent, received."""
    digest(house, "newsletter", "set", "morning-tide", "--approval", "other", "--undo", "15")
    subscribers = len(digest(house, "subscriber", "export").splitlines()) - 1
    articles = [f"--article={house.url}/sample/{slug}" for slug in STORIES]
    output = digest(
        house, "issue", "create", "morning-tide", "--as", "ada@courier.example", *articles
    )
    number = output.split()[1]
    address = f"/admin/issues/{number}/"
    complaints: list[str] = []
    ada = signed_in(browser, house, "ada", address, complaints)
    first, second, third = headlines(ada)

    rows = ada.locator("[data-story]")
    rows.nth(2).locator(".grip").drag_to(rows.nth(1), target_position={"x": 40, "y": 2})
    expect(rows.nth(1)).to_contain_text(third)
    for button, place in ((f"Move down: {third}", 2), (f"Move up: {third}", 1)):
        ada.get_by_role("button", name=button).focus()
        ada.keyboard.press("Enter")
        expect(rows.nth(place)).to_contain_text(third)
    assert headlines(ada) == [first, third, second]

    row = rows.first
    row.get_by_text("Edit for this issue").click()
    row.get_by_label("Headline").fill("Mussels for everyone")
    mail = ada.frame_locator("[data-frames] iframe").last
    expect(mail.locator("body")).to_contain_text("Mussels for everyone")
    expect(ada.get_by_text("You changed what this issue contains")).to_be_visible()
    ada.get_by_role("button", name="Run checks").click()
    expect(ada.locator("#findings")).not_to_be_empty()

    ben = signed_in(browser, house, "ben", address, complaints)
    before = len(house.mails())
    ben.get_by_role("button", name="Approve").click()
    ben.get_by_text("Send …").click()
    ben.get_by_role("button", name=f"Send to {subscribers} now").click()
    ben.get_by_role("button", name="Undo (").click()
    expect(ben.get_by_text("Undone: nobody has received it.")).to_be_visible()
    assert len(house.mails()) == before  # the approval holds: nothing was changed
    for editor in (ben, ada):  # two browsers, one issue
        editor.goto(f"{house.url}{address}")
        editor.get_by_text("Send …").click()
    for editor in (ben, ada):
        editor.get_by_role("button", name=f"Send to {subscribers} now").click()
    house.wait_for(lambda: len(house.mails()) >= before + subscribers, 60, "the issue")
    expect(ben.locator(".page-header .badge")).to_have_text("Sent", timeout=30_000)
    expect(ben.locator('[data-count="sent"]')).to_have_text(str(subscribers))
    received_mails = [mail for mail in received(house) if mail["Subject"] == "Mussels for everyone"]
    assert len(received_mails) == len({mail["To"] for mail in received_mails}) == subscribers
    assert complaints == []


def test_two_who_press_at_the_same_moment_send_once(house: Up, browser: Browser) -> None:
    """Issue after issue, each sent by two browsers in the same millisecond: one mail to each."""
    digest(house, "newsletter", "set", "morning-tide", "--approval", "none", "--undo", "0")
    subscribers = len(digest(house, "subscriber", "export").splitlines()) - 1
    issues = create_drafts(house, TIMES)
    complaints: list[str] = []
    editors = [signed_in(browser, house, name, "/admin/", complaints) for name in ("ada", "ben")]
    before = len(house.mails())
    for issue in issues:
        # In new tabs: the page of an issue that goes out reloads itself, and would do so while it
        # is told to go to the next one. They stay open: Chromium may never close a page that is
        # just being loaded (crbug.com/536385539).
        tabs = [in_new_tab(editor.context, complaints) for editor in editors]
        for tab in tabs:
            tab.goto(f"{house.url}/admin/issues/{issue}/", wait_until="commit")
        press_at_once(tabs, f"form[action='/admin/issues/{issue}/send/'] button")
    expected = before + TIMES * subscribers
    house.wait_for(lambda: len(house.mails()) >= expected, 60, "all those issues")
    house.wait_for(lambda: states_of_issues(house) == {"sent"}, 30, "their ends")
    time.sleep(3)
    assert len(house.mails()) == expected
    assert complaints == []


def states_of_issues(up: Up) -> set[str]:
    """Return the states that the command line lists."""
    return {row["state"] for row in json.loads(digest(up, "issue", "list", "--json"))}


TIMES = int(os.environ.get("DIGEST_PRESSES", "3"))  # more of them: a longer look for a race


def create_drafts(up: Up, number: int) -> list[int]:
    """Manual issues that wait to be sent; their ids."""
    secret = json.loads(
        digest(up, "token", "add", "cms", "--scope", "all", "--owner", OWNER, "--json")
    )
    headers = {"Authorization": f"Bearer {secret['secret']}"}
    with httpx.Client(base_url=f"{up.url}/api/v1", headers=headers) as cms:
        article = cms.get("/articles?limit=1").json()["items"][0]["id"]
        responses = [
            cms.post(
                "/newsletters/morning-tide/issues",
                json={"articles": [article]},
                headers={"Idempotency-Key": f"round-{round_number}"},
            )
            for round_number in range(number)
        ]
    return [int(response.raise_for_status().json()["id"]) for response in responses]


def press_at_once(pages: list[Page], button: str) -> None:
    """Press the same button in two browsers at one moment, and wait until both have asked.

    The page of an issue that goes out reloads itself, so it may never come to the answer.
    """
    for page in pages:
        page.wait_for_selector(button, state="attached")
    moment = time.time() * 1000 + 50
    first, second = (page.expect_request(IS_PRESSED) for page in pages)
    with first, second:
        for page in pages:
            page.evaluate(PRESS, [button, moment])


IS_PRESSED = re.compile(r"/admin/issues/\d+/send/$")

PRESS = """([button, moment]) => {
    setTimeout(() => document.querySelector(button).click(), moment - Date.now())
}"""


def test_a_breaking_issue_is_paused_and_resumed(
    house: Up, browser: Browser, tmp_path: Path
) -> None:
    """Chosen by ticks, sent, watched as it moves, held in the middle, and let go: once to each."""
    subscriber_list = tmp_path / "list.csv"
    subscriber_list.write_text(
        "email\n" + "".join(f"late{n}@reader.example\n" for n in range(LATE))
    )
    consent = ("--consent", "signed up at the fair")
    digest(
        house,
        "subscriber",
        "import",
        str(subscriber_list),
        "--newsletter",
        "morning-tide",
        *consent,
    )
    digest(house, "newsletter", "set", "morning-tide", "--approval", "none", "--undo", "0")
    digest(house, "relay", "set", "default", "--per-minute", str(60 * PACE))
    complaints: list[str] = []
    ada = signed_in(browser, house, "ada", "/admin/", complaints)
    ada.get_by_role("link", name="New issue").first.click()
    ada.get_by_role("checkbox", name="Harbour board votes").check()
    ada.get_by_role("button", name="Create issue from selection").click()
    expect(ada.locator(".story-title")).to_have_count(1)
    expect(ada.get_by_role("group", name="Insert into Subject")).to_be_visible()
    ada.get_by_role("textbox", name="Subject", exact=True).fill("Breaking: the harbour")
    ada.keyboard.press("Tab")
    expect(ada.get_by_role("heading", name="Breaking: the harbour")).to_be_visible()
    ada.get_by_text("Send …").click()
    ada.get_by_role("button", name="now", exact=False).click()

    sent = ada.locator('[data-count="sent"]')
    expect(sent).not_to_have_text("0", timeout=30_000)
    first = number_in(sent)
    expect(sent).not_to_have_text(str(first), timeout=10_000)  # it moves by itself
    ada.get_by_role("button", name="Pause").click()
    expect(ada.locator(".page-header .badge")).to_contain_text("Paused")
    arrived = in_the_mailbox(house, wait=3.0)
    assert 0 < arrived < LATE
    assert in_the_mailbox(house, wait=3.0) == arrived
    digest(house, "relay", "set", "default", "--per-minute", "0")
    ada.get_by_role("button", name="Resume").click()
    expect(ada.locator(".page-header .badge")).to_have_text("Sent", timeout=60_000)
    to = [mail["To"] for mail in received(house) if mail["Subject"] == "Breaking: the harbour"]
    assert len(to) == len(set(to)) > LATE
    assert complaints == []


LATE, PACE = 100, 6  # subscribers, and how many of them get it in a second


def number_in(cell: Locator) -> int:
    """A number as it is shown."""
    return int(cell.inner_text().replace(",", ""))


def in_the_mailbox(up: Up, wait: float) -> int:
    """How many breaking mails have arrived, a while from now."""
    time.sleep(wait)
    return sum(mail["Subject"] == "Breaking: the harbour" for mail in received(up))


def received(up: Up) -> list[EmailMessage]:
    """The mails in the mailbox."""
    return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in up.mails()]


STORIES = ("mussel-and-leek-pie", "library-night-opening", "harbour-dredging-vote")
