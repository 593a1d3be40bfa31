"""Pictures of mails as clients show them, to look at.

`python -m tests.services python -m tests.rendering.quality.pictures FOLDER [NAME …]` shows each
sample at 640, 375 and 320 px; light, dark, with images off, and without its style sheets. NAME is a
part of a sample's name; without one all thirty are shown.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import django
from playwright.sync_api import Page, Route

django.setup()  # the models of unsaved issues

from tests.browser import chromium_page  # noqa: E402
from tests.rendering.mails import INES, part  # noqa: E402
from tests.rendering.quality.issues import Sample, samples  # noqa: E402

WIDTHS = (640, 375, 320)
LOOKS = ("light", "dark", "images-off", "no-style")
_DRAWING = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 200"
preserveAspectRatio="xMidYMid slice">
<defs><linearGradient id="g" x2="0" y2="1"><stop stop-color="hsl({hue},45%,62%)"/>
<stop offset="1" stop-color="hsl({hue},50%,32%)"/></linearGradient></defs>
<rect width="300" height="200" fill="url(#g)"/><circle cx="215" cy="70" r="30" fill="#fff8"/>
<path d="M0 150q75-40 150 0t150 0v50H0z" fill="#0004"/></svg>"""


def main(folder: Path, names: list[str]) -> None:
    """Write the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for look in LOOKS:
        with chromium_page(color_scheme="dark" if look == "dark" else "light") as page:
            page.route(re.compile("^https?://"), block if look == "images-off" else draw)
            for sample in _chosen(names):
                _shoot(page, sample, look, folder)


def draw(route: Route) -> None:
    """Answer a request for a picture with a drawing, another one for each address."""
    hue = sum(map(ord, route.request.url)) * 37 % 360
    route.fulfill(body=_DRAWING.format(hue=hue), content_type="image/svg+xml")


def block(route: Route) -> None:
    """Answer as a client that shows no pictures; a refused request would be a complaint."""
    route.fulfill(body="", content_type="text/plain")


def without_style(document: str) -> str:
    """Return a mail as a client shows it that drops <style>."""
    return re.sub(r"<style.*?</style>", "", document, flags=re.DOTALL)


def _shoot(page: Page, sample: Sample, look: str, folder: Path) -> None:
    document = part(sample.compile().message(INES), "html")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.set_content(without_style(document) if look == "no-style" else document)
        page.screenshot(path=folder / f"{sample.name}--{width}-{look}.png", full_page=True)


def _chosen(names: list[str]) -> Iterator[Sample]:
    for sample in samples():
        if not names or any(name in sample.name for name in names):
            yield sample


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
