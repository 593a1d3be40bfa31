"""Transfers in the hands of workers: each step once, whoever dies; nothing is kept for long."""

import io
import os
import tracemalloc
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from digest.core import clock
from digest.newsletters.models import Newsletter
from digest.transfers import contents, files, packing, past_issues, queue, running
from digest.transfers.models import Transfer
from digest.transfers.options import Options
from tests.cast import exports
from tests.transfers.test_subscribers import active

pytestmark = [pytest.mark.django_db, pytest.mark.real_clock]
State = Transfer.State
OPTIONS = Options(consent="signed up on the site", issues="all")


@pytest.fixture
def transfer(tmp_path: Path, tide: Newsletter) -> Transfer:
    """An export that was uploaded."""
    path = exports.zipped(tmp_path / "a.zip", exports.mailchimp_account())
    return queue.add_files([(path, "export.zip")], tide, OPTIONS, clock.now())


def work(transfer: Transfer) -> Transfer:
    """Let a worker look for work; return the row as it is then."""
    queue.run_due(clock.now())
    return Transfer.objects.get(pk=transfer.pk)


def test_it_is_read_then_begun_by_a_person_then_imported(
    transfer: Transfer, tide: Newsletter
) -> None:
    """Nothing is stored before; afterwards the export is gone and the report stays."""
    assert not queue.begin(transfer)
    row = work(transfer)
    assert (row.state, row.service, active(tide)) == (State.CHECKED, "mailchimp", set())
    assert row.report["subscribers"]["added"] == 2
    row = work(row)
    assert row.state == State.CHECKED
    assert queue.begin(row)
    assert not queue.begin(row)
    row = work(row)
    assert (row.state, len(active(tide)), bytes(row.content)) == (State.FINISHED, 2, b"")
    assert queue.skipped_rows(row).count(b"mc.example") == 4
    assert past_issues.remove(row) == 1
    assert not tide.past_issues.exists()
    assert not queue.check_again(row, OPTIONS)


def test_other_choices_are_read_again(transfer: Transfer) -> None:
    """What is shown is always what would happen."""
    row = work(transfer)
    assert queue.check_again(row, Options(consent="x", issues="none", suppress=False))
    row = work(row)
    assert row.state == State.CHECKED
    assert row.report["issues"]["added"] == 0
    assert row.report["subscribers"]["suppressed"] == 0


