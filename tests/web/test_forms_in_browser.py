"""A designed form drawn by its line of script on another site, in Chromium."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from digest.selfservice import signups
from digest.subscribers.models import ConsentEvent, SignUp
from digest.web.captcha import altcha
from tests.browser import BROWSER, chromium_page, serious_violations
from tests.cast import make_newsletter, make_signup_form

pytestmark = [pytest.mark.django_db(transaction=True), *BROWSER]
PHONE, DESKTOP = {"width": 390, "height": 700}, {"width": 1200, "height": 800}
HOST = """<!doctype html><html lang="en"><head><title>Host</title>
<meta name="viewport" content="width=device-width">%s</head>
<body><main><h1>Host</h1>%s%s</main></body></html>"""
LONG = "<p>A story about seals, and then another one about the ferry.</p>" * 80
Opened = Callable[..., AbstractContextManager[Page]]


@pytest.fixture
def opened(live_server: LiveServer, settings: Settings) -> Opened:
    """Opens a page under a policy that allows the origin of the script and nothing else."""
    settings.DIGEST_BASE_URL = live_server.url
    digest = live_server.url
    policy = f"default-src 'none'; script-src {digest}; connect-src {digest}; form-action {digest}"
    policy += f"; frame-src {digest}"

    @contextmanager
    def host(
        kind: str, size: dict[str, int] = DESKTOP, *, in_head: bool = False, **fields: Any
    ) -> Iterator[Page]:
        form = make_signup_form(make_newsletter(slug="tide"), kind=kind, **fields)
        line = f'<script async src="{digest}/forms/{form.uuid}.js"></script>'
        # A script that runs at once, as one from the cache may before there is a body.
        head, line = (line.replace(" async", ""), "") if in_head else ("", line)
        body = HOST % (head, line, LONG)

        def answer(route: Route) -> None:
            headers = {"Content-Security-Policy": policy}
            route.fulfill(body=body, content_type="text/html", headers=headers)

        with chromium_page(viewport=size, reduced_motion="reduce") as page:
            page.route(f"{digest}/seals*", answer)
            page.goto(f"{digest}/seals?utm_source=bluesky&id=7")
            yield page
            assert page.context.cookies() == []

    return host


@pytest.mark.parametrize(("kind", "look"), [("inline", "tinted"), ("box", "filled")])
def test_it_is_drawn_and_sent_under_a_strict_policy(opened: Opened, kind: str, look: str) -> None:
    """With the page and the campaign; axe finds nothing serious."""
    with opened(kind, look=look, headline="Every morning", thanks="See you tomorrow.") as page:
        form = page.get_by_role("region", name="Every morning")
        form.get_by_label("Your email address").fill("nadia@reader.example")
        assert serious_violations(page) == []
        page.wait_for_timeout(1600)  # nobody types faster
        form.get_by_role("button", name="Sign up").click()
        expect(form.get_by_role("status")).to_have_text("See you tomorrow.")
    signups.settle_due()
    event = ConsentEvent.objects.get()
    assert event.page.endswith("/seals")
    assert (event.campaign, event.via.startswith("form ")) == ("utm_source=bluesky", True)


def test_a_pop_up_waits_and_is_closed_by_keyboard(opened: Opened) -> None:
    """It takes no focus, closes with Escape, and rests on the next page."""
    with opened("popup", after_scroll=20, after_seconds=600) as page:
        popup = page.get_by_role("dialog")
        page.wait_for_load_state("networkidle")
        expect(popup).to_have_count(0)
        page.mouse.wheel(0, 2500)
        expect(popup).to_be_visible()
        assert page.evaluate("document.activeElement === document.body")
        assert serious_violations(page) == []
        page.keyboard.press("Escape")
        expect(popup).to_have_count(0)
        page.reload()
        page.wait_for_load_state("networkidle")
        page.mouse.wheel(0, 2500)
        page.wait_for_timeout(300)
        expect(popup).to_have_count(0)


@pytest.mark.real_clock  # the library asks for the time itself
def test_a_pop_up_with_a_captcha_rests_after_the_sign_up(
    opened: Opened, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a frame, which tells the page that it was accepted."""
    settings.DIGEST_CAPTCHA = "altcha"
    monkeypatch.setattr(altcha, "MOST_HASHES", 10)
    with opened("popup", after_scroll=100, after_seconds=1) as page:
        form = page.frame_locator("iframe")
        form.get_by_label("Your email address").fill("nadia@reader.example")
        expect(form.get_by_text("Verification complete.")).to_be_visible()
        page.wait_for_timeout(1600)  # nobody types faster
        assert page.evaluate("localStorage.length") == 0
        form.get_by_role("button", name="Sign up").click()
        expect(form.get_by_role("heading", name="Check your inbox")).to_be_visible()
        page.wait_for_timeout(500)
        assert page.evaluate("localStorage.length") == 1


