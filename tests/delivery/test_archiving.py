"""Old deliveries are put away: every one, once, and nothing that is told of them changes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from psycopg.conninfo import make_conninfo
from pytest_django.fixtures import Settings

from digest.delivery import (
    archiving,
    disclosing,
    erasing,
    history,
    ledger,
    planning,
    resolving,
    steering,
    sweeping,
)
from digest.delivery.errors import DeliveryError
from digest.delivery.models import Delivery, PastDelivery, Tally
from digest.delivery.progress import Progress, balance, progress
from digest.delivery.retries import Outcome
from digest.editions.models import Edition
from digest.subscribers.models import Subscriber
from tests.cast import NOON, make_newsletter, make_running, make_subscriber

pytestmark = pytest.mark.django_db

State = Delivery.State
DAY = timedelta(days=1)
LATER = NOON + 31 * DAY  # long enough after an edition that was done at noon
SENT = Outcome(State.SENT, 250, "2.0.0 Ok: queued as 4F8BA12C", attempted=True)
FAILED = Outcome(State.FAILED, 550, "5.1.1 no such user", attempted=True)
DOUBTED = Outcome(State.IN_DOUBT, None, ledger.DOUBT, attempted=True)


def make_done(*words: Outcome, finished_at: datetime = NOON, **fields: Any) -> Edition:
    """An edition that is done, with one reader for each word of the relay's."""
    fields.setdefault("newsletter", make_newsletter(in_doubt="hold"))
    edition = make_running(len(words), **fields)
    batch = ledger.claim(edition, len(words), NOON)
    ledger.record(
        batch, [(row.id, word) for row, word in zip(batch.rows, words, strict=True)], NOON
    )
    ledger.drop(batch.fence)
    Edition.objects.filter(pk=edition.pk).update(state="sent", finished_at=finished_at)
    edition.refresh_from_db()
    return edition


def told(edition: Edition) -> list[tuple[Any, ...]]:
    """Return all that is told of an edition's deliveries."""
    fields = ("id", "subscriber_id", "at", "state", "attempts", "reply_code", "reply")
    rows = sorted(history.of_edition(edition, size=1000).rows, key=lambda one: one.pk)
    return [tuple(getattr(one, name) for name in fields) for one in rows]


def places(edition: Edition) -> tuple[int, int]:
    """Return how many rows are current, and how many are put away."""
    return edition.deliveries.count(), edition.past_deliveries.count()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of two rows."""
    monkeypatch.setattr(archiving, "STEP", 2)


def test_an_edition_long_done_is_put_away_whole(small: None) -> None:
    """In steps, and everything that is told of it stays as it was."""
    edition = make_done(SENT, SENT, FAILED, SENT, SENT)
    before = told(edition), progress(edition)
    done = archiving.put_away(LATER)
    assert (done.put_away, done.discarded, done.finished) == (5, 0, True)
    assert places(edition) == (0, 5)
    assert (told(edition), progress(edition)) == before
    assert progress(edition) == balance(edition) == Progress(sent=4, failed=1)


def test_only_what_is_old_and_done_is_put_away() -> None:
    """Not what was done lately, goes out, is paused, or was opened again by a late word."""
    old, cancelled = make_done(SENT), make_done(SENT)
    Edition.objects.filter(pk=cancelled.pk).update(state="cancelled")
    kept = [make_done(SENT, finished_at=NOON + 2 * DAY)]
    for state in (Edition.State.SENDING, Edition.State.PAUSED):
        kept.append(make_done(SENT))
        Edition.objects.filter(pk=kept[-1].pk).update(state=state)
    late = make_done(SENT, DOUBTED)
    resolving.send_again(late, NOON)
    kept.append(late)
    archiving.put_away(LATER)
    assert [places(edition) for edition in (old, cancelled)] == [(0, 1), (0, 1)]
    assert all(not edition.past_deliveries.exists() for edition in kept)


def test_how_old_is_a_setting(settings: Settings) -> None:
    """In days after the edition's end."""
    settings.DIGEST_PUT_AWAY_DAYS = 7
    edition = make_done(SENT)
    assert archiving.put_away(NOON + 7 * DAY).put_away == 0
    assert archiving.put_away(NOON + 7 * DAY + timedelta(seconds=1)).put_away == 1
    assert places(edition) == (0, 1)


def test_what_is_in_doubt_waits_to_be_resolved() -> None:
    """Then it goes; and after half a year it goes as it is."""
    edition, forgotten = make_done(SENT, DOUBTED), make_done(DOUBTED)
    archiving.put_away(LATER)
    assert places(edition) == (1, 1)
    resolving.settle_as_sent(edition, LATER)
    archiving.put_away(LATER)
    assert places(edition) == (0, 2)
    assert places(forgotten) == (1, 0)
    archiving.put_away(NOON + 181 * DAY)
    assert places(forgotten) == (0, 1)
    assert progress(forgotten) == balance(forgotten) == Progress(in_doubt=1)


