"""The page that shows the API works under a strict policy, from this installation's own files."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import ConsoleMessage, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from digest.api.docs import POLICY

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))


@pytest.fixture
def page() -> Iterator[Page]:
    """A page of a Chromium without a window; any complaint on its console fails the test."""
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    with sync_playwright() as playwright:
        # Django does not touch its database within a running loop, which playwright has here.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        made = chromium.new_page()
        made.on("console", hear)
        made.on("pageerror", lambda problem: complaints.append(str(problem)))
        yield made
        chromium.close()
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
    assert complaints == []


def test_no_script_is_inline_or_from_elsewhere() -> None:
    """Every file is ours, and the policy allows no other."""
    answer = Client().get("/api/v1/docs")
    body = answer.content.decode()
    assert answer["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY
    assert "https://" not in body
    for address in ("swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-init.js"):
        assert f"/static/ninja/{address}" in body
        assert Client().get(f"/static/ninja/{address}").status_code == 200


def test_the_description_is_open_to_everybody() -> None:
    """It says nothing that the documentation does not."""
    told = Client().get("/api/v1/openapi.json").json()
    assert told["openapi"] == "3.1.0"
    assert "/api/v1/newsletters" in told["paths"]
    assert told["paths"]["/api/v1/subscribers/{number}"]["delete"]["security"] == [
        {"Bearer": ["subscribers:erase"]}
    ]


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no Chromium at {CHROMIUM} (see CHROMIUM)")
@pytest.mark.django_db(transaction=True)
def test_a_browser_shows_every_operation(live_server: LiveServer, page: Page) -> None:
    """Without a complaint on its console."""
    page.goto(f"{live_server.url}/api/v1/docs")
    page.wait_for_selector(".opblock")
    assert page.locator(".opblock").count() >= 30
    page.locator(".opblock-summary").first.click()
    page.wait_for_selector(".opblock-description")
