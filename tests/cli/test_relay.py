"""`digest relay …`."""

import json
from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from digest.core import clock
from digest.relays import pausing
from digest.relays.models import PausedDomain, Relay
from digest.sending import domain_pauses
from digest.sending.models import Delivery
from digest.subscribers.models import Subscriber
from tests.cast import make_running
from tests.cli.conftest import Digest
from tests.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db
URL = "smtp://ann:hunter2@relay.example:587"


def test_a_relay_can_be_added_shown_changed_and_removed(digest: Digest) -> None:
    """And its password is never result."""
    result = digest("relay", "add", "main", URL, "--domain", "News.example", "--per-minute", "600")
    assert result.status == 0, result.err
    result = digest("relay", "show", "main", "--json")
    row = json.loads(result.out)
    assert (row["address"], row["sender_domains"], row["per_minute"]) == (
        "smtp://relay.example:587",
        ["news.example"],
        600,
    )
    assert "hunter2" not in result.out
    digest("relay", "set", "main", "--limit", "gmail.com=300", "--limit", "*=60", "--domain", "any")
    digest("relay", "set", "main", "--weight", "0", "--off", "--warm-up", "500,1.5")
    relay = Relay.objects.get()
    assert relay.domain_limits == {"gmail.com": 300, "*": 60}
    assert (relay.sender_domains, relay.weight, relay.active, relay.per_minute) == (
        [],
        0,
        False,
        600,
    )
    assert (relay.warming_start, relay.warming_growth) == (500, 1.5)
    screen = digest("relay", "show", "main").out
    assert "gmail.com 300" in screen
    assert "Allowance today" in screen
    assert "stand-in" in digest("relay", "list").out
    digest("relay", "set", "main", "--warm-up", "done", "--on")
    relay.refresh_from_db()
    assert (relay.warming_since, relay.active) == (None, True)
    assert digest("relay", "remove", "main").status == 0
    assert not Relay.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("add", "main", "http://relay"), "smtp://user:password@host"),
        (("add", "main", URL, "--limit", "gmail.com"), "gmail.com=600"),
        (("add", "main", URL, "--limit", "gmail.com=-1"), "gmail.com=600"),
        (("add", "main", URL, "--domain", "no domain"), "not a domain"),
        (("add", "main", URL, "--warm-up", "much"), "1000,2,1000000"),
        (("add", "main", URL, "--warm-up", "1,2,3,4"), "1000,2,1000000"),
        (("add", "main", URL, "--warm-up", "0"), "begins with 1 or more"),
        (("add", "main", URL, "--warm-up", "5,nan"), "begins with 1 or more"),
        (("add", "default", URL), "DIGEST_SMTP_URL"),
        (("add", "not a slug", URL), "letters"),
        (("show", "nothing"), "There is no relay"),
        (("resume", "nothing", "gmail.com"), "There is no relay"),
    ],
)
def test_invalid_arguments_are_answered_in_a_line(
    digest: Digest, arguments: tuple[str, ...], text: str
) -> None:
    """Nothing is stored, and no password is repeated."""
    result = digest("relay", *arguments)
    assert result.status != 0
    assert text in result.err
    assert "hunter2" not in result.err + result.out
    assert not Relay.objects.filter(name="main").exists()


def test_check_logs_in_and_sends_nothing(digest: Digest) -> None:
    """Exit status 1 if the relay cannot be used."""
    with SmtpServer() as server:
        digest("relay", "add", "main", server.url)
        result = digest("relay", "check", "main")
        assert (result.status, server.received) == (0, [])
        assert "accepts our login" in result.out
    result = digest("relay", "check", "main")
    assert result.status == 1
    assert "cannot be used" in result.out


def test_a_paused_domain_is_shown_and_resumed(digest: Digest, settings: Settings) -> None:
    """In the list and by doctor, until it is resumed."""
    settings.DIGEST_SMTP_URL = ""
    digest("relay", "add", "main", "smtp://127.0.0.1:1")
    make_running(1)
    Subscriber.objects.update(email="a@wall.example")
    relay, now = Relay.objects.get(), clock.now()
    domain_pauses.pause_domain(relay, "wall.example", "550 5.7.1 blocked", now)
    reply = f"{pausing.HELD_BACK}for a while"
    Delivery.objects.update(state=2, reply=reply, due_at=now + timedelta(hours=1))
    assert "wall.example" in digest("relay", "list").out
    assert "550 5.7.1 blocked" in digest("relay", "show", "main").out
    assert "digest relay resume main wall.example" in digest("doctor").out
    result = digest("relay", "resume", "main", "wall.example")
    assert "due now: 1 waiting mail." in result.out
    assert not PausedDomain.objects.filter(until__gt=clock.now()).exists()
    assert Delivery.objects.get().due_at <= clock.now()
    assert "nothing to resume" in digest("relay", "resume", "main", "wall.example").err