def test_a_doubt_can_be_sent_again_when_the_others_are_put_away() -> None:
    """The edition opens, is finished, and its numbers hold; then that one goes too."""
    edition = make_done(SENT, FAILED, DOUBTED)
    archiving.put_away(LATER)
    resolving.send_again(edition, LATER)
    assert progress(edition) == Progress(sent=1, failed=1, queued=1)
    batch = ledger.claim(edition, 5, LATER)
    ledger.record(batch, [(row.id, SENT) for row in batch.rows], LATER)
    ledger.drop(batch.fence)
    assert sweeping.sweep(LATER).finished == [edition]
    assert Tally.objects.filter(edition_id=edition.pk).exists()
    assert progress(edition) == balance(edition) == Progress(sent=2, failed=1)
    archiving.put_away(LATER + 31 * DAY)
    assert places(edition) == (0, 3)


def test_an_edition_put_away_is_never_planned_again() -> None:
    """No way leads there; and if someone paved one by hand, the database refuses."""
    edition = make_done(SENT)
    late = make_subscriber(edition.newsletter)
    archiving.put_away(LATER)
    assert planning.plan_built(LATER) == []
    with pytest.raises(DeliveryError):
        steering.resume(edition)
    Edition.objects.filter(pk=edition.pk).update(state="built", planned_at=None)
    with pytest.raises(IntegrityError, match="is put away"), transaction.atomic():
        planning.plan_built(LATER)
    with pytest.raises(IntegrityError, match="is put away"), transaction.atomic():
        Delivery.objects.create(edition=edition, subscriber=late, due_at=NOON)
    assert places(edition) == (0, 1)


def test_the_tally_of_an_edition_put_away_is_as_short_as_can_be() -> None:
    """A thousand editions' are summed up every few seconds."""
    edition = make_done(SENT, SENT)
    for _ in range(9):
        Tally.objects.create(edition_id=edition.pk, state=State.SENT, deliveries=1)
        Tally.objects.create(edition_id=edition.pk, state=State.SENT, deliveries=-1)
    archiving.put_away(LATER)
    rows = Tally.objects.filter(edition_id=edition.pk)
    assert len(rows) == len({row.state for row in rows})
    assert progress(edition) == Progress(sent=2)


def test_deliveries_deleted_later_are_counted() -> None:
    """Whoever puts deliveries away leaves no setting behind: another deletion is noted."""
    archiving.put_away(LATER)
    make_done(SENT)
    archiving.put_away(LATER)
    edition = make_done(SENT, SENT)
    Delivery.objects.filter(edition=edition).delete()
    assert progress(edition) == Progress()


def test_a_reader_is_told_of_deliveries_put_away() -> None:
    """Beside the current ones, the newest first, in the same words."""
    past = make_done(SENT)
    reader = Subscriber.objects.get()
    recent = make_done(newsletter=past.newsletter, slot=NOON + DAY)
    Delivery.objects.create(edition=recent, subscriber=reader, due_at=NOON + DAY)
    before = disclosing.everything(reader)["deliveries"]
    archiving.put_away(LATER)
    assert places(past) == (0, 1)
    assert disclosing.everything(reader)["deliveries"] == before
    assert [one["edition"] for one in before] == [recent.pk, past.pk]
    assert disclosing.everything(reader, 1)["deliveries"] == before[:1]


def test_an_erased_reader_is_taken_off_what_is_put_away() -> None:
    """With the relay's words, which may quote an address; the numbers stay."""
    edition = make_done(SENT, FAILED)
    archiving.put_away(LATER)
    reader, other = Subscriber.objects.order_by("pk")
    erasing.erase(reader.pk, LATER)
    rows = PastDelivery.objects.filter(edition=edition).order_by("id")
    assert [(row.subscriber_id, bool(row.reply)) for row in rows] == [
        (None, False),
        (other.pk, True),
    ]
    assert progress(edition) == balance(edition) == Progress(sent=1, failed=1)


def test_nameless_deliveries_are_put_away_too(small: None) -> None:
    """Of readers who were erased before."""
    edition = make_done(SENT, SENT, SENT, SENT, SENT)
    for reader in Subscriber.objects.order_by("pk")[:3]:
        erasing.erase(reader.pk, NOON)
    archiving.put_away(LATER)
    assert places(edition) == (0, 5)
    assert PastDelivery.objects.filter(subscriber=None).count() == 3


def test_after_two_years_only_numbers_are_left(small: None, settings: Settings) -> None:
    """Or after as long as the setting says; never while one may still be resolved."""
    edition = make_done(SENT, SENT, FAILED, DOUBTED)
    assert archiving.put_away(NOON + 729 * DAY).discarded == 0
    settings.DIGEST_KEEP_DAYS = 0
    assert archiving.put_away(NOON + 9999 * DAY).discarded == 0
    settings.DIGEST_KEEP_DAYS = 730
    assert archiving.put_away(NOON + 731 * DAY).discarded == 4
    assert (places(edition), told(edition)) == ((0, 0), [])
    assert progress(edition) == Progress(sent=2, failed=1, in_doubt=1)