def test_a_dead_worker_s_work_is_done_by_another(
    transfer: Transfer, tide: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that died in the middle of an import leaves it to the next, which completes it."""
    row = work(transfer)
    queue.begin(row)

    class KilledError(BaseException):
        """A process that is killed does not tidy up."""

    def die(*_: Any, **__: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(running, "check_issues", die)
        with pytest.raises(KilledError):
            queue.run_due(clock.now())
    assert len(active(tide)) == 2
    row = work(row)
    assert row.state == State.IMPORTING  # its lease holds
    Transfer.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    row = work(row)
    assert (row.state, len(active(tide)), tide.past_issues.count()) == (State.FINISHED, 2, 1)


def test_what_kills_every_worker_is_given_up(transfer: Transfer) -> None:
    """So that it does not kill them for ever."""
    Transfer.objects.update(attempts=queue.MOST_ATTEMPTS)
    row = work(transfer)
    assert row.state == State.FAILED
    assert "Three workers began this" in row.problem


@pytest.mark.parametrize("begins", [False, True], ids=["a check", "an import"])
def test_a_check_that_fails_leaves_no_numbers_of_an_earlier_one(
    transfer: Transfer, *, begins: bool
) -> None:
    """Nothing was imported then; an import that fails may have stored some of what it names."""
    row = work(transfer)
    assert queue.begin(row) if begins else queue.check_again(row, OPTIONS)
    Transfer.objects.update(attempts=queue.MOST_ATTEMPTS)
    row = work(row)
    assert (row.state, bool(row.report)) == (State.FAILED, begins)


def test_a_worker_whose_lease_is_lost_writes_nothing(
    transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one has it by then."""
    monkeypatch.setattr(queue, "RENEWED", -1.0)
    real = running.run_transfer

    def lose(*arguments: Any, **named: Any) -> Any:
        Transfer.objects.update(lease_until=clock.now() + timedelta(hours=1))
        return real(*arguments, **named)

    monkeypatch.setattr(queue, "run_transfer", lose)
    row = work(transfer)
    assert (row.state, row.report) == (State.CHECKING, {})


def test_a_file_that_is_no_export_fails_with_a_reason(tmp_path: Path, tide: Newsletter) -> None:
    """Which the page shows."""
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    transfer = queue.add_files([(tmp_path / "a.png", "a.png")], tide, OPTIONS, clock.now())
    row = work(transfer)
    assert row.state == State.FAILED
    assert "picture" in row.problem


def test_uploads_are_packed_by_a_worker(
    tmp_path: Path, tide: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request only stores them; how far the worker is can be seen, and its lease is renewed."""
    paths = [
        (exports.zipped(tmp_path / "a.zip", exports.mailchimp_account()), "a.zip"),
        (tmp_path / "odd name.csv", "../odd name.csv"),
    ]
    paths[1][0].write_text("email\nx@odd.example\n")
    with monkeypatch.context() as patch:
        patch.setattr(packing, "pack", None)
        transfer = queue.add_files(paths, tide, OPTIONS, clock.now())
    assert transfer.state == State.PACKING
    shares: list[float] = []
    monkeypatch.setattr(queue._Lease, "report", lambda _lease, share: shares.append(share))
    row = work(transfer)
    assert row.state == State.CHECKED
    packed = shares[: shares.index(1) + 1]
    assert packed == sorted(packed)
    assert 0 < packed[0] < 1
    with zipfile.ZipFile(io.BytesIO(row.content)) as archive:
        assert {"0/7/campaigns.csv", "odd name.csv"} <= set(archive.namelist())


def test_what_unpacks_to_too_much_is_refused_and_deleted(
    tmp_path: Path, tide: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small upload may be a large one."""
    monkeypatch.setattr(files, "LARGEST_TOTAL", 5_000)
    archive = exports.zipped(tmp_path / "a.zip", {"list.csv": "x" * 3_000})
    paths = [(archive, "a.zip"), (archive, "b.zip")]
    row = work(queue.add_files(paths, tide, OPTIONS, clock.now()))
    assert (row.state, bytes(row.content)) == (State.FAILED, b"")
    assert "4 GB" in row.problem
    assert not queue.check_again(row, OPTIONS)


def test_uploads_that_no_worker_could_pack_are_deleted(tmp_path: Path, tide: Newsletter) -> None:
    """They are no export that could be read again."""
    archive = exports.zipped(tmp_path / "a.zip", {"list.csv": "email\n"})
    transfer = queue.add_files([(archive, "a.zip")], tide, OPTIONS, clock.now())
    Transfer.objects.update(attempts=queue.MOST_ATTEMPTS)
    row = work(transfer)
    assert (row.state, bytes(row.content)) == (State.FAILED, b"")
    assert not queue.check_again(row, OPTIONS)


def test_nothing_is_kept_for_long(transfer: Transfer) -> None:
    """An export that nobody imports a day, a report a month."""
    queue.delete_old(clock.now() + timedelta(hours=23))
    assert Transfer.objects.exists()
    Transfer.objects.update(state=State.FINISHED, finished_at=clock.now())
    queue.delete_old(clock.now() + timedelta(days=29))
    assert Transfer.objects.exists()
    queue.delete_old(clock.now() + timedelta(days=31))
    assert not Transfer.objects.exists()
    transfer.pk = None
    transfer.save()
    queue.delete_old(clock.now() + timedelta(days=2))
    assert not Transfer.objects.exists()


@pytest.mark.parametrize("has_lease", [True, False])
def test_what_is_in_work_is_not_deleted(transfer: Transfer, *, has_lease: bool) -> None:
    """Begun shortly before its day is over, or while no worker was there to take it."""
    row = work(transfer)
    assert queue.begin(row)
    lease_until = clock.now() + queue.LEASE if has_lease else None
    Transfer.objects.update(lease_until=lease_until)
    queue.delete_old(clock.now() + timedelta(hours=25))
    assert Transfer.objects.get().state == State.IMPORTING
    Transfer.objects.update(state=State.CHECKED)
    queue.delete_old(clock.now() + timedelta(hours=25))
    assert not Transfer.objects.exists()


def test_a_large_content_is_copied_in_little_memory(transfer: Transfer, tmp_path: Path) -> None:
    """What an API has may be 200 MB; a container has 1 GB. No column is loaded besides."""
    path, target = tmp_path / "large", tmp_path / "copy"
    path.write_bytes(os.urandom(9_000_000))
    tracemalloc.start()
    contents.store(transfer, path)
    contents.write(transfer, target)
    Transfer.objects.update(state=State.CHECKING)
    queue.run_due(clock.now())
    row = Transfer.objects.defer("content").get()
    assert queue.discard(row)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert target.read_bytes() == path.read_bytes()
    assert row.state == State.FAILED  # it was no export
    assert peak < 20_000_000
