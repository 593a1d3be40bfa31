"""What every response says to browsers and to search engines."""

from urllib.parse import urlsplit

import pytest
from django.test import Client

from digest.core import links
from digest.newsletters.models import Newsletter
from digest.subscribers.models import Subscriber
from tests.cast import make_newsletter, make_subscriber

pytestmark = pytest.mark.django_db

PUBLIC = ["/", "/archive/tide", "/subscribe/tide", "/static/web/site.css", "/favicon.ico"]
PRIVATE = [
    "/unsubscribe/x",
    "/confirm/x",
    "/change/x",
    "/preferences/x",
    "/click/x",
    "/embed/tide/signup",
    "/embed/tide/popular",
    "/admin/",
    "/admin/account/login/",
    "/admin/invitation/x/",
    "/api/v1/docs",
    "/healthz",
    "/nothing",
]


@pytest.fixture(autouse=True)
def newsletter() -> None:
    """The Morning Tide, with a subscriber."""
    make_subscriber(make_newsletter(slug="tide"))


@pytest.mark.parametrize("path", PUBLIC + PRIVATE)
def test_every_response_is_strict(client: Client, path: str) -> None:
    """Files and errors too: a policy, no guessing of types, no devices, https for a year."""
    headers = client.get(path, secure=True).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "publickey-credentials" not in headers["Permissions-Policy"]  # passkeys
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert headers["Referrer-Policy"] in {"no-referrer", "same-origin"}


def test_http_is_not_bound_to_https(client: Client) -> None:
    """The header is for secure connections alone (RFC 6797 §7.2)."""
    assert "Strict-Transport-Security" not in client.get("/healthz").headers


@pytest.mark.parametrize("path", PUBLIC)
def test_public_pages_may_be_found(client: Client, path: str) -> None:
    """The archive is there to be read."""
    assert "X-Robots-Tag" not in client.get(path).headers


@pytest.mark.parametrize("path", PRIVATE)
def test_no_other_page_is_indexed(client: Client, path: str) -> None:
    """Whatever it answers."""
    assert "noindex" in client.get(path).headers["X-Robots-Tag"]


@pytest.mark.parametrize("path", PRIVATE)
def test_no_other_page_is_stored(client: Client, path: str) -> None:
    """By a browser that others use, or by a proxy: unless the page says how long."""
    if not path.startswith("/embed/"):
        assert "no-store" in client.get(path).headers["Cache-Control"]


def test_a_subscribers_own_page_is_not_indexed(client: Client) -> None:
    """A link that works, posted somewhere by its owner."""
    subscriber, newsletter = Subscriber.objects.get(), Newsletter.objects.get()
    preferences = links.preferences_url(subscriber, newsletter.publication)
    unsubscribe, _ = links.ways_out(subscriber, newsletter)
    for url in (preferences, unsubscribe):
        response = client.get(urlsplit(url).path)
        assert response.status_code == 200
        assert "noindex" in response.headers["X-Robots-Tag"]
