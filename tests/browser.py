"""A real browser in front of Django's live server; a complaint on its console fails the test.

A process of the tests has one Chromium, started when it is first needed: the shell without windows
where it is installed, which takes a third of the processor time. It ends before the first test that
drives none: while it runs, this thread has a running event loop.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Frame,
    Page,
    Response,
    ViewportSize,
    expect,
    sync_playwright,
)

Scheme = Literal["dark", "light"]
Places = set[tuple[Scheme, int]]  # of elements on pages, each as a hash

if TYPE_CHECKING:
    from django.test import Client

_PLACES = ("/usr/bin/chromium-headless-shell", "/usr/bin/chromium")
_installed = next(filter(os.path.exists, _PLACES), _PLACES[-1])
CHROMIUM = Path(os.environ.get("CHROMIUM", _installed))
expect.set_options(timeout=15_000)  # as long as an action may take
_absent = pytest.mark.skipif(
    not CHROMIUM.exists(), reason=f"no Chromium at {CHROMIUM} (see CHROMIUM)"
)
BROWSER = (pytest.mark.browser, _absent)  # of a module whose tests all drive one
SHOTS = os.environ.get("DIGEST_SHOTS")  # a folder for pictures of what `look_at` sees
SCHEMES: tuple[Scheme, ...] = ("dark", "light")
SIZES: dict[str, ViewportSize] = {
    "phone": {"width": 390, "height": 844},
    "desktop": {"width": 1280, "height": 900},
}

_axe = Axe()
_running = ExitStack()
_browsers: list[Browser] = []


def in_browser(test: Any) -> Any:
    """Mark a test that drives one; it is skipped where none is installed."""
    return pytest.mark.browser(_absent(test))


def chromium() -> Browser:
    """The Chromium of this process, without a window."""
    if _browsers and not _browsers[0].is_connected():
        end_chromium()
    if not _browsers:
        playwright = _running.enter_context(sync_playwright())
        # Django does not touch its database within a running loop, which playwright has here.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        _running.callback(os.environ.pop, "DJANGO_ALLOW_ASYNC_UNSAFE")
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        _running.callback(browser.close)
        _browsers.append(browser)
    return _browsers[0]


def end_chromium() -> None:
    """End it, if it runs."""
    _browsers.clear()
    _running.close()


@contextmanager
def chromium_page(
    *, seconds: int = 15, may_be_refused: bool = False, **options: Any
) -> Iterator[Page]:
    """A page of a new profile; `seconds` is how long an action may take.

    Where pages may be refused, the status of a page itself (403, 404) is not a complaint.
    """
    complaints: list[str] = []
    refused: list[str] = []
    context = chromium().new_context(**options)
    page = context.new_page()
    page.set_default_timeout(seconds * 1000)
    listen_for_complaints(page, complaints)
    if may_be_refused:
        page.on("response", lambda response: refused.extend(_refusal(response)))
    try:
        yield page
    finally:
        context.close()
    complaints = [text for text in complaints if not text.endswith(tuple(refused))]
    assert complaints == [], "\n".join(complaints)


def sign_in(page: Page, url: str, email: str, password: str) -> None:
    """Open a page of the console, and sign in on the way to it."""
    page.goto(url)
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda address: address == url)


def bring_cookies(page: Page, url: str, client: "Client") -> None:
    """Let a page of the server at `url` be signed in as a client of Django's is."""
    cookies = client.cookies.items()
    page.context.add_cookies(
        [{"name": name, "value": row.value, "url": url} for name, row in cookies]
    )