def test_a_call_ends_when_its_time_is_up(small: None) -> None:
    """After the step in hand; the next one goes on there."""
    edition = make_done(SENT, SENT, SENT)
    done = archiving.put_away(LATER, seconds=0)
    assert (done.put_away, done.finished, places(edition)) == (2, False, (1, 2))
    assert archiving.put_away(LATER).put_away == 1


def test_a_step_that_breaks_leaves_its_rows_where_they_were(
    small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the steps before are put away, and the numbers hold."""
    edition = make_done(SENT, SENT, SENT)
    before = told(edition)
    whole = archiving._step

    def breaking(statement: str, about: dict[str, Any]) -> tuple[int, int, int | None]:
        broken = statement.replace("), count(*),", "), 1 / (count(*) - count(*)),")
        return whole(broken if about["after"] else statement, about)

    monkeypatch.setattr(archiving, "_step", breaking)
    with pytest.raises(DatabaseError):
        archiving.put_away(LATER)
    assert places(edition) == (1, 2)
    assert told(edition) == before
    Delivery.objects.filter(edition=edition).delete()
    assert progress(edition) == Progress(sent=2)


def _together(*works: Callable[[], object]) -> None:
    """Do several things at the same moment, each on a connection of its own."""
    start = Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        try:
            start.wait()
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        list(pool.map(run, works))


@pytest.mark.django_db(transaction=True)
def test_several_movers_at_once_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row is moved once, none is left."""
    monkeypatch.setattr(archiving, "STEP", 7)
    edition = make_done(*[SENT] * 150)
    before = told(edition)
    counts: list[int] = []
    _together(*[lambda: counts.append(archiving.put_away(LATER).put_away)] * 3)
    assert sum(counts) + archiving.put_away(LATER).put_away == 150
    assert places(edition) == (0, 150)
    assert told(edition) == before


@pytest.mark.django_db(transaction=True)
def test_who_is_erased_while_deliveries_are_put_away_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whichever comes first, no row keeps the reader or the relay's words."""
    monkeypatch.setattr(archiving, "STEP", 3)
    edition = make_done(*[SENT] * 120)
    ids = list(Subscriber.objects.order_by("pk").values_list("pk", flat=True))
    gone, stay = ids[::2], ids[1::2]

    def erase() -> None:
        for key in gone:
            assert erasing.erase(key, LATER)

    _together(erase, lambda: archiving.put_away(LATER), lambda: archiving.put_away(LATER))
    archiving.put_away(LATER)
    assert places(edition) == (0, 120)
    rows = PastDelivery.objects.filter(edition=edition)
    assert sorted(row.subscriber_id for row in rows if row.subscriber_id) == stay
    assert all(bool(row.reply) == bool(row.subscriber_id) for row in rows)
    assert progress(edition) == balance(edition) == Progress(sent=120)


@pytest.mark.django_db(transaction=True)
def test_whom_somebody_is_just_resolving_keeps_the_rest(settings: Settings) -> None:
    """The edition may be opened again and counted, so nothing of it is deleted yet."""
    settings.DIGEST_KEEP_DAYS = 90
    edition = make_done(SENT, DOUBTED)
    archiving.put_away(LATER)
    with psycopg.connect(_database()) as somebody:
        somebody.execute("SELECT FROM delivery_delivery FOR UPDATE")
        assert archiving.put_away(NOON + 91 * DAY).discarded == 0
        assert places(edition) == (1, 1)
    assert archiving.put_away(NOON + 91 * DAY).discarded == 2


@pytest.mark.django_db(transaction=True)
def test_a_mover_that_is_killed_loses_and_doubles_nothing() -> None:
    """Whatever it had in hand is where it was; the next one goes on."""
    edition = make_done(*[SENT] * 300)
    before = told(edition)
    for _ in range(3):
        _kill_a_mover(edition)
        current, past = places(edition)
        assert current + past == 300
        assert told(edition) == before
        assert progress(edition) == balance(edition) == Progress(sent=300)
    assert 0 < past < 300
    archiving.put_away(LATER)
    assert places(edition) == (0, 300)
    assert told(edition) == before


def _database() -> str:
    ours = {"dbname": connection.settings_dict["NAME"]}
    return make_conninfo(os.environ["DIGEST_DATABASE_URL"], **ours)


def _kill_a_mover(edition: Edition) -> None:
    """Start one that moves two rows at a time, and kill it as soon as it has moved some."""
    code = (
        "import django; django.setup()\n"
        "from digest.delivery import archiving\n"
        "from tests.delivery.test_archiving import LATER\n"
        "archiving.STEP = 2\n"
        "archiving.put_away(LATER)\n"
    )
    mover = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"DIGEST_DATABASE_URL": _database()},
    )
    moved, until = edition.past_deliveries.count(), time.monotonic() + 30
    while edition.past_deliveries.count() < moved + 6 and time.monotonic() < until:
        assert mover.poll() is None
    mover.send_signal(signal.SIGKILL)
    mover.wait()
