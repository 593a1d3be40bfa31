"""A disk that fills up while an issue is sent: it stops, says so, and goes on; nothing twice."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from psycopg.errors import DiskFull
from pytest_django.fixtures import Settings

from digest.accounts.models import User
from digest.console import attention
from digest.core import clock
from digest.core.findings import Level
from digest.doctor.setup import check_data_folder
from digest.installation import room
from digest.installation.room import DiskFullError
from digest.newsletters.members import Right
from digest.relays.transports.base import Reply
from digest.sending import journal, planning, sender, sweeping
from digest.sending.models import Delivery
from digest.tenancy.scope import PublicationScope
from tests.cast.issues import make_issue, make_story
from tests.cast.newsletters import make_newsletter
from tests.cast.subscribers import make_subscriber
from tests.smtp_server import SmtpServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.real_clock]

SUBSCRIBERS = 12


class Disk:
    """The disk of the journals, which can be full."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        self._write = os.write
        monkeypatch.setattr(os, "write", self.write)

    def write(self, file: int, octets: bytes) -> int:
        """Take a few bytes of a journal, then none, as a full disk does."""
        is_journal = Path(f"/proc/self/fd/{file}").resolve().suffix == journal.SUFFIX
        if not (self.full and is_journal):
            return self._write(file, octets)
        if len(octets) > 5:
            return self._write(file, octets[:5])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> Disk:
    """Return a disk with journals of this test's own."""
    cache.clear()
    settings.DIGEST_DATA_DIR = tmp_path
    settings.DIGEST_TICK_SECONDS = 1
    return Disk(monkeypatch)


def problems() -> list[str]:
    """Return what the console's Home says."""
    owner, _ = User.objects.get_or_create(email="ada@courier.example", is_superuser=True)
    scope = PublicationScope.of_user(owner, Right.MANAGE)
    return [row.detail for row in attention.problems(clock.now(), scope, scope, scope)]


def test_a_full_disk_stops_a_send_and_nothing_goes_out_twice(
    disk: Disk, relay: Callable[..., SmtpServer]
) -> None:
    """What the mail server has said by then is in the ledger, though not in the journal."""
    number = 0

    def fill(_recipient: str) -> None:
        nonlocal number
        number += 1
        disk.full = disk.full or number == 5

    server = relay({"end": fill})
    issue = make_issue(make_newsletter(), slot=clock.now() - timedelta(minutes=1))
    make_story(issue)
    for _ in range(SUBSCRIBERS):
        make_subscriber(issue.newsletter)
    planning.plan_built(clock.now())
    with pytest.raises(DiskFullError, match="Nothing is sent until there is room"):
        sender.send_due()
    sent = len(server.received)
    assert 5 <= sent < SUBSCRIBERS
    assert issue.sent_deliveries.count() == sent
    assert not Delivery.objects.filter(state=Delivery.State.UNCERTAIN).exists()
    assert any("journal cannot be written" in line for line in problems())
    levels = {finding.level for finding in check_data_folder(clock.now())}
    assert Level.FAIL in levels
    sweeping.sweep(clock.now())

    disk.full = False
    cache.clear()
    sender.send_due()
    assert sorted(server.recipients) == sorted(set(server.recipients))
    assert len(server.received) == SUBSCRIBERS
    assert problems() == []


def test_a_line_that_did_not_fit_is_not_in_the_journal(disk: Disk) -> None:
    """Half of it could read as another delivery."""
    with journal.Journal() as file:
        file.record([], [17])
        disk.full = True
        with pytest.raises(OSError, match="No space"):
            file.record([(17, Reply(250, "2.0.0 Ok"))], [123456])
        disk.full = False
        file.record([], [19])
        assert journal.read(file.name) == {
            17: journal.Entry(begun=True),
            19: journal.Entry(begun=True),
        }


def test_nothing_is_claimed_on_a_disk_without_room(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a connection is opened for nothing."""
    room.require_room()
    monkeypatch.setattr(room, "LEAST", 1 << 62)
    with pytest.raises(DiskFullError, match=r"Only [\d,]+ MB are free"):
        sender.send_due()
    assert "MB are free" in room.reported()


@contextmanager
def full(table: str) -> Iterator[None]:
    """Let PostgreSQL refuse each new row of a table, as it does without room."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse_rows() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$;"
            f"CREATE TRIGGER full_disk BEFORE INSERT ON {table} EXECUTE FUNCTION refuse_rows()"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION refuse_rows CASCADE")


def test_postgresql_without_room_loses_nothing(
    disk: Disk, relay: Callable[..., SmtpServer], settings: Settings
) -> None:
    """Replies wait in the journal, the console says so, and nobody gets the issue twice."""
    settings.DIGEST_LEASE_SECONDS, settings.DIGEST_SEND_SECONDS = 8, 1
    server = relay()
    issue = make_issue(make_newsletter(), slot=clock.now() - timedelta(minutes=1))
    make_story(issue)
    for _ in range(SUBSCRIBERS):
        make_subscriber(issue.newsletter)
    planning.plan_built(clock.now())
    with full("sending_sentdelivery"):
        sender.send_due()
        assert any("disk of PostgreSQL is full" in line for line in problems())
        assert not issue.sent_deliveries.exists()
    sweeping.sweep(clock.now())
    sender.send_due()
    assert sorted(server.recipients) == sorted(set(server.recipients))
    assert issue.sent_deliveries.count() == len(server.received) == SUBSCRIBERS
    assert not Delivery.objects.filter(state=Delivery.State.UNCERTAIN).exists()


def test_a_full_disk_of_postgresql_is_reported(disk: Disk) -> None:
    """Not as a database that is away."""
    assert not room.report_database(OperationalError("connection refused"))
    assert room.reported() == ""
    problem = OperationalError("could not extend file")
    problem.__cause__ = DiskFull("could not extend file")
    assert room.report_database(problem)
    assert "PostgreSQL is full" in room.reported()
