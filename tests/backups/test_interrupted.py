"""Backups that are made while everything goes on, and restores that do not come to their end."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from digest.backups import making, programs, restoring
from digest.backups.errors import BackupError
from digest.backups.new_file import new_file
from digest.core import clock
from digest.installation import heartbeat, holds
from digest.installation.models import Hold, Installation
from digest.pictures import storage
from digest.relays.transports.base import Reply
from digest.sending import journal, ledger, planning
from digest.sending.models import Delivery
from digest.subscribers import suppression
from digest.subscribers.audience import FOR_ALL
from digest.subscribers.models import Subscriber
from tests.backups.conftest import PASSPHRASE, lose_everything, make_due_issue, run_jobs
from tests.cast.subscribers import make_subscriber
from tests.smtp_server import SmtpServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.real_clock]

Wrap = Callable[[str, str], None]


@pytest.fixture
def wrap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Wrap:
    """Let a script be found in place of one of PostgreSQL's programs, whose path is $PROGRAM."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def write(name: str, script: str) -> None:
        original = programs.find_program(name, programs.server_version()).path
        version = f'case "$1" in --version) exec {original} "$@";; esac'
        path = folder / name
        path.write_text(f"#!/bin/sh\nPROGRAM={original}\n{version}\n{script}\n")
        path.chmod(0o755)

    return write


def test_a_journal_that_is_deleted_during_the_dump_is_in_the_backup(
    settings: Settings, tmp_path: Path, wrap: Wrap
) -> None:
    """A dump takes minutes, a sender's journal lives for seconds: its replies are not lost."""
    issue, now = make_due_issue(1), clock.now()
    planning.plan_built(now)
    issue.refresh_from_db()
    wrap("pg_dump", f'rm {journal.folder()}/*{journal.SUFFIX} && exec "$PROGRAM" "$@"')
    with journal.Journal() as sender:
        [delivery] = ledger.claim(issue, 1, now, FOR_ALL, sender.name).rows
        sender.record([(delivery.id, Reply(250, "2.0.0 Ok"))], [])
        making.make_backup(tmp_path / "digest.backup", PASSPHRASE)
        assert list(journal.folder().iterdir()) == []
    lose_everything(settings, tmp_path)
    restoring.restore_backup(tmp_path / "digest.backup", PASSPHRASE, now)
    run_jobs()
    assert issue.sent_deliveries.values_list("id", flat=True).get() == delivery.id
    assert not Delivery.objects.exists()


def test_files_that_cannot_be_written_leave_data_that_are_held(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The restore ends, its ids are far ahead, and what is missing is named."""
    make_due_issue(2)
    storage.save("shown/ab/abc.jpg", b"a picture")
    making.make_backup(tmp_path / "digest.backup", PASSPHRASE)
    highest = Subscriber.objects.latest("pk").pk
    lose_everything(settings, tmp_path)
    (settings.DIGEST_DATA_DIR / "pictures").write_text("a file where the folder has to be")
    restored = restoring.restore_backup(tmp_path / "digest.backup", PASSPHRASE, clock.now())
    [problem] = restored.problems
    assert problem.startswith("1 file not restored.")
    assert "First: pictures/shown/ab/abc.jpg: " in problem
    assert holds.current() == restored.hold
    assert make_subscriber().pk > highest + restoring.AHEAD / 2


def test_rows_that_are_missing_are_reported_not_left_without_a_hold(
    settings: Settings, tmp_path: Path, wrap: Wrap
) -> None:
    """The data are live by then: the hold counts for more than the error."""
    suppression.suppress("ann@reader.example", reason="bounced", now=clock.now())
    wrap("pg_dump", 'exec "$PROGRAM" --exclude-table-data="*_suppression" "$@"')
    making.make_backup(tmp_path / "digest.backup", PASSPHRASE)
    lose_everything(settings, tmp_path)
    restored = restoring.restore_backup(tmp_path / "digest.backup", PASSPHRASE, clock.now())
    [problem] = restored.problems
    assert problem.startswith("subscribers_suppression has 0 rows, and the backup had 1.")
    assert holds.current() == restored.hold


@pytest.mark.parametrize("beats", [0, 1])
def test_data_of_a_restore_that_failed_are_held(
    server: SmtpServer, settings: Settings, tmp_path: Path, wrap: Wrap, beats: int
) -> None:
    """Also if it ended right after they were committed; and for whoever starts meanwhile."""
    make_due_issue(1)
    for _ in range(beats):
        heartbeat.beat(clock.now())
    making.make_backup(tmp_path / "digest.backup", PASSPHRASE)
    lose_everything(settings, tmp_path)
    wrap(
        "pg_restore",
        'case "$*" in *single-transaction*) "$PROGRAM" "$@"; exit 1;; esac\nexec "$PROGRAM" "$@"',
    )
    with pytest.raises(BackupError, match="cannot be restored"):
        restoring.restore_backup(tmp_path / "digest.backup", PASSPHRASE, clock.now())
    connection.close()
    assert Installation.objects.get().beats == beats
    run_jobs()
    assert server.received == []
    hold = holds.current()
    assert hold
    assert hold.reason == Hold.Reason.RESTORED


def test_two_backups_to_one_name_do_not_touch_each_other(tmp_path: Path) -> None:
    """The second one is refused; the first one is whole, and stays."""
    path = tmp_path / "digest.backup"
    with new_file(path) as file:
        file.write(b"the first one")
        with (
            pytest.raises(BackupError, match="is being written by another process"),
            new_file(path),
        ):
            pass
    with pytest.raises(BackupError, match="exists already"), new_file(path):
        pass
    assert path.read_bytes() == b"the first one"
    assert sorted(tmp_path.glob("digest.backup*")) == [path]


def test_what_a_killed_backup_left_is_replaced_not_written_to(tmp_path: Path) -> None:
    """Somebody may have it open, or may have made it readable for others."""
    path, left = tmp_path / "digest.backup", tmp_path / "digest.backup.part"
    left.write_bytes(b"of a dead process, and longer than the new one")
    left.chmod(0o644)
    with left.open("rb") as before:
        with new_file(path) as file:
            file.write(b"new")
        assert before.read() == b"of a dead process, and longer than the new one"
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_in_place_of_the_unfinished_file_is_not_followed(tmp_path: Path) -> None:
    """In a folder that others may write to."""
    path, other = tmp_path / "digest.backup", tmp_path / "other"
    other.write_bytes(b"theirs")
    (tmp_path / "digest.backup.part").symlink_to(other)
    with pytest.raises(BackupError, match="cannot be written"), new_file(path):
        pass
    assert other.read_bytes() == b"theirs"
    assert not path.exists()


def test_a_file_that_another_process_removed_is_not_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between creating it and locking it: whoever is slower is refused, and removes nothing."""
    path, lock = tmp_path / "digest.backup", fcntl.flock

    def be_slow(descriptor: int, operation: int) -> None:
        monkeypatch.undo()
        (tmp_path / "digest.backup.part").unlink()
        (tmp_path / "digest.backup.part").write_bytes(b"of the faster one")
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", be_slow)
    with pytest.raises(BackupError, match="another process"), new_file(path):
        pass
    assert (tmp_path / "digest.backup.part").read_bytes() == b"of the faster one"
