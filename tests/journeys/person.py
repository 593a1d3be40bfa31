"""Somebody at a browser, who counts what a journey takes them, and looks at each page."""

import time

from playwright.sync_api import Locator, Page, expect

from tests.browser import (
    SHOTS,
    SIZES,
    Places,
    has_new_places,
    serious_violations,
    set_scheme,
    settle,
)


class Person:
    """Enters and presses; each page that they leave fits a phone and can be used by everybody.

    `places` are those of the same console that others have looked at.
    """

    def __init__(self, page: Page, name: str, places: Places) -> None:
        self.page, self.name = page, name
        self.pages = self.fields = self.presses = 0
        self._places = places
        self._looking = 0.0  # seconds in which only the test looks
        self._since = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long Digest took: a person reads and types meanwhile, which is not counted."""
        return time.monotonic() - self._since - self._looking

    def fill(self, label: str, text: str, *, exact: bool = False) -> None:
        """Enter a text."""
        self.page.get_by_label(label, exact=exact).fill(text)
        self.fields += 1

    def tick(self, label: str) -> None:
        """Tick a box or choose an option."""
        self.page.get_by_label(label).check()
        self.presses += 1

    def choose(self, label: str, value: str) -> None:
        """Choose from a list."""
        self.page.get_by_label(label, exact=True).select_option(value)
        self.presses += 1

    def press(self, name: str) -> None:
        """Press a button that leads to another page, or to another state of this one."""
        self._leave(self.page.get_by_role("button", name=name).first)

    def follow(self, name: str) -> None:
        """Follow a link."""
        self._leave(self.page.get_by_role("link", name=name).first)

    def open(self, text: str) -> None:
        """Open what asks before something happens."""
        self.page.get_by_text(text, exact=True).click()
        self.presses += 1

    def see(self, locator: Locator) -> None:
        """Wait until something is there."""
        expect(locator).to_be_visible(timeout=60_000)

    def look(self) -> None:
        """Look at the page on a desktop, and on a phone in the dark."""
        start = time.monotonic()
        self.pages += 1
        settle(self.page)
        if has_new_places(self.page, "light", self._places):
            assert serious_violations(self.page) == []
        self._shoot("desktop")
        self.page.set_viewport_size(SIZES["phone"])
        assert self.page.evaluate("document.documentElement.scrollWidth") <= 390, self.page.url
        set_scheme(self.page, "dark")
        self._shoot("phone")
        set_scheme(self.page, "light")
        self.page.set_viewport_size(SIZES["desktop"])
        self._looking += time.monotonic() - start

    def _leave(self, locator: Locator) -> None:
        self.see(locator)
        self.look()
        locator.click()
        self.presses += 1

    def _shoot(self, device: str) -> None:
        if SHOTS:
            path = f"{SHOTS}/{self.name}-{self.pages:02}-{device}.png"
            self.page.screenshot(path=path, full_page=True)
