"""A subscriber's whole life with a newsletter, in a real browser, on a running `digest up`.

With DIGEST_SHOTS=folder every page that is looked at is also saved as a picture.
"""

import json
import os
import re
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, Literal
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from digest.core import clock
from tests.browser import BROWSER, COLOURS, chromium_page, serious_violations, settle
from tests.journeys.test_pages import fits
from tests.journeys.upside import Up, digest

pytestmark = [pytest.mark.journey, *BROWSER]
SLUG = "morning-tide"
SHOTS = os.environ.get("DIGEST_SHOTS", "")


@pytest.fixture
def page() -> Iterator[Page]:
    """A desktop; any complaint on its console fails the test."""
    with chromium_page(viewport={"width": 1280, "height": 900}) as page:
        yield page


def mails_to(up: Up, address: str) -> list[EmailMessage]:
    """The mails that an address got, oldest first."""
    opened = [message_from_bytes(path.read_bytes(), policy=default) for path in up.mails()]
    return [mail for mail in opened if mail["Delivered-To"] == address]


def newest(up: Up, address: str, count: int, description: str) -> EmailMessage:
    """The mail that makes it so many."""
    up.wait_for(lambda: len(mails_to(up, address)) >= count, 40, description)
    return mails_to(up, address)[-1]


def link(mail: EmailMessage, kind: str) -> str:
    """The first link of a kind in the text part."""
    body = mail.get_body(("plain",))
    assert body is not None
    match = re.search(rf"(https?://\S+/{kind}/\S+|mailto:{kind}\+\S+)", body.get_content())
    assert match, body.get_content()
    return match[1]


def state(up: Up, address: str) -> str:
    """What `digest subscriber show` says about the sample's newsletter."""
    subscriber = json.loads(digest("subscriber", "show", address, "--json", data=up.data).stdout)
    return str(subscriber["subscriptions"][0]["state"])


def write(page: Page, up: Up, sender: str, to: str) -> str:
    """Write a mail on the mailbox page; return what the server said."""
    page.goto(f"{up.url}/mailbox/write")
    page.get_by_label("From").fill(sender)
    page.get_by_label("To", exact=True).fill(to)
    page.get_by_label("Text").fill("Please.")
    page.get_by_role("button", name="Send").click()
    return page.get_by_role("status").inner_text()


def new_issue(up: Up) -> None:
    """Let the stories go out once more, to everyone, manually."""
    listed = json.loads(digest("article", "list", "--limit", "8", "--json", data=up.data).stdout)
    articles = listed["articles"] if isinstance(listed, dict) else listed
    for article in articles:
        digest("article", "mark-updated", article["url"], data=up.data)
    digest("send", SLUG, "--yes", "--wait", data=up.data)


def test_from_an_article_to_leaving_and_back(lived_in: Up, page: Page) -> None:
    """Subscribe beside a story, confirm, choose, get the next digest, pause, leave, undo."""
    up, nadia = lived_in, "nadia@reader.example"
    page.goto(f"{up.url}/sample/")
    page.locator(".lead h2 a").click()
    page.get_by_label("Your email address").fill(nadia)
    page.wait_for_timeout(1600)  # nobody types faster; a form sent sooner is asked about once more
    page.get_by_role("button", name="Sign up").click()
    page.get_by_text("Almost done. Check your inbox").wait_for()

    confirmation = newest(up, nadia, 1, "the confirmation")
    page.goto(link(confirmation, "confirm"))
    assert state(up, nadia) == "pending"
    page.get_by_role("button", name="Confirm subscription").click()
    page.get_by_role("heading", name="You are subscribed").wait_for()
    assert state(up, nadia) == "active"

    page.get_by_role("link", name="Manage preferences").click()
    page.get_by_role("checkbox", name="Environment").check()
    page.locator("form").first.get_by_role("button", name="Save").click()
    page.get_by_text("Your changes have been saved.").wait_for()
    expect(page.get_by_role("checkbox", name="Environment")).to_be_checked()

    newest(up, nadia, 2, "the welcome")
    new_issue(up)
    issue = newest(up, nadia, 3, "the next digest")
    everyone = newest(up, "tom@reader.example", 2, "Tom's digest")
    assert 0 < len(stories(issue)) < len(stories(everyone))

    page.goto(link(issue, "preferences"))
    page.get_by_label("Pause until").fill((clock.now() + timedelta(days=30)).date().isoformat())
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("Emails are paused until").wait_for()
    page.get_by_role("button", name="Resume now").click()
    page.get_by_text("Emails have resumed.").wait_for()

    page.goto(link(issue, "unsubscribe"))
    assert state(up, nadia) == "active"
    page.get_by_role("button", name="Unsubscribe", exact=True).click()
    page.get_by_role("heading", name="You are unsubscribed").wait_for()
    assert state(up, nadia) == "unsubscribed"
    page.get_by_role("button", name="Resubscribe").click()
    page.get_by_role("heading", name="You are subscribed again").wait_for()
    assert state(up, nadia) == "active"


