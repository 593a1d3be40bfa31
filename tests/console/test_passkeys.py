"""Signing in by a passkey, in a real browser with a key of its own."""

from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from digest.accounts.models import User
from tests.browser import chromium_page, in_browser, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "correct-horse-battery"


@pytest.fixture
def page() -> Iterator[Page]:
    """A page of a browser that has a key which knows its owner's finger."""
    cache.clear()
    with chromium_page(viewport={"width": 390, "height": 800}) as browser_page:
        devtools = browser_page.context.new_cdp_session(browser_page)
        devtools.send("WebAuthn.enable")
        key = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
        key |= {"hasUserVerification": True, "isUserVerified": True}
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": key})
        yield browser_page


@in_browser
def test_a_passkey_is_added_and_opens_the_console(page: Page, live_server: LiveServer) -> None:
    """Without a password the next time, under the console's own policy for scripts."""
    User.objects.create_superuser("ada@courier.example", PASSWORD)
    sign_in(page, f"{live_server.url}/admin/", "ada@courier.example", PASSWORD)

    page.goto(f"{live_server.url}/admin/account/2fa/webauthn/add/")
    page.get_by_label("Password").fill(PASSWORD)  # it asks once more before keys change
    page.locator("main, #content").get_by_role("button").first.click()
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add").click()
    page.wait_for_url(lambda address: not address.endswith("/add/"))
    page.wait_for_load_state()
    assert Authenticator.objects.filter(type="webauthn").count() == 1

    page.context.clear_cookies()
    page.goto(f"{live_server.url}/admin/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{live_server.url}/admin/")
    expect(page.get_by_role("heading", name="Upcoming")).to_be_visible()