def test_a_pop_up_comes_after_a_while(opened: Opened) -> None:
    """On a wide window, where it covers a corner; its button closes it."""
    with opened("popup", after_scroll=100, after_seconds=1) as page:
        popup = page.get_by_role("dialog")
        expect(popup).to_be_visible()
        popup.get_by_role("button", name="Close").click()
        expect(popup).to_have_count(0)


@pytest.mark.parametrize("kind", ["popup", "bar"])
def test_nothing_lies_over_the_first_screen_of_a_phone(opened: Opened, kind: str) -> None:
    """Not after any time, not after scrolling a little; further down it covers half at most."""
    with opened(kind, PHONE, after_scroll=10, after_seconds=1) as page:
        dialog = page.get_by_role("dialog")
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(1500)
        page.mouse.wheel(0, 650)
        page.wait_for_timeout(300)
        expect(dialog).to_have_count(0)
        page.mouse.wheel(0, 2500)
        expect(dialog).to_be_visible()
        box = dialog.bounding_box()
        assert box is not None
        assert box["height"] <= PHONE["height"] * 0.6
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_refused_address_is_explained(opened: Opened) -> None:
    """In the form, which keeps what was entered; the browser's console has the status alone."""
    with pytest.raises(AssertionError, match="status of 422"):
        send_half_an_address(opened)
    assert not SignUp.objects.exists()


def send_half_an_address(opened: Opened) -> None:
    """Enter it as somebody in a hurry does, and read the answer."""
    with opened("box") as page:
        email = page.get_by_label("Your email address")
        email.fill("nadia@reader")
        page.wait_for_timeout(1600)
        page.get_by_role("button", name="Sign up").click()
        expect(page.get_by_role("status")).to_have_text("Enter a valid email address.")
        assert email.input_value() == "nadia@reader"


def test_a_pop_up_may_stand_in_the_head(opened: Opened) -> None:
    """Where managers of tags put scripts: there is no body yet when it runs."""
    with opened("popup", in_head=True, after_scroll=100, after_seconds=1) as page:
        expect(page.get_by_role("dialog")).to_be_visible()


@pytest.mark.parametrize(
    ("colour", "scheme"), [("oklch(0.97 0 0)", "night"), ("oklch(0.2 0 0)", "day")]
)
def test_it_fits_a_page_whatever_its_colours_are_written_in(
    opened: Opened, colour: str, scheme: str
) -> None:
    """Light text means a dark page."""
    with opened("box") as page:
        expect(page.get_by_label("Your email address")).to_be_visible()
        page.evaluate("(colour) => { document.body.style.color = colour; }", colour)
        page.emulate_media(color_scheme="dark")  # it looks again at the page's colours
        expect(page.locator(f"[data-scheme={scheme}]")).to_have_count(1)


def test_it_works_once_the_network_is_back(opened: Opened) -> None:
    """It had none when the page was loaded; the consent text is there before anything is sent."""
    with pytest.raises(AssertionError, match="ERR_INTERNET_DISCONNECTED"):
        reconnect(opened)
    assert SignUp.objects.exists()


def reconnect(opened: Opened) -> None:
    """Lose the first request of the form, then fill it in."""
    with opened("box") as page:
        address = "**/forms/*?lang=*"
        page.route(address, lambda route: route.abort("internetdisconnected"))
        page.reload()
        email = page.get_by_label("Your email address")
        expect(email).to_be_visible()
        page.wait_for_load_state("networkidle")
        expect(page.get_by_text("I want to receive")).to_have_count(0)
        page.unroute(address)
        email.fill("nadia@reader.example")
        expect(page.get_by_text("I want to receive")).to_be_visible()
        page.wait_for_timeout(1600)
        page.get_by_role("button", name="Sign up").click()
        expect(page.get_by_role("status")).to_contain_text("Check your inbox")
