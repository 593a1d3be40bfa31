"""A backup, a loss, a restore: everything is back, and nobody gets a mail a second time."""

import argparse
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg.conninfo import make_conninfo
from pytest_django.fixtures import Settings
from structlog.testing import capture_logs

from digest.backups import last, making, programs, restoring
from digest.backups.errors import BackupError
from digest.core import clock
from digest.core.database import optimizer, schema
from digest.embedded import checks, up
from digest.embedded import programs as programs_of_up
from digest.installation import heartbeat, holds
from digest.installation.models import Hold
from digest.issues.models import Issue
from digest.pictures import storage
from digest.recovery import releasing
from digest.relays.transports.base import Reply
from digest.sending import control, journal, ledger, planning
from digest.sending.models import Delivery
from digest.subscribers.audience import FOR_ALL
from digest.subscribers.models import Subscriber
from tests.backups.conftest import PASSPHRASE, lose_everything, make_due_issue, run_jobs
from tests.cast.subscribers import make_subscriber
from tests.cli.conftest import Digest, digest  # noqa: F401  a fixture
from tests.smtp_server import SmtpServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.real_clock]


def has_statistics(table: str) -> bool:
    """Say whether the optimizer knows anything of a table's columns."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_stats WHERE tablename = %s)", [table])
        return bool(cursor.fetchone()[0])


def test_everything_comes_back_and_nothing_is_sent_again(
    server: SmtpServer,
    settings: Settings,
    tmp_path: Path,
    digest: Digest,  # noqa: F811
) -> None:
    """An issue goes out between the backup and the loss of the machine."""
    path, phrase = tmp_path / "digest.backup", tmp_path / "phrase"
    phrase.write_text(f"{PASSPHRASE}\n")
    issue = make_due_issue(3)
    storage.save("shown/ab/abc.jpg", b"a picture")
    heartbeat.beat(clock.now())
    values = digest("backup", path, "--passphrase-file", phrase, "--json").json
    assert values["counts"]["subscribers_subscriber"] == 3
    assert path.stat().st_mode & 0o777 == 0o600
    assert last.read() == last.LastBackup(
        last.read().made_at,  # type: ignore[union-attr]
        str(path),
        path.stat().st_size,
    )
    run_jobs()
    assert len(server.received) == 3
    highest = Subscriber.objects.latest("pk").pk

    lose_everything(settings, tmp_path)
    assert "is whole" in digest("backup", "verify", path, "--passphrase-file", phrase).out
    result = digest("restore", path, "--passphrase-file", phrase)
    assert "1 issue may have been sent since" in result.out, result.err
    assert storage.load("shown/ab/abc.jpg") == b"a picture"
    assert Issue.objects.get().state == Issue.State.BUILT
    assert make_subscriber().pk > highest + restoring.AHEAD / 2
    assert not schema.compare_schema().problem
    assert has_statistics("subscribers_subscriber")

    run_jobs()
    assert len(server.received) == 3
    hold = holds.current()
    assert hold
    assert hold.reason == Hold.Reason.RESTORED
    assert hold.data_until
    assert hold.data_until.isoformat() == values["made_at"]
    releasing.release(hold, clock.now())
    run_jobs()
    assert len(server.received) == 3
    control.resume(issue)
    run_jobs()
    assert len(server.received) == 6


def test_statistics_take_as_long_as_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's limit is not for them; and a failure is logged, for the data are in."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 1")  # milliseconds
    try:
        with capture_logs() as lines:
            optimizer.refresh_all_statistics()
        assert lines == []
        monkeypatch.setattr(optimizer, "_ALL", "ANALYZE nowhere")
        with capture_logs() as lines:
            optimizer.refresh_all_statistics()
        assert [line["event"] for line in lines] == ["statistics not refreshed"]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET statement_timeout")


def test_a_backup_from_the_middle_of_a_send_repeats_nothing(
    server: SmtpServer, settings: Settings, tmp_path: Path
) -> None:
    """What a sender had claimed is sent if its journal has a reply, otherwise uncertain."""
    issue = make_due_issue(4)
    now = clock.now()
    planning.plan_built(now)
    issue.refresh_from_db()
    with journal.Journal() as sender:
        batch = ledger.claim(issue, 3, now, FOR_ALL, sender.name)
        replied, open_id, _waiting = (row.id for row in batch.rows)
        accepted = Reply(250, "2.0.0 Ok")
        sender.record([(replied, accepted)], [open_id])
        making.make_backup(tmp_path / "digest.backup", PASSPHRASE)
        lose_everything(settings, tmp_path)
    restored = restoring.restore_backup(tmp_path / "digest.backup", PASSPHRASE, now)
    run_jobs()
    assert server.received == []
    states = {row.pk: row.state for row in Delivery.objects.all()}
    sent = set(issue.sent_deliveries.values_list("id", flat=True))
    assert sent == {replied}
    assert len(states) == 2  # uncertain, then queued again as the newsletter says
    assert set(Delivery.objects.values_list("times_uncertain", flat=True)) == {1}
    releasing.release(restored.hold, clock.now())
    run_jobs()
    assert server.received == []
    issue.refresh_from_db()
    assert issue.state == Issue.State.PAUSED


def test_an_installation_with_data_is_not_overwritten(tmp_path: Path) -> None:
    """The error names what is there."""
    make_due_issue(2)
    making.make_backup(tmp_path / "digest.backup", PASSPHRASE)
    with pytest.raises(BackupError, match=r"not empty: it has .*2 subscribers"):
        restoring.restore_backup(tmp_path / "digest.backup", PASSPHRASE, clock.now())
    assert Subscriber.objects.count() == 2
    with pytest.raises(BackupError, match="exists already"):
        making.make_backup(tmp_path / "digest.backup", PASSPHRASE)


def test_a_damaged_backup_changes_nothing(tmp_path: Path) -> None:
    """It is read to its end first."""
    path = tmp_path / "digest.backup"
    making.make_backup(path, PASSPHRASE)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(BackupError, match="damaged"):
        restoring.verify_backup(path, PASSPHRASE)
    with pytest.raises(BackupError, match="damaged"):
        restoring.restore_backup(path, PASSPHRASE, clock.now())
    assert not schema.compare_schema().problem
    assert holds.current() is None


@contextmanager
def role(name: str) -> Iterator[CursorWrapper]:
    """Another user of the database, who may use its schema; yield our cursor."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {name}")
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {name} WITH GRANT OPTION")
        try:
            yield cursor
        finally:
            cursor.execute("RESET ROLE")
            cursor.execute(f"DROP OWNED BY {name}")
            cursor.execute(f"DROP ROLE {name}")


