"""Thirty varied issues in Chromium: axe finds nothing, nothing is wider than a narrow phone."""

import os
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser import chromium_page, in_browser, violations
from tests.rendering.mails import INES, part
from tests.rendering.quality.issues import Sample, in_each_design, samples
from tests.rendering.quality.pictures import draw, without_style

NARROW = {"width": 320, "height": 800}
# Landmarks are the mail program's: a mail is an article within its page.
AXE: dict[str, Any] = {
    "rules": {
        "target-size": {"enabled": True},
        "landmark-one-main": {"enabled": False},
        "region": {"enabled": False},
    }
}
# Axe takes a second for a mail; the table in docs/mail-quality.md is of all, in each design.
EVERY = os.environ.get("DIGEST_EVERY_MAIL")
VARIED = ("all-blocks", "theme-0", "mixed-scripts-rtl", "language-ar", "odd-texts")
# The narrowest column of running text, in px, without style sheets on a narrow phone.
READABLE = 200


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of a narrow phone, by day or by night, whose pictures are drawings."""
    with chromium_page(viewport=NARROW, color_scheme=request.param) as page:
        page.route(re.compile("^https?://"), draw)
        yield page


@in_browser
def test_axe_finds_nothing(page: Page) -> None:
    """Neither by day nor by night: contrast, targets of 24 px, names, headings."""
    faults = []
    for sample in _varied():
        page.set_content(part(sample.compile().message(INES), "html"))
        for violation in violations(page, **AXE):
            nodes = [node["html"][:160] for node in violation["nodes"][:2]]
            faults.append(f"{sample.name}: {violation['id']} {nodes}")
    assert faults == []


@in_browser
@pytest.mark.parametrize("page", ["light"], indirect=True)
def test_fits_a_narrow_phone(page: Page) -> None:
    """With its style sheets and without them nothing scrolls sideways, and columns can be read."""
    faults = []
    for sample in samples():
        document = part(sample.compile().message(INES), "html")
        for name, html in (("styled", document), ("bare", without_style(document))):
            page.set_content(html)
            wide = page.evaluate("document.documentElement.scrollWidth")
            faults += [f"{sample.name}, {name}: {wide} px"] if wide > NARROW["width"] else []
            narrowest = page.evaluate(
                "Math.min(...[...document.querySelectorAll('h1, h2, h3')]"
                ".map(heading => heading.parentElement.getBoundingClientRect().width))"
            )
            if narrowest < READABLE and "compact" not in sample.name:
                faults.append(f"{sample.name}, {name}: a column of {narrowest} px")
    assert faults == []


def _varied() -> Iterable[Sample]:
    if EVERY:
        return in_each_design()
    return [sample for sample in samples() if any(name in sample.name for name in VARIED)]
