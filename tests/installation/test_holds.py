"""An older state of the database shows itself, and holds all mail."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.conf import settings as configured
from pytest_django.fixtures import Settings

from digest.core import jobs
from digest.installation import heartbeat, holds, witnesses
from digest.installation.models import Hold, Installation
from tests.cast import NOON
from workers.task import job

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data(settings: Settings, tmp_path: Path) -> Path:
    """A data folder of this test's own."""
    settings.DIGEST_DATA_DIR = tmp_path
    return tmp_path


def beat(times: int = 1) -> Installation:
    """Let time pass."""
    for _ in range(times):
        heartbeat.beat(NOON)
    return heartbeat.installation_row()


def forget_valkey(installation: Installation) -> None:
    """Empty Valkey, as a restart does."""
    with redis.Redis.from_url(configured.DIGEST_REDIS_URL) as valkey:
        valkey.delete(f"digest-heartbeat:{installation.key}")


def restore(beats: int) -> None:
    """Put an older state of the row back."""
    Installation.objects.update(beats=beats)


def test_a_new_installation_is_not_held(data: Path) -> None:
    """Its first beat tells both witnesses."""
    assert holds.check(NOON) is None
    installation = beat()
    stored = json.loads((data / "heartbeat.json").read_text())
    assert stored == {"key": str(installation.key), "beats": 1}
    assert witnesses.read(installation.key) == witnesses.Testimony(1, complete=True)
    assert holds.check(NOON + timedelta(days=30)) is None


@pytest.mark.parametrize("lost", ["file", "valkey"])
def test_either_witness_shows_an_older_state(data: Path, lost: str) -> None:
    """The hold knows until when the data go."""
    installation = beat(3)
    if lost == "file":
        (data / "heartbeat.json").unlink()
    else:
        forget_valkey(installation)
    assert holds.check(NOON) is None
    restore(2)
    hold = holds.check(NOON)
    assert hold
    assert (hold.reason, hold.data_until) == (Hold.Reason.RESTORED, NOON)
    assert holds.check(NOON) == hold == holds.begin(Hold.Reason.REQUESTED, NOON)


def test_nothing_is_counted_while_mail_is_held() -> None:
    """Or the older state would soon have caught up with the witnesses."""
    beat(3)
    restore(2)
    installation = beat(5)
    assert installation.beats == 2
    assert witnesses.read(installation.key).beats == 3


def test_a_database_that_nobody_here_knows_is_held_unless_it_was_just_running(data: Path) -> None:
    """A dump that was restored elsewhere: perhaps a copy for trying things."""
    installation = beat()
    (data / "heartbeat.json").unlink()
    forget_valkey(installation)
    assert holds.check(NOON + holds.UNKNOWN_AFTER) is None
    hold = holds.check(NOON + holds.UNKNOWN_AFTER + timedelta(seconds=1))
    assert hold
    assert hold.reason == Hold.Reason.MOVED


def test_a_valkey_that_is_away_is_no_reason(data: Path, settings: Settings) -> None:
    """It may know this database."""
    beat()
    settings.DIGEST_REDIS_URL = "redis://127.0.0.1:1"
    assert holds.check(NOON + timedelta(days=1)) is None
    (data / "heartbeat.json").unlink()
    assert holds.check(NOON + timedelta(days=1)) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": 1}', '{"key": "?", "beats": "many"}'])
def test_a_damaged_file_says_nothing(data: Path, content: str) -> None:
    """As after a power cut."""
    beat()
    (data / "heartbeat.json").write_text(content)
    assert holds.check(NOON) is None
    beat()
    assert json.loads((data / "heartbeat.json").read_text())["beats"] == 2


def test_another_installations_file_says_nothing(data: Path) -> None:
    """A data folder that was used with another database before."""
    beat()
    stored = json.loads((data / "heartbeat.json").read_text())
    (data / "heartbeat.json").write_text(json.dumps({**stored, "key": "other", "beats": 99}))
    assert holds.check(NOON) is None


def test_a_release_makes_these_data_the_newest() -> None:
    """Witnesses of the state that was lost hold nothing any more."""
    beat(3)
    restore(1)
    hold = holds.check(NOON)
    assert hold
    holds.release(hold, NOON)
    assert holds.check(NOON) is None
    assert beat().beats == 5


def test_a_release_holds_on_every_machine(data: Path) -> None:
    """Another machine's file knows a higher number of the state that was lost."""
    installation = beat(9)
    other_file = (data / "heartbeat.json").read_text()
    restore(1)
    (data / "heartbeat.json").unlink()
    hold = holds.check(NOON)
    assert hold
    forget_valkey(installation)
    holds.release(hold, NOON)
    (data / "heartbeat.json").write_text(other_file)
    assert holds.check(NOON) is None


def test_a_hold_in_an_older_state_is_not_believed() -> None:
    """Somebody held mail, made a dump, and released it."""
    beat()
    requested = holds.begin(Hold.Reason.REQUESTED, NOON)
    assert holds.check(NOON) == requested
    holds.release(requested, NOON)
    beat(5)
    Hold.objects.update(released_at=None)
    restore(2)
    hold = holds.check(NOON)
    assert hold
    assert hold.reason == Hold.Reason.RESTORED
    hold.refresh_from_db()
    assert hold.reason == Hold.Reason.RESTORED


def test_jobs_that_send_do_nothing_while_mail_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts them; others go on."""
    started_jobs: list[str] = []
    monkeypatch.setattr(holds, "HELD_JOBS", frozenset({"delivery.sends"}))

    @job("delivery.sends")
    def sends() -> None:
        started_jobs.append("sends")

    @job("delivery.reads")
    def reads() -> None:
        started_jobs.append("reads")

    hold = holds.begin(Hold.Reason.REQUESTED, NOON)
    sends()
    reads()
    assert started_jobs == ["reads"]
    holds.release(hold, NOON)
    sends()
    assert started_jobs == ["reads", "sends"]


def test_every_job_either_sends_nothing_or_is_held() -> None:
    """A new job is put into one of the two lists."""
    harmless = {
        *(jobs.POLL_SOURCES, jobs.FETCH_PICTURES, jobs.POLL_MAILBOXES, jobs.ASK_PROVIDERS),
        *(jobs.RECEIVE_ARTICLES, jobs.ASK_CONNECTIONS),
        *(jobs.LOOK_UP_NAMES, jobs.ASK_SERVICES),
        *(jobs.SWEEP_DELIVERIES, jobs.ARCHIVE_DELIVERIES, jobs.SETTLE_REFUSALS),
        *(jobs.COMPACT_GROWTH, jobs.SETTLE_SIGNUPS, jobs.COUNT_RESULTS, jobs.BEAT),
        *(jobs.RECORD_EVIDENCE, jobs.CHANGE_SUBSCRIBERS, jobs.NOTIFY_NEWSROOM),
        *(jobs.COLLECT_PAGE_VIEWS, jobs.REFRESH_POPULARITY, jobs.JUDGE_HITS),
        *(jobs.DELETE_OLD_HITS, jobs.DELETE_OLD_WEBHOOK_DELIVERIES, jobs.QUEUE_STATISTICS),
        jobs.DELETE_OLD_NOTICES,
        *(jobs.RUN_TRANSFERS, jobs.SETTLE_TIERS),
    }
    assert harmless | holds.HELD_JOBS == jobs.NAMES
