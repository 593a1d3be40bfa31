"""What /metrics shows: the whole installation, from few rows, and only to who may see it."""

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
import redis
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from digest.core import clock
from digest.core.telemetry import BUFFER, count, observe, reporting
from digest.core.telemetry.metrics import REPLIES, REPLY_SECONDS
from digest.core.telemetry.reporting import Reporter
from digest.issues.models import Issue
from digest.monitoring.exposition import expose
from digest.notices.models import Notice
from digest.relays.models import Relay
from tests.cast import make_newsletter, make_running, make_schedule
from tests.ports import reserve_port

pytestmark = pytest.mark.django_db

TOKEN = "a token for Prometheus alone"


@pytest.fixture(autouse=True)
def _valkey(settings: Settings) -> Iterator[None]:
    """A Valkey in which nobody has reported."""
    with redis.Redis.from_url(settings.DIGEST_REDIS_URL) as server:
        server.delete(reporting.FIGURES, reporting.PROCESSES)
        BUFFER.take()
        yield
        server.delete(reporting.FIGURES, reporting.PROCESSES)


def figures() -> dict[tuple[str, ...], float]:
    """Return each figure by its name and its labels' values, as Prometheus reads them."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(expose().decode())
        for sample in family.samples
    }


def test_figures_are_hidden_unless_a_token_or_an_address_is_set(
    client: Client, settings: Settings
) -> None:
    """Off by default; a wrong token and another address are told nothing."""
    assert client.get("/metrics").status_code == 404
    settings.DIGEST_METRICS_TOKEN = TOKEN
    for header in ("", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}"):
        assert client.get("/metrics", headers={"Authorization": header}).status_code == 404
    answer = client.get(
        "/metrics", headers={"Authorization": f"Bearer {TOKEN}", "Host": "10.0.0.9"}
    )
    assert (answer.status_code, answer.headers["Content-Type"][:10]) == (200, "text/plain")
    assert b"digest_up" in answer.content


def test_an_address_may_read_them(client: Client, settings: Settings) -> None:
    """That of the client, whatever a stranger writes into a header."""
    settings.DIGEST_METRICS_ALLOW = [ip_network("10.1.0.0/16")]
    assert client.get("/metrics", REMOTE_ADDR="10.1.2.3").status_code == 200
    answer = client.get("/metrics", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR="10.1.2.3")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "header", ["HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_VIA"]
)
def test_a_proxy_that_may_read_them_does_not_open_them_to_its_clients(
    client: Client, settings: Settings, header: str
) -> None:
    """Unless it is trusted, and says that its client is one who may."""
    settings.DIGEST_METRICS_ALLOW = [ip_network("127.0.0.1"), ip_network("10.1.0.0/16")]
    for value in ("192.0.2.1", "10.1.2.3", "127.0.0.1", ""):
        environment: dict[str, Any] = {"REMOTE_ADDR": "127.0.0.1", header: value}
        answer = client.get("/metrics", **environment)
        assert answer.status_code == 404
    settings.DIGEST_TRUSTED_PROXIES = [ip_network("127.0.0.1"), ip_network("127.0.0.2")]
    statuses = {
        forwarded: client.get(
            "/metrics", REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR=forwarded
        ).status_code
        for forwarded in (
            "10.1.2.3",
            "10.1.2.3, 127.0.0.2",
            "192.0.2.1",
            "10.1.2.3, 192.0.2.1",
            "192.0.2.1, 10.1.2.3",
            "192.0.2.1:5678",
            "unknown",
            "",
        )
    }
    assert list(statuses.values()) == [200, 200, 404, 404, 404, 404, 404, 404]


def test_deliveries_are_counted_by_state() -> None:
    """Of issues that go out."""
    make_running(3)
    Issue.objects.filter(pk=make_running(2).pk).update(state=Issue.State.SENT)
    assert figures()["digest_deliveries", "queued"] == 3


def test_queues_have_a_length_and_an_age() -> None:
    """Work that is due; what is due later does not count."""
    now, newsletter = clock.now(), make_newsletter()
    for minutes in (-20, -10, 10):
        Notice.objects.create(
            kind=Notice.Kind.HELP,
            publication=newsletter.publication,
            email="ines@reader.example",
            mailbox="ines@reader.example",
            created_at=now,
            due_at=now + timedelta(minutes=minutes),
        )
    values = figures()
    assert values["digest_queue_rows", "notices"] == 2
    assert values["digest_queue_oldest_seconds", "notices"] == pytest.approx(1_200, abs=60)
    assert values["digest_queue_oldest_seconds", "webhooks"] == 0


def test_what_was_counted_is_shown() -> None:
    """With buckets that include those below them, as histograms have."""
    for seconds in (0.004, 0.2, 60):
        observe(REPLY_SECONDS, seconds, "default")
    count(REPLIES, "default", "sent", amount=3)
    Reporter("web").report()
    values = figures()
    buckets = {
        end: values["digest_smtp_reply_seconds_bucket", end, "default"]
        for end in ("0.005", "0.1", "0.25", "10.0", "+Inf")
    }
    assert list(buckets.values()) == [1, 1, 2, 2, 3]
    assert values["digest_smtp_reply_seconds_count", "default"] == 3
    assert values["digest_smtp_reply_seconds_sum", "default"] == pytest.approx(60.204)
    assert values["digest_smtp_replies_total", "sent", "default"] == 3
    [process] = [key for key in values if key[0] == "digest_processes"]
    assert "web" in process


def test_a_late_issue_and_a_relay_that_is_down_are_shown() -> None:
    """The slot before last was at nine, three hours ago, and nobody built it."""
    now = clock.now()
    schedule = make_schedule(make_newsletter())
    type(schedule).objects.update(cron="0 9 * * *", timezone="UTC", since=now - timedelta(days=2))
    Relay.objects.create(name="second", sealed_url="x", down_since=now)
    values = figures()
    assert values[("digest_late_issues",)] == 1
    assert values[("digest_late_issues_oldest_seconds",)] > 0
    assert values["digest_relay_up", "second"] == 0


def test_without_valkey_the_rest_is_shown(settings: Settings) -> None:
    """And that it is away."""
    settings.DIGEST_REDIS_URL = f"redis://127.0.0.1:{reserve_port()}"
    values = figures()
    assert (values["digest_up", "valkey"], values["digest_up", "database"]) == (0, 1)
    assert "digest_deliveries" in {name for name, *_labels in values}


def test_the_number_of_queries_does_not_grow_with_the_data() -> None:
    """Each reads an index or a tally, whatever there is."""
    make_schedule(make_running(5).newsletter)
    with CaptureQueriesContext(connection) as few:
        expose()
    for _ in range(3):
        make_schedule(make_running(5).newsletter)
    with CaptureQueriesContext(connection) as more:
        expose()
    assert len(more) == len(few)
