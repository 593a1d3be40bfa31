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
    """And its password is never said."""
    said = digest("relay", "add", "main", URL, "--domain", "News.example", "--per-minute", "600")
    assert said.status == 0, said.err
    said = digest("relay", "show", "main", "--json")
    known = json.loads(said.out)
    assert (known["address"], known["sender_domains"], known["per_minute"]) == (
        "smtp://relay.example:587",
        ["news.example"],
        600,
    )
    assert "hunter2" not in said.out
    digest("relay", "set", "main", "--limit", "gmail.com=300", "--limit", "*=60", "--domain", "any")
    digest("relay", "set", "main", "--weight", "0", "--off", "--warm-up", "500,1.5")
    row = Relay.objects.get()
    assert row.domain_limits == {"gmail.com": 300, "*": 60}
    assert (row.sender_domains, row.weight, row.active, row.per_minute) == ([], 0, False, 600)
    assert (row.warming_start, row.warming_growth) == (500, 1.5)
    shown = digest("relay", "show", "main").out
    assert "gmail.com 300" in shown
    assert "Today at most" in shown
    assert "stand-in" in digest("relay", "list").out
    digest("relay", "set", "main", "--warm-up", "done", "--on")
    row.refresh_from_db()
    assert (row.warming_since, row.active) == (None, True)
    assert digest("relay", "remove", "main").status == 0
    assert not Relay.objects.exists()


@pytest.mark.parametrize(
    ("typed", "words"),
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
def test_nonsense_is_answered_in_a_line(digest: Digest, typed: tuple[str, ...], words: str) -> None:
    """Nothing is stored, and no password is repeated."""
    said = digest("relay", *typed)
    assert said.status != 0
    assert words in said.err
    assert "hunter2" not in said.err + said.out
    assert not Relay.objects.filter(name="main").exists()


def test_check_logs_in_and_hands_nothing_over(digest: Digest) -> None:
    """Exit status 1 where it is not let in."""
    with SmtpServer() as server:
        digest("relay", "add", "main", server.url)
        said = digest("relay", "check", "main")
        assert (said.status, server.received) == (0, [])
        assert "accepts our login" in said.out
    said = digest("relay", "check", "main")
    assert said.status == 1
    assert "cannot be used" in said.out


def test_a_paused_domain_is_shown_and_resumed(digest: Digest, settings: Settings) -> None:
    """In the list, by the doctor, and gone afterwards."""
    settings.DIGEST_SMTP_URL = ""
    digest("relay", "add", "main", "smtp://127.0.0.1:1")
    make_running(1)
    Subscriber.objects.update(email="a@wall.example")
    relay, now = Relay.objects.get(), clock.now()
    domain_pauses.pause_domain(relay, "wall.example", "550 5.7.1 blocked", now)
    held = f"{pausing.HELD_BACK}for a while"
    Delivery.objects.update(state=2, reply=held, due_at=now + timedelta(hours=1))
    assert "wall.example" in digest("relay", "list").out
    assert "550 5.7.1 blocked" in digest("relay", "show", "main").out
    assert "digest relay resume main wall.example" in digest("doctor").out
    said = digest("relay", "resume", "main", "wall.example")
    assert "1 waiting mails are due now" in said.out
    assert not PausedDomain.objects.filter(until__gt=clock.now()).exists()
    assert Delivery.objects.get().due_at <= clock.now()
    assert "nothing to resume" in digest("relay", "resume", "main", "wall.example").err