def test_a_schema_of_somebody_else_is_named(tmp_path: Path) -> None:
    """Its owner has to be our user: a role that may only write in it cannot replace it."""
    path = tmp_path / "digest.backup"
    making.make_backup(path, PASSPHRASE)
    with role("writer") as cursor:
        cursor.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO writer")
        cursor.execute("SET ROLE writer")
        with pytest.raises(BackupError, match=r"must be owner of schema public\. The user of"):
            restoring.restore_backup(path, PASSPHRASE, clock.now())


def test_whoever_may_read_may_read_afterwards(tmp_path: Path) -> None:
    """Everybody in the schema, and another role in the tables that come."""
    path = tmp_path / "digest.backup"
    making.make_backup(path, PASSPHRASE)
    with role("reports") as cursor:
        in_public = "ALTER DEFAULT PRIVILEGES IN SCHEMA public"
        cursor.execute(f"{in_public} GRANT SELECT ON TABLES TO reports")
        restoring.restore_backup(path, PASSPHRASE, clock.now())
        cursor.execute(
            "SELECT has_schema_privilege('public', 'public', 'USAGE'),"
            " has_schema_privilege('reports', 'public', 'USAGE WITH GRANT OPTION'),"
            " has_table_privilege('reports', 'issues_issue', 'SELECT'),"
            " has_table_privilege('reports', 'issues_issue', 'INSERT')"
        )
        assert cursor.fetchone() == (True, True, True, False)


