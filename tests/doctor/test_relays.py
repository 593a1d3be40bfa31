"""The check of the relays."""

import pytest
from pytest_django.fixtures import Settings

from digest.core.findings import Level
from digest.doctor.relays import check_relays
from tests.cast import NOON
from tests.doctor.levels import worst_level
from tests.provider_server import Answer, ProviderServer
from tests.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "url", ["", "smtp://127.0.0.1:1", "http://relay", "smtp://relay:many", "anymail+pigeon://x@y"]
)
def test_a_relay_that_cannot_be_used_fails(settings: Settings, url: str) -> None:
    """None at all, none that answers, and addresses that cannot be read."""
    settings.DIGEST_SMTP_URL = url
    assert worst_level(check_relays) is Level.FAIL


def test_a_relay_that_accepts_our_login_is_fine(settings: Settings) -> None:
    """No mail is handed over."""
    with SmtpServer() as server:
        settings.DIGEST_SMTP_URL = server.url
        [finding] = check_relays(NOON)
    assert (finding.level, server.received) == (Level.OK, [])
    assert finding.summary.endswith("accepts our login.")


def test_a_provider_is_asked_whether_its_api_answers(settings: Settings) -> None:
    """Its address is not repeated: it may hold a secret."""
    with ProviderServer(lambda _: Answer()) as server:
        settings.DIGEST_SMTP_URL = f"anymail+postmark://key@default?api_url={server.url}"
        [finding] = check_relays(NOON)
        assert finding.level is Level.OK
        assert finding.summary.startswith("The relay default, Postmark, is reachable: ")
    [finding] = check_relays(NOON)
    assert finding.level is Level.FAIL
    settings.DIGEST_SMTP_URL = "anymail+postmark://hunter2:x@default"
    [finding] = check_relays(NOON)
    assert finding.level is Level.FAIL
    assert "hunter2" not in str(finding)
