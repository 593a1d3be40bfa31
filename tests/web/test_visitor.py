"""Who asks: the address behind trusted proxies, and the language."""

from ipaddress import ip_network
from typing import Any

import pytest
from django.test import RequestFactory

from digest.core import client_ip
from digest.web import visitor


@pytest.mark.parametrize(
    ("direct_peer", "forwarded", "expected"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.7", "203.0.113.9"),  # nobody we trust said so
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.7", "198.51.100.7"),  # the first may be made up
        ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "rubbish", "10.0.0.1"),
        ("::ffff:203.0.113.9", "", "203.0.113.9"),
        ("", "", None),
    ],
)
def test_the_address_is_the_last_one_that_can_be_believed(
    settings: Any, direct_peer: str, forwarded: str, expected: str | None
) -> None:
    """X-Forwarded-For is read from its end, past trusted proxies only."""
    settings.DIGEST_TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    headers: dict[str, Any] = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
    request = RequestFactory().get("/", REMOTE_ADDR=direct_peer, **headers)
    assert client_ip.address(request) == expected


@pytest.mark.parametrize(("query", "expected"), [("?lang=es", "es"), ("?lang=xx", "he")])
def test_a_language_in_the_address_comes_first(query: str, expected: str) -> None:
    """One that we do not speak is passed over."""
    request = RequestFactory().get(f"/{query}", HTTP_ACCEPT_LANGUAGE="fr")
    assert visitor.language(request, "he") == expected


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [("", "en"), ("iw", "he"), ("ja,fr", "fr"), ("ja,ko", "en"), ("\x00,;;q=z", "en")],
)
def test_a_browsers_language_is_the_first_that_we_speak(accepted: str, expected: str) -> None:
    """English where we speak none, or it is not said."""
    request = RequestFactory().get("/", HTTP_ACCEPT_LANGUAGE=accepted)
    assert visitor.language(request, "") == expected


@pytest.mark.parametrize(("preferred", "expected"), [("pt-BR", "pt"), ("xx", "he"), ("zh", "he")])
def test_a_subscribers_language_goes_before_the_browsers(preferred: str, expected: str) -> None:
    """That of the subscriber, or of the newsletter."""
    request = RequestFactory().get("/", HTTP_ACCEPT_LANGUAGE="he-IL,en;q=0.5")
    assert visitor.language(request, preferred) == expected