def listen_for_complaints(page: Page, complaints: list[str]) -> None:
    """Add errors and warnings of the page's console to `complaints`, with their address."""

    def record(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(f"{page.url}: {message.text} ({message.location.get('url')})")

    page.on("console", record)
    page.on("pageerror", lambda problem: complaints.append(str(problem)))


def _refusal(response: Response) -> list[str]:
    """Return how the complaint about a refused page ends, if it is one."""
    is_refused = response.status >= 400 and response.request.is_navigation_request()
    return [f"({response.url})"] if is_refused else []


def violations(page: Page, *, all_rules: bool = True, **options: Any) -> list[dict[str, Any]]:
    """Return what axe finds on a page: by all rules, or by those whose faults are serious.

    No script runs in frames with a sandbox, axe's neither: it is not to wait for their answer, nor
    to write to a frame that has no origin.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe.axe_script)
    rows: list[dict[str, Any]] = page.evaluate(_RUN_AXE, [all_rules, options])
    return rows


_RUN_AXE = """async ([allRules, options]) => {
    const isLeftOut = (rule) => !allRules && ["minor", "moderate"].includes(rule.impact);
    const leftOut = axe._audit.rules.filter(isLeftOut).map((rule) => [rule.id, {enabled: false}]);
    const iframes = document.querySelector("iframe:not([sandbox])") !== null;
    const rules = Object.fromEntries(leftOut);
    const defaults = {resultTypes: ["violations"], preload: false, iframes, rules};
    return (await axe.run({...defaults, ...options})).violations;
}"""
# Rules for a page that has been looked at already, and now has other colours.
COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}


def serious_violations(page: Page, **options: Any) -> list[str]:
    """Return what axe finds on a page that keeps somebody from using it."""
    return [
        f"{violation['id']} {[node['html'][:200] for node in violation['nodes'][:3]]}"
        for violation in violations(page, all_rules=False, **options)
        if violation["impact"] in {"serious", "critical"}
    ]


def has_new_places(page: Page, scheme: Scheme, places: Places) -> bool:
    """Say whether an element stands where none of `places` was; add those of the page to them.

    That is: in elements with other classes or attributes, in another scheme, or with a text where
    there was none. In all other places axe finds what it found before.
    """
    current = {(scheme, place) for place in page.evaluate(_PLACES_OF_ELEMENTS)}
    has_new = not current <= places
    places |= current
    return has_new


_PLACES_OF_ELEMENTS = """() => {
    const valued = ["class", "role", "style", "type"];
    const places = new Set();
    const hash = (text, start) => [...text].reduce((n, c) => (n * 31 + c.charCodeAt(0)) | 0, start);
    const walk = (element, outer) => {
        const isIn = (name) => valued.includes(name) ? element.getAttribute(name) : "";
        const names = element.getAttributeNames().map((name) => `${name}=${isIn(name)}`).sort();
        const hasText = element.textContent.trim() !== "";
        const place = hash(`${element.tagName} ${names} ${hasText}`, outer);
        places.add(place);
        for (const child of element.children) walk(child, place);
    };
    walk(document.body, 0);
    return [...places];
}"""


def settle(page: Page) -> None:
    """Wait until a page is there: with its pictures, and with the parts that it asked for."""
    page.wait_for_load_state("load")
    page.wait_for_function(SETTLED)
    for frame in page.frames:
        frame.wait_for_load_state("load")


def ask_frames(page: Page, script: str) -> list[Any]:
    """Evaluate a script in the page and each frame; again where a new document has come in.

    The issue page loads its previews when it likes, and more than once.
    """
    return [answer for frame in page.frames for answer in _ask_frame(frame, script)]


def _ask_frame(frame: Frame, script: str) -> list[Any]:
    for _ in range(4):
        try:
            return [frame.evaluate(script)]
        except Error as problem:
            if frame.is_detached():
                return []
            if "context was destroyed" not in problem.message:
                raise
            frame.wait_for_load_state("load")
    return [frame.evaluate(script)]


_SET_DARK = "(isDark) => document.documentElement.classList.toggle('dark', isDark)"
SETTLED = """() => !document.querySelector(".htmx-request")
    && [...document.images].every((image) => image.complete || image.loading === "lazy")"""


def set_scheme(page: Page, scheme: Scheme) -> None:
    """Show a page by day or by night; the console asks only when it is loaded."""
    page.wait_for_load_state("domcontentloaded")  # behind a click there may be no document yet
    page.emulate_media(color_scheme=scheme)
    if "/admin/" in page.url:
        page.evaluate(_SET_DARK, scheme == "dark")


def look_at(page: Page, name: str) -> None:
    """Look at a page on a phone and a desktop, by day and by night; leave it as on a desktop.

    It fits, and axe finds nothing serious. With DIGEST_SHOTS=folder it is saved as pictures.
    """
    for size, viewport in SIZES.items():
        page.set_viewport_size(viewport)
        for scheme in SCHEMES:
            set_scheme(page, scheme)
            settle(page)
            options = COLOURS if scheme == "light" else {}  # after the dark, of the same page
            assert serious_violations(page, **options) == [], f"{name}, {size}, {scheme}"
            if SHOTS:
                page.screenshot(path=f"{SHOTS}/{name}-{size}-{scheme}.png", full_page=True)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= viewport["width"], f"{name}, {size}"
