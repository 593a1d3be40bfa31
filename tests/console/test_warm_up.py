"""The page of a warm-up: plan, what was sent, forecast; start, change, stop."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from digest.core import clock
from digest.relays import rate_limits, registry, warming
from digest.relays.models import Relay
from digest.relays.registry import RelayOptions
from digest.relays.throttles import buckets
from digest.relays.warming import Warming
from digest.reputation import warm_up
from digest.reputation.dmarc import storing
from digest.reputation.models import DmarcReport, RelayDay
from digest.subscribers.models import Growth
from tests.cast import NOON, make_newsletter
from tests.cast.accounts import make_superuser
from workers.tasks import mailboxes

pytestmark = [pytest.mark.django_db, pytest.mark.real_clock]


@pytest.fixture
def relay() -> Relay:
    """A mail server in its second day, which allows 20."""
    since = clock.now().date() - timedelta(days=1)
    return registry.add(
        "fast", "smtp://127.0.0.1:1", RelayOptions(warming=Warming(since, 10, 2.0, 100))
    )


@pytest.fixture
def ada_client(client: Client) -> Client:
    """An owner's browser."""
    client.force_login(make_superuser())
    return client


def send(relay: Relay, messages: int) -> None:
    """Reserve messages, as a sender does."""
    plan, today = registry.warming_of(relay), clock.now().date()
    assert plan is not None
    quota = warming.day_quota(plan, rate_limits.key_of(relay), today)
    assert quota is not None
    buckets.reserve(0, [quota])
    before = buckets.spent_today(quota)
    assert buckets.reserve(messages, [quota]).count == messages
    assert buckets.spent_today(quota) >= before + messages


def test_the_plan_shows_what_was_sent(ada_client: Client, relay: Relay) -> None:
    """Noted by a job, so that yesterday is known; what is known does not shrink."""
    now = clock.now()
    RelayDay.objects.create(relay=relay, day=now.date() - timedelta(days=1), messages=9)
    send(relay, 3)
    assert warm_up.note_sent(now) == 1
    plan = registry.warming_of(relay)
    assert plan is not None
    progress = warm_up.progress(relay, plan, now)
    assert [(row.allowed, row.sent) for row in progress.days[:2]] == [
        (10, 9),
        (20, progress.sent_today),
    ]
    assert progress.sent_today >= 3
    assert progress.days[-1].allowed == 80
    assert progress.days[-1].day == progress.last_day
    page = ada_client.get(f"/admin/relays/{relay.pk}/warm-up/").content.decode()
    assert f"{progress.sent_today} of 20 messages" in page
    assert "Today" in page


def test_it_says_how_long_an_issue_takes(ada_client: Client, relay: Relay) -> None:
    """Of each newsletter."""
    newsletter = make_newsletter(name="The Long Tide")
    Growth.objects.create(day=NOON.date(), newsletter_id=newsletter.pk, joined=130, left=0)
    page = ada_client.get(f"/admin/relays/{relay.pk}/warm-up/").content.decode()
    assert "The Long Tide" in page
    assert "130 subscribers" in page
    assert "days</span>, until" in page


def test_it_is_started_changed_and_stopped(ada_client: Client, relay: Relay) -> None:
    """A change goes on from the first day; a restart begins today."""
    address, since = f"/admin/relays/{relay.pk}/warm-up/", relay.warming_since
    numbers = {"start": 50, "growth": 1.5, "until": 900}
    assert ada_client.post(address, numbers | {"verb": "change"}).status_code == 302
    relay.refresh_from_db()
    assert (relay.warming_since, relay.warming_start, relay.warming_until) == (since, 50, 900)
    assert ada_client.post(address, numbers | {"verb": "start"}).status_code == 302
    relay.refresh_from_db()
    assert relay.warming_since == clock.now().date()
    bad = ada_client.post(address, numbers | {"until": 10, "verb": "change"})
    assert "A warm-up begins with 1 or more" in bad.content.decode()
    assert ada_client.post(address, {"verb": "stop"}).status_code == 302
    assert Relay.objects.get(pk=relay.pk).warming_since is None
    assert "has no warm-up" in ada_client.get(address).content.decode()


def test_names_are_looked_up_while_valkey_is_away(relay: Relay, settings: Any) -> None:
    """Only the count of the day waits for it; reports that are too old are deleted."""
    settings.DIGEST_REDIS_URL = "redis://127.0.0.1:1/0"
    before = clock.now() - storing.KEEP
    DmarcReport.objects.create(
        organization="a",
        report_id="1",
        domain="a.org",
        begin=before,
        end=before,
        received_at=before,
    )
    mailboxes.look_up_names()
    assert not DmarcReport.objects.exists()
    assert not RelayDay.objects.filter(relay=relay).exists()
