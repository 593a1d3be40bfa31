"""Lists in the hands of workers: checked and imported once, whoever dies or presses twice."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from digest.core import clock
from digest.newsletters.models import Newsletter
from digest.subscribers import importing
from digest.subscribers.importing.storing import store_chunk
from digest.subscribers.models import ConsentEvent, Subscription
from digest.transfers import queue
from digest.transfers.models import Transfer
from tests.transfers.test_queue import work
from tests.transfers.test_subscribers import active

pytestmark = [pytest.mark.django_db, pytest.mark.real_clock]
State = Transfer.State
ROWS = "".join(f"p{number}@reader.example,{number}\n" for number in range(9))


@pytest.fixture
def transfer(tmp_path: Path, tide: Newsletter, monkeypatch: pytest.MonkeyPatch) -> Transfer:
    """A list of nine that was uploaded; chunks are small, and all progress is stored."""
    monkeypatch.setattr(importing, "CHUNK", 2)
    monkeypatch.setattr(queue, "RENEWED", -1.0)
    path = tmp_path / "list.csv"
    path.write_text(f"email,city\n{ROWS}")
    return queue.add_list(path, "list.csv", tide, "at the fair", 1_000, clock.now())


def test_a_dead_worker_s_list_is_completed_by_another(
    transfer: Transfer, tide: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in its third chunk, it left two; nobody is added or recorded twice."""
    row = work(transfer)
    assert (row.state, row.report["added"], active(tide)) == (State.CHECKED, 9, set())
    assert queue.begin(row)

    class KilledError(BaseException):
        """A process that is killed does not tidy up."""

    def die(*arguments: Any, **named: Any) -> Any:
        if Subscription.objects.count() == 4:
            raise KilledError
        return store_chunk(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(importing, "store_chunk", die)
        with pytest.raises(KilledError):
            queue.run_due(clock.now())
    row = work(row)
    assert (row.state, len(active(tide))) == (State.IMPORTING, 4)  # its lease holds
    assert row.progress
    Transfer.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    row = work(row)
    assert (row.state, len(active(tide)), bytes(row.content)) == (State.FINISHED, 9, b"")
    assert (row.report["added"], row.report["unchanged"]) == (5, 4)
    assert ConsentEvent.objects.count() == 9


def test_what_was_begun_meanwhile_is_neither_read_again_nor_discarded(
    transfer: Transfer, tide: Newsletter
) -> None:
    """In another tab; nor deleted, though its day is over while it waits."""
    row = work(transfer)
    assert queue.begin(row)
    corrected = row.reading | {"meanings": ["email", "name"]}
    assert not queue.read_list_again(row, corrected, suppress=True)
    assert not queue.discard(row)
    queue.delete_old(clock.now() + queue.KEEP_CONTENT + timedelta(hours=1))
    row = work(row)
    assert not queue.read_list_again(row, corrected, suppress=True)
    assert not queue.discard(row)
    stored = Transfer.objects.get()
    assert (stored.state, stored.suppress) == (State.FINISHED, False)
    assert stored.reading["meanings"] == ["email", "other"]
    assert len(active(tide)) == 9


def test_what_three_workers_could_not_finish_names_the_command_for_lists(
    transfer: Transfer,
) -> None:
    """`digest import` reads exports of services only."""
    Transfer.objects.update(attempts=queue.MOST_ATTEMPTS)
    row = work(transfer)
    assert row.state == State.FAILED
    assert "`digest subscriber import`" in row.problem
