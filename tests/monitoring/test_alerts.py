"""Operators hear once what is wrong, by mail or webhook, whether a worker runs or not."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import redis
from pytest_django.fixtures import Settings

from digest.core.telemetry import reporting as telemetry
from digest.core.telemetry.buffer import Buffer
from digest.core.telemetry.reporting import Reporter
from digest.issues.building import NOT_APPROVED
from digest.issues.models import Issue
from digest.monitoring.alerts.conditions import current_conditions
from digest.monitoring.alerts.reporting import report
from digest.monitoring.alerts.watching import PATIENCE, News, take_news
from digest.monitoring.models import Alert
from digest.relays.models import Relay
from tests.cast import NOON, make_issue, make_newsletter
from tests.ports import reserve_port
from tests.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def valkey(settings: Settings) -> Iterator[redis.Redis]:
    """A Valkey in which a worker and beat have reported at noon."""
    with redis.Redis.from_url(settings.DIGEST_REDIS_URL) as server:
        entry = {"host": "one", "pid": 1, "version": "1", "memory": 1}
        moments = dict.fromkeys(("started_at", "reported_at"), (NOON + 2 * PATIENCE).isoformat())
        for process in ("worker", "beat"):
            description = json.dumps(entry | moments | {"process": process})
            server.hset(telemetry.PROCESSES, process, description)
        yield server
        server.delete(telemetry.PROCESSES)


def summaries(news: News) -> tuple[list[str], list[str]]:
    """Return the keys of what is reported."""
    return [alert.key for alert in news.begun], [alert.key for alert in news.over]


def test_nothing_is_wrong() -> None:
    """A worker and beat run, and nothing is due."""
    assert current_conditions(NOON) == {}


def test_processes_that_are_gone_are_noticed(valkey: redis.Redis, settings: Settings) -> None:
    """Beat without workers is worth nothing, so workers come first."""
    valkey.hdel(telemetry.PROCESSES, "beat")
    assert current_conditions(NOON).keys() == {"beat"}
    valkey.hdel(telemetry.PROCESSES, "worker")
    assert current_conditions(NOON).keys() == {"worker"}
    Reporter("worker", Buffer()).report()
    settings.DIGEST_REDIS_URL = f"redis://127.0.0.1:{reserve_port()}"
    assert current_conditions(NOON).keys() == {"valkey"}


def test_issues_and_relays_are_noticed() -> None:
    """One that is late, one that nobody approved; not one that had too few stories."""
    newsletter = make_newsletter()
    make_issue(newsletter, slot=NOON - timedelta(minutes=10))
    for hours, reason in ((1, NOT_APPROVED), (2, "Only 1 story, and 3 are needed.")):
        make_issue(
            newsletter,
            slot=NOON - timedelta(hours=hours),
            state=Issue.State.SKIPPED,
            reason=reason,
            built_at=NOON,
        )
    Relay.objects.create(name="second", sealed_url="x", down_since=NOON, problem="timed out")
    missed = Issue.objects.get(reason=NOT_APPROVED)
    late = f"late:{newsletter.slug}:{NOON - timedelta(minutes=10):%Y%m%dT%H%M}"
    conditions = current_conditions(NOON)
    assert conditions.keys() == {late, f"missed:{missed.pk}", "relay:second"}
    assert "timed out" in conditions["relay:second"]


def test_an_alert_is_reported_once_and_once_when_it_is_over() -> None:
    """Not before it has lasted for two minutes; what is over sooner is never reported."""
    relay = Relay.objects.create(name="second", sealed_url="x", down_since=NOON)
    assert summaries(take_news(NOON)) == ([], [])
    assert summaries(take_news(NOON + PATIENCE)) == (["relay:second"], [])
    assert summaries(take_news(NOON + PATIENCE)) == ([], [])
    Relay.objects.update(down_since=None)
    assert summaries(take_news(NOON + PATIENCE)) == ([], ["relay:second"])
    Relay.objects.filter(pk=relay.pk).update(down_since=NOON)
    take_news(NOON + PATIENCE)
    Relay.objects.update(down_since=None)
    assert summaries(take_news(NOON + PATIENCE)) == ([], [])
    assert Alert.objects.filter(ended_at=None).count() == 0


def news_of(*summaries: str) -> News:
    """Alerts that began at noon."""
    return News([Alert(key="worker", summary=text, began_at=NOON) for text in summaries], [])


def test_a_mail_goes_out_without_a_worker(
    settings: Settings, relay: Callable[..., SmtpServer]
) -> None:
    """By the relay that is up, to each address; a place that fails hinders no other."""
    make_newsletter()
    server = relay()
    Relay.objects.create(name="broken", sealed_url="", down_since=NOON)
    settings.DIGEST_ALERTS = ["https://127.0.0.1:1/hook", "ops@news.example", "two@news.example"]
    report(news_of("No worker runs: nothing is sent. Start one.", "Another."), NOON)
    assert sorted(server.recipients) == ["ops@news.example", "two@news.example"]
    mail = server.received[0].data.decode()
    assert "Subject: [Digest] Alert: No worker runs: nothing is sent (+1)" in mail
    assert "(since Mon 23 Nov 2026" in mail
    assert "Auto-Submitted: auto-generated" in mail