def test_running_processes_and_another_key_are_refused(
    tmp_path: Path,
    settings: Settings,
    digest: Digest,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each says what to do."""
    path = tmp_path / "digest.backup"
    making.make_backup(path, PASSPHRASE)
    key = settings.SECRET_KEY
    monkeypatch.setenv("DIGEST_BACKUP_PASSPHRASE", PASSPHRASE)
    assert digest("backup", "secrets", path).out == f"DIGEST_SECRET_KEY={key}\n"
    database = make_conninfo(
        os.environ["DIGEST_DATABASE_URL"],
        dbname=connection.settings_dict["NAME"],
        application_name="digest worker",
    )
    with psycopg.connect(database):
        assert "`digest worker` are running" in digest("restore", path).err
    settings.SECRET_KEY = "another key, of another installation"
    assert "another secret key" in digest("restore", path).err
    settings.SECRET_KEY_FALLBACKS = [key]
    assert digest("restore", path).status == 0


def test_digest_up_begins_with_a_backup_and_its_key(
    tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """In an empty folder; a key that is there already stays."""
    path, phrase = tmp_path / "digest.backup", tmp_path / "phrase"
    phrase.write_text(PASSPHRASE)
    make_due_issue(2)
    making.make_backup(path, PASSPHRASE)
    lose_everything(settings, tmp_path)
    options = argparse.Namespace(restore=path, passphrase_file=phrase)
    place = programs_of_up.Place(tmp_path / "other machine", "127.0.0.1", 0, sample=False)
    restore = up.prepare_restore(place, options)
    assert (place.data / "secret_key").read_text() == settings.SECRET_KEY
    checks.keep_secret_key(place.data, "another")
    assert checks.secret_key(place.data) == settings.SECRET_KEY
    restore()
    assert Subscriber.objects.count() == 2
    assert "No mail is sent until you release it" in capsys.readouterr().out
    assert holds.current()
    up.prepare_restore(place, argparse.Namespace(restore=None))()


def test_a_failure_leaves_no_half_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither of pg_dump nor of the disk."""

    def fail() -> list[str]:
        return ["--dbname", "dbname=missing_database"]

    monkeypatch.setattr(programs, "connection_arguments", fail)
    with pytest.raises(BackupError, match="cannot be dumped"):
        making.make_backup(tmp_path / "digest.backup", PASSPHRASE)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    with pytest.raises(BackupError, match="cannot be written"):
        making.make_backup(tmp_path / "no folder" / "digest.backup", PASSPHRASE)


def test_programs_fit_the_server() -> None:
    """The oldest that is new enough; else an error that says which version is needed."""
    version = programs.server_version()
    assert programs.find_program("pg_dump", version).version >= version
    with pytest.raises(BackupError, match=r"pg_dump is of version \d+, too old for version 999"):
        programs.find_program("pg_dump", 999)
    with pytest.raises(BackupError, match="pg_nothing is not installed"):
        programs.find_program("pg_nothing", version)


def test_a_passphrase_can_be_guessed_if_it_is_short(
    tmp_path: Path,
    digest: Digest,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And without a terminal nobody can be asked."""
    assert "no passphrase" in digest("backup", tmp_path / "digest.backup").err
    monkeypatch.setenv("DIGEST_BACKUP_PASSPHRASE", "short")
    assert "at least 12 characters" in digest("backup", tmp_path / "digest.backup").err
    result = digest("backup", "verify", tmp_path / "absent", "--json")
    assert "cannot be read" in json.loads(result.out)["error"]
