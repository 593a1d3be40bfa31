"""Operators hear once what is wrong, by mail or webhook, whether a worker runs or not."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
import redis
from pytest_django.fixtures import Settings
from structlog.testing import capture_logs

from digest.core.telemetry import reporting as telemetry
from digest.core.telemetry.buffer import Buffer
from digest.core.telemetry.reporting import Reporter
from digest.issues.building import NOT_APPROVED
from digest.issues.models import Issue
from digest.monitoring.alerts.conditions import current_conditions
from digest.monitoring.alerts.reporting import report
from digest.monitoring.alerts.watch import watch_once
from digest.monitoring.alerts.watching import BACKOFF, PATIENCE, RETENTION, News, settle, take_news
from digest.monitoring.models import Alert
from digest.relays.models import Relay
from tests.cast import NOON, make_issue, make_newsletter
from tests.ports import reserve_port
from tests.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def valkey(settings: Settings) -> Iterator[redis.Redis]:
    """A Valkey in which a worker and beat report all afternoon."""
    with redis.Redis.from_url(settings.DIGEST_REDIS_URL) as server:
        entry = {"host": "one", "pid": 1, "version": "1", "memory": 1}
        moments = dict.fromkeys(("started_at", "reported_at"), (NOON + 4 * HOUR).isoformat())
        for process in ("worker", "beat"):
            description = json.dumps(entry | moments | {"process": process})
            server.hset(telemetry.PROCESSES, process, description)
        yield server
        server.delete(telemetry.PROCESSES)


def take(now: datetime) -> tuple[list[str], list[str]]:
    """Return the keys of what is reported, and let it reach somebody."""
    news = take_news(now)
    settle(news, now)
    return [alert.key for alert in news.started], [alert.key for alert in news.ended]


def test_nothing_is_wrong() -> None:
    """A worker and beat run, and nothing is due."""
    assert current_conditions(NOON) == {}


def test_a_disk_without_room_is_named_once_for_its_machine(valkey: redis.Redis) -> None:
    """By the least that one of its processes sees."""
    for name, free in (("worker", 5_000_000_000), ("beat", 1_900_000_000)):
        entry = json.loads(valkey.hget(telemetry.PROCESSES, name) or b"")
        valkey.hset(telemetry.PROCESSES, name, json.dumps(entry | {"free": free}))
    conditions = current_conditions(NOON)
    assert conditions.keys() == {"disk:one"}
    assert conditions["disk:one"].startswith("1.9 GB are free")


def test_a_disk_of_several_containers_is_named_once(valkey: redis.Redis) -> None:
    """Each has a host of its own; a disk that has room is not named."""
    full, roomy = {"free": 1_000_000_000, "disk": "a:1"}, {"free": 9_000_000_000, "disk": "a:2"}
    entry = json.loads(valkey.hget(telemetry.PROCESSES, "worker") or b"")
    for host, disk in (("two", full), ("three", full), ("four", roomy)):
        valkey.hset(telemetry.PROCESSES, host, json.dumps(entry | {"host": host} | disk))
    conditions = current_conditions(NOON)
    assert conditions.keys() == {"disk:a:1"}
    assert "of three, two. Free" in conditions["disk:a:1"]


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
    assert take(NOON) == ([], [])
    assert take(NOON + PATIENCE) == (["relay:second"], [])
    assert take(NOON + PATIENCE + HOUR) == ([], [])
    Relay.objects.update(down_since=None)
    assert take(NOON + PATIENCE + HOUR) == ([], ["relay:second"])
    assert take(NOON + PATIENCE + 2 * HOUR) == ([], [])
    Relay.objects.filter(pk=relay.pk).update(down_since=NOON)
    take(NOON + PATIENCE + 2 * HOUR)
    Relay.objects.update(down_since=None)
    assert take(NOON + 2 * PATIENCE + 2 * HOUR) == ([], [])
    assert Alert.objects.filter(ended_at=None).count() == 0


def test_old_alerts_are_deleted() -> None:
    """Three months after their end, if nothing of them is to be reported any more."""
    ends = {"old": RETENTION + HOUR, "recent": RETENTION - HOUR, "unreported": RETENTION + HOUR}
    for key, ago in ends.items():
        Alert.objects.create(key=key, began_at=NOON - 2 * RETENTION, ended_at=NOON - ago)
    Alert.objects.filter(key="unreported").update(report_at=NOON + HOUR)
    take(NOON)
    assert {alert.key for alert in Alert.objects.all()} == {"recent", "unreported"}


def test_what_reaches_nobody_is_reported_again(
    settings: Settings, relay: Callable[..., SmtpServer]
) -> None:
    """After longer and longer waits, and not twice once somebody was reached; so is its end."""
    make_newsletter()
    server = relay({"end": lambda _: "451 4.3.0 Later"})
    settings.DIGEST_ALERTS = ["ops@news.example"]
    Relay.objects.create(name="second", sealed_url="", down_since=NOON)
    watch_once(NOON)
    watch_once(first := NOON + PATIENCE)
    assert Alert.objects.get().notified_at is None
    server.script = {}
    watch_once(first + BACKOFF.wait(1) / 2)
    assert server.recipients == []
    watch_once(second := first + BACKOFF.wait(1))
    watch_once(second + HOUR)
    assert server.recipients == ["ops@news.example"]
    assert Alert.objects.get().notified_at == second

    server.script = {"end": lambda _: "451 4.3.0 Later"}
    Relay.objects.update(down_since=None)
    watch_once(second + HOUR)
    server.script = {}
    watch_once(second + 2 * HOUR)
    watch_once(second + 3 * HOUR)
    assert [b"Over: The mail" in mail.data for mail in server.received] == [False, True]


def test_what_was_over_before_anybody_was_reached_is_reported() -> None:
    """Once, with its end: it had lasted long enough to be reported."""
    Relay.objects.create(name="second", sealed_url="x", down_since=NOON)
    take_news(NOON)
    take_news(NOON + PATIENCE)
    Relay.objects.update(down_since=None)
    [alert] = take_news(NOON + PATIENCE).ended
    assert (alert.notified_at, alert.ended_at) == (None, NOON + PATIENCE)
    assert take(NOON + PATIENCE + HOUR) == ([], ["relay:second"])
    assert take(NOON + PATIENCE + 2 * HOUR) == ([], [])


def test_an_end_that_comes_while_the_beginning_is_reported_is_not_lost() -> None:
    """Another process may notice it meanwhile."""
    Relay.objects.create(name="second", sealed_url="x", down_since=NOON)
    take_news(NOON)
    news = take_news(NOON + PATIENCE)
    Relay.objects.update(down_since=None)
    Alert.objects.update(ended_at=NOON + PATIENCE, report_at=NOON + PATIENCE)
    settle(news, NOON + PATIENCE)
    assert take(NOON + PATIENCE) == ([], ["relay:second"])


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
    assert report(news_of("No worker runs: nothing is sent. Start one.", "Another."), NOON)
    assert sorted(server.recipients) == ["ops@news.example", "two@news.example"]
    mail = server.received[0].data.decode()
    assert "Subject: [Digest] Alert: No worker runs: nothing is sent (+1)" in mail
    assert "(since Mon 23 Nov 2026" in mail
    assert "Auto-Submitted: auto-generated" in mail


@pytest.mark.parametrize(
    "place", ["ops\n@news.example", "https://127.0.0.1:1/s3cret", "http://[s3cret"]
)
def test_no_place_hinders_another_whatever_goes_wrong(
    place: str, settings: Settings, relay: Callable[..., SmtpServer]
) -> None:
    """An address that no header can have, a webhook that is away. Its address is not logged."""
    make_newsletter()
    server = relay()
    settings.DIGEST_ALERTS = [place]
    with capture_logs() as lines:
        assert not report(news_of("No worker runs."), NOON)
    assert [line["event"] for line in lines] == ["alert", "alert not reported"]
    assert "s3cret" not in str(lines)
    settings.DIGEST_ALERTS = [place, "ops@news.example"]
    assert report(news_of("No worker runs."), NOON)
    assert server.recipients == ["ops@news.example"]