def stories(mail: EmailMessage) -> set[str]:
    """The tracked links to the stories of a digest; they are the same for everybody."""
    body = mail.get_body(("plain",))
    assert body is not None
    return set(re.findall(r"/click/(\S+)", body.get_content()))


def test_the_same_by_mail_alone(lived_in: Up, page: Page) -> None:
    """Write to subscribe, write to confirm, get help, write to leave."""
    up, omar = lived_in, "omar@reader.example"
    assert "250" in write(page, up, omar, f"subscribe+{SLUG}@courier.example")
    confirmation = newest(up, omar, 1, "the confirmation")
    to = link(confirmation, "confirm").removeprefix("mailto:").partition("?")[0]
    if to.startswith("http"):
        body = confirmation.get_body(("plain",))
        assert body is not None
        match = re.search(r"mailto:(confirm\+\S+?)\?", body.get_content())
        assert match
        to = match[1]
    assert "250" in write(page, up, omar, to)
    up.wait_for(lambda: state(up, omar) == "active", 20, "the subscription")
    welcome = newest(up, omar, 2, "the welcome")
    leave = re.search(r"<mailto:([^?>]+)", str(welcome["List-Unsubscribe"]))
    assert leave
    assert "250" in write(page, up, omar, leave[1])
    assert state(up, omar) == "unsubscribed"
    assert "550" in write_refused(page, up, omar, "editor@courier.example")


def write_refused(page: Page, up: Up, sender: str, to: str) -> str:
    """The same, where the page itself answers with an error status."""
    page.goto(f"{up.url}/mailbox/write")
    token = page.locator("input[name=csrfmiddlewaretoken]").input_value()
    form: dict[str, str | float | bool] = {
        "csrfmiddlewaretoken": token,
        "sender": sender,
        "to": to,
        "text": "x",
    }
    return page.request.post(f"{up.url}/mailbox/write", form=form).text()


def test_a_scanner_that_opens_every_link_changes_nothing(lived_in: Up) -> None:
    """GET and HEAD on every link in every mail: everybody stands where they stood."""
    before = digest("subscriber", "export", data=lived_in.data).stdout
    pages = set()
    for path in lived_in.mails():
        mail = message_from_bytes(path.read_bytes(), policy=default)
        for kind in ("plain", "html"):
            body = mail.get_body((kind,))
            assert body is not None
            pages |= set(re.findall(r"https?://localhost[^\s\"<>]+", body.get_content()))
        pages |= set(re.findall(r"<(https?://[^>]+)>", str(mail["List-Unsubscribe"] or "")))
    assert len(pages) > 15
    for address in pages:
        for method in ("HEAD", "GET"):
            with urlopen(
                Request(address.replace("&amp;", "&"), method=method), timeout=20
            ) as answer:
                assert answer.status == 200
    assert digest("subscriber", "export", data=lived_in.data).stdout == before


@pytest.mark.parametrize("tag", ["en", "he", "es"])
def test_every_page_is_accessible(lived_in: Up, tag: str) -> None:
    """Axe finds nothing serious, and nothing scrolls sideways, in each language and light."""
    with chromium_page(reduced_motion="reduce", may_be_refused=True) as page:
        for name, address in looked_at(lived_in, tag):
            page.goto(address)
            for size, scheme in LOOKS:
                page.set_viewport_size({"width": size, "height": 850})
                page.emulate_media(color_scheme=scheme)
                options = COLOURS if scheme == "light" and size == 1280 else {}
                check(page, f"{name}-{tag}-{size}-{scheme}", **options)


LOOKS: list[tuple[int, Literal["dark", "light"]]] = [
    (320, "dark"),
    (390, "light"),
    (1280, "dark"),
    (1280, "light"),
]


def looked_at(up: Up, tag: str) -> list[tuple[str, str]]:
    """The pages of a subscriber's life, none of which changes anything by being looked at.

    Those that speak the language of the newsletter, whoever looks, come with English.
    """
    subscriber = mails_to(up, "seun@reader.example")[0]
    tail = f"?lang={tag}"
    one_language = [
        *((kind, f"{up.url}/embed/{SLUG}/{kind}") for kind in ("popular", "latest", "appeal")),
        ("write", f"{up.url}/mailbox/write"),
        ("article", f"{up.url}/sample/curlews-on-the-levels"),
    ]
    return [
        ("subscribe", f"{up.url}/subscribe/{SLUG}{tail}"),
        ("framed", f"{up.url}/embed/{SLUG}/signup{tail}"),
        ("preferences", link(subscriber, "preferences") + tail),
        ("unsubscribe", link(subscriber, "unsubscribe") + tail),
        ("archive", f"{up.url}/archive/{SLUG}{tail}"),
        ("home", f"{up.url}/{tail}"),
        ("damaged", f"{up.url}/confirm/x{tail}"),
        *(one_language if tag == "en" else ()),
    ]


def check(page: Page, name: str, **options: Any) -> None:
    """Look at a page as axe and a picture do."""
    settle(page)
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)
    assert serious_violations(page, **options) == [], name
    assert fits(page), name
