"""An import in a browser without JavaScript, on a phone: wrong file, check, import, download."""

from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from digest.core import clock
from digest.subscribers.models import Suppression
from digest.transfers import queue
from tests.browser import chromium_page, in_browser
from tests.console import houses

pytestmark = pytest.mark.django_db(transaction=True)


def see_it_done(page: Page) -> None:
    """Let a worker do what the page waits for, and reload it."""
    expect(page.get_by_text("You can leave this page.")).to_be_visible()
    queue.run_due(clock.now())
    page.get_by_role("link", name="Reload").click()


@in_browser
def test_an_import_needs_no_javascript(live_server: LiveServer, tmp_path: Path) -> None:
    """Each step is a form; what changed is checked again before anything is stored."""
    user, client = houses.just_set_up(), Client()
    client.force_login(user)
    rows = "".join(f"p{n}@r.example,{'unsubscribed' if n % 3 else 'active'}\n" for n in range(9))
    (tmp_path / "list.csv").write_text(f"Email,Status\n{rows}")
    (tmp_path / "list.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    look = {"width": 390, "height": 844}
    with chromium_page(viewport=look, java_script_enabled=False) as page:
        page.context.add_cookies(
            [
                {"name": name, "value": cookie.value, "url": live_server.url}
                for name, cookie in client.cookies.items()
            ]
        )
        page.goto(f"{live_server.url}/admin/subscribers/import/")
        page.locator("#id_file").set_input_files(tmp_path / "list.png")
        page.locator("#id_consent").fill("At the fair")
        page.get_by_role("button", name="Check file").click()
        expect(page.get_by_text("This is a picture.")).to_be_visible()
        page.locator("#id_file").set_input_files(tmp_path / "list.csv")
        page.get_by_role("button", name="Check file").click()
        see_it_done(page)
        page.locator("#id_suppress").check()
        page.get_by_role("button", name="Import 3 subscribers").click()
        see_it_done(page)
        assert not Suppression.objects.exists()
        page.get_by_role("button", name="Import 3 subscribers").click()
        see_it_done(page)
        with page.expect_download() as download:
            page.get_by_role("link", name="Download skipped rows").click()
        assert download.value.path().read_text().count("unsubscribed:") == 6
    assert Suppression.objects.count() == 6
