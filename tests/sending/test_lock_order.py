"""What locks the same rows at the same time neither deadlocks nor misses what another did."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.db import connection, transaction

from digest.issues.experiments.models import Experiment
from digest.issues.models import Issue
from digest.relays.retries import Outcome
from digest.selfservice import erasure
from digest.sending import ledger, planning
from digest.sending.experiments import assigning
from digest.sending.models import AnyDelivery, Chunk, Delivery
from digest.sending.planning import inserting
from digest.subscribers.models import Subscriber
from tests.cast import NOON, make_issue, make_running, make_story, make_subscriber
from tests.sending.blocking import wait_until_blocked
from tests.sending.claiming import claim_batch, put_into_chunks

pytestmark = pytest.mark.django_db(transaction=True)

SENT = Outcome(Delivery.State.SENT, 250, "2.0.0 Ok: queued as 7F", attempted=True)
LATER = NOON + timedelta(hours=3)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Another thread."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


def make_tested(subscribers: int) -> tuple[Issue, Experiment]:
    """Return an issue whose subscribers wait for the winner, with one chunk for each of them.

    The rows are in another order than their ids.
    """
    issue = make_running(subscribers)
    put_into_chunks(issue, 1)
    for chunk in Chunk.objects.order_by("-pk"):
        Chunk.objects.filter(pk=chunk.pk).delete()
        chunk.due_at = LATER
        chunk.save(force_insert=True)
    return issue, Experiment.objects.create(
        issue=issue,
        subjects=["Another"],
        share=50,
        minutes=60,
        decides_at=LATER - assigning.GRACE,
    )


def read_in_any_order() -> None:
    """Let the optimizer read no index, as it may with a small table or an old estimate."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off")


def finish(experiment: Experiment) -> int:
    """Let the rest go, in a transaction and on a connection of its own."""
    try:
        with transaction.atomic():
            read_in_any_order()
            return assigning.finish(experiment, 1, NOON)
    finally:
        connection.close()


def move_end(experiment: Experiment) -> int:
    """Let the experiment end later, on a connection of its own."""
    try:
        with transaction.atomic():
            read_in_any_order()
            experiment.paused_at = NOON
            experiment.save()
            assigning.resume(experiment.issue, NOON + timedelta(minutes=5))
            return 0
    finally:
        connection.close()


@pytest.mark.parametrize("change", [finish, move_end])
def test_chunks_are_locked_in_the_order_of_their_ids(pool: ThreadPoolExecutor, change: Any) -> None:
    """As an erasure locks them: who waits for the last one holds those before it."""
    _, experiment = make_tested(3)
    first, _, last = Chunk.objects.order_by("pk").values_list("pk", flat=True)
    with transaction.atomic():
        Chunk.objects.select_for_update().get(pk=last)
        running = pool.submit(change, experiment)
        wait_until_blocked()
        free = Chunk.objects.select_for_update(skip_locked=True).filter(pk=first)
        assert not free.exists()
    running.result(20)
    assert not Chunk.objects.filter(due_at=LATER).exists()


def test_the_rest_goes_though_a_chunk_was_replaced_meanwhile(pool: ThreadPoolExecutor) -> None:
    """By an erasure, while the end of the experiment waits for its lock."""
    issue = make_running(2)
    put_into_chunks(issue)
    Chunk.objects.update(due_at=LATER)
    experiment = Experiment.objects.create(
        issue=issue, subjects=["Another"], share=50, minutes=60, decides_at=LATER - assigning.GRACE
    )
    leaving = Subscriber.objects.earliest("pk")
    with transaction.atomic():
        ledger.erase_subscriber(leaving.pk, NOON)
        running = pool.submit(finish, experiment)
        wait_until_blocked()
    assert running.result(20) == 1
    assert Chunk.objects.get().due_at == NOON


def test_who_is_erased_while_they_are_planned_for_is_named_nowhere(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planner has seen them; the erasure waits for its step, and takes them out of it."""
    issue = make_issue()
    make_story(issue)
    leaving, staying = make_subscriber(issue.newsletter), make_subscriber(issue.newsletter)
    inserted, insert = Event(), inserting.insert_step

    def insert_and_wait(*details: Any) -> int | None:
        last = insert(*details)
        if last is not None:
            inserted.set()
            wait_until_blocked()
        return last

    def plan() -> None:
        try:
            planning.plan_built(NOON)
        finally:
            connection.close()

    monkeypatch.setattr(inserting, "insert_step", insert_and_wait)
    running = pool.submit(plan)
    assert inserted.wait(10)
    assert erasure.erase(leaving.pk, NOON)
    running.result(20)
    while (batch := claim_batch(issue, 5)).rows:
        ledger.record(batch, [(row.id, SENT) for row in batch.rows], NOON)
    rows = AnyDelivery.objects.order_by("state").values_list("subscriber", "state")
    assert list(rows) == [(staying.pk, SENT.state), (None, Delivery.State.SUPPRESSED)]


def test_who_is_being_erased_is_not_planned_for(pool: ThreadPoolExecutor) -> None:
    """A step of planning that comes meanwhile waits for the erasure's end."""
    issue = make_issue()
    make_story(issue)
    leaving, staying = make_subscriber(issue.newsletter), make_subscriber(issue.newsletter)

    def plan() -> None:
        try:
            planning.plan_built(NOON)
        finally:
            connection.close()

    with transaction.atomic():
        assert erasure.erase(leaving.pk, NOON)
        running = pool.submit(plan)
        wait_until_blocked()
    running.result(20)
    assert list(AnyDelivery.objects.values_list("subscriber", flat=True)) == [staying.pk]
