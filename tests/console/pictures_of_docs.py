"""The pictures of docs/first-steps.md, taken of the console: `make docs-pictures`.

Not a test of the suite (its name does not begin with `test`): run it when the console looks
different, and look at what it wrote before it is committed.
"""

import os
from pathlib import Path

import pytest
from PIL import Image
from pytest_django.live_server_helper import LiveServer

from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from tests.browser import chromium_page, in_browser, settle, sign_in
from tests.console import houses

pytestmark = pytest.mark.django_db(transaction=True)
FOLDER = Path(os.environ["DIGEST_DOCS_PICTURES"])
SIZE = {"width": 1280, "height": 860}


@in_browser
def test_pictures(live_server: LiveServer) -> None:
    """Sign in to a newsroom in which things go on, and take a picture of each page."""
    user = houses.lived_in(300)
    newsletter = Newsletter.objects.get(slug="morning-tide")
    draft = Issue.objects.filter(newsletter=newsletter, state=Issue.State.DRAFT).get()
    pages = {
        "home": "",
        "issue": f"issues/{draft.pk}/",
        "calendar": "calendar/",
        "subscribers": "subscribers/",
        "statistics": f"statistics/newsletter/{newsletter.pk}/",
    }
    with chromium_page(viewport=SIZE, color_scheme="light", reduced_motion="reduce") as page:
        sign_in(page, f"{live_server.url}/admin/", user.email, houses.PASSWORD)
        for name, address in pages.items():
            page.goto(f"{live_server.url}/admin/{address}")
            settle(page)
            page.wait_for_timeout(500)  # charts
            shot = FOLDER / f"{name}.png"
            page.screenshot(path=shot)
            Image.open(shot).save(FOLDER / f"{name}.webp", quality=70, method=6)
            shot.unlink()
