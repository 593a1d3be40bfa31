"""The page that shows the API works under a strict policy, from this installation's own files."""

from collections.abc import Iterator

import pytest
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from digest.api.docs import POLICY
from digest.api.v1 import api
from tests.browser import chromium_page, in_browser


@pytest.fixture
def page() -> Iterator[Page]:
    """A page of a browser."""
    with chromium_page() as browser_page:
        yield browser_page


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
    schema = Client().get("/api/v1/openapi.json").json()
    assert schema["openapi"] == "3.1.0"
    assert "/api/v1/newsletters" in schema["paths"]
    assert schema["paths"]["/api/v1/subscribers/{subscriber_id}"]["delete"]["security"] == [
        {"Bearer": ["subscribers:erase"]}
    ]


def test_the_description_is_made_once() -> None:
    """Everybody may ask for it, as often as they like, and under any prefix."""
    description = api.get_openapi_schema()
    other = api.get_openapi_schema(path_prefix="/other/")
    assert other["components"] is description["components"]
    assert "/api/v1/newsletters" in description["paths"]
    assert "/other/newsletters" in other["paths"]


@in_browser
@pytest.mark.django_db(transaction=True)
def test_a_browser_shows_every_operation(live_server: LiveServer, page: Page) -> None:
    """Without a complaint on its console."""
    page.goto(f"{live_server.url}/api/v1/docs")
    expect(page.locator(".opblock").nth(29)).to_be_visible()  # thirty at least
    page.locator(".opblock-summary").first.click()
    page.wait_for_selector(".opblock-description")
