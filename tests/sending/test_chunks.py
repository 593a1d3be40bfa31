"""Deliveries without rows of their own: nothing twice, nothing lost, every number exact."""

import errno
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from pytest_django.fixtures import Settings

from digest.bounces.models import Refusal
from digest.issues.models import Issue
from digest.relays import retries
from digest.relays.retries import UNCERTAIN_REPLY, Outcome
from digest.relays.transports.base import Reply
from digest.selfservice import erasure
from digest.sending import control, history, journal, ledger, planning, sweeping
from digest.sending.chunks import ERASED
from digest.sending.claiming import Batch
from digest.sending.journal import Entry, Journal
from digest.sending.models import AnyDelivery, Chunk, Claim, Delivery, SentDelivery
from digest.sending.planning import inserting
from digest.sending.progress import Progress, balance, progress
from digest.subscribers import consent
from digest.subscribers.models import Subscriber
from tests.cast import (
    LONG_AGO,
    NOON,
    make_issue,
    make_newsletter,
    make_running,
    make_story,
    make_subscriber,
)
from tests.sending.blocking import hold_up_others
from tests.sending.claiming import claim_batch, put_into_chunks

pytestmark = pytest.mark.django_db

State = Delivery.State
SENT = Outcome(State.SENT, 250, "2.0.0 Ok: queued as 7F", attempted=True)
FAILED = Outcome(State.FAILED, 550, "5.1.1 unknown", attempted=True)
DEFERRED = Outcome(State.DEFERRED, 451, "4.3.0 later", NOON + timedelta(hours=1), attempted=True)
LOST_REPLY = Outcome(State.UNCERTAIN, None, UNCERTAIN_REPLY, attempted=True)
POSTPONED = Outcome(State.QUEUED, None, "", NOON + timedelta(minutes=1))


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, settings: Settings) -> None:
    settings.DIGEST_DATA_DIR = tmp_path


def make_unplanned(subscribers: int) -> Issue:
    """A built issue with a story, for so many subscribers."""
    issue = make_issue()
    make_story(issue)
    for _ in range(subscribers):
        make_subscriber(issue.newsletter)
    return issue


def make_untried(subscribers: int, **fields: Any) -> Issue:
    """An issue being sent, none of whose deliveries has a row."""
    issue = make_running(subscribers, **fields)
    put_into_chunks(issue)
    return issue


def record_all(batch: Batch, *outcomes: Outcome) -> frozenset[int]:
    """Record one outcome after the other; the last one for all that are left."""
    last = outcomes[-1]
    padded = [*outcomes, *[last] * (len(batch.rows) - len(outcomes))]
    pairs = zip(batch.rows, padded, strict=False)
    return ledger.record(batch, [(row.id, outcome) for row, outcome in pairs], NOON)


def states(issue: Issue) -> list[str]:
    """The state of each delivery of an issue, by its id."""
    rows = AnyDelivery.objects.filter(issue=issue).order_by("id")
    return [State(row.state).label for row in rows]


def test_a_sent_delivery_has_the_id_it_was_planned_with() -> None:
    """It is appended, with the server's reply; nothing is left of the chunk."""
    issue = make_untried(3)
    before = dict(AnyDelivery.objects.values_list("id", "subscriber"))
    batch = claim_batch(issue, 10)
    assert {row.id: row.subscriber_id for row in batch.rows} == before
    assert record_all(batch, SENT) == before.keys()
    assert dict(SentDelivery.objects.values_list("id", "subscriber")) == before
    row = SentDelivery.objects.order_by("id")[0]
    assert (row.reply_code, row.reply, row.at) == (250, "2.0.0 Ok: queued as 7F", NOON)
    assert not Chunk.objects.exists()
    assert not Delivery.objects.exists()
    assert progress(issue) == balance(issue) == Progress(sent=3)


def test_what_did_not_go_well_gets_a_row() -> None:
    """With its reply, attempt and times; it is claimed again like any other."""
    issue = make_untried(5, newsletter=make_newsletter(uncertain="hold"))
    batch = claim_batch(issue, 5)
    record_all(batch, SENT, FAILED, DEFERRED, LOST_REPLY, POSTPONED)
    ledger.drop(batch.fence)
    assert states(issue) == ["sent", "failed", "deferred", "uncertain", "queued"]
    failed, deferred, uncertain, postponed = Delivery.objects.order_by("pk")
    assert (failed.settled_at, failed.attempts, failed.reply_code) == (NOON, 1, 550)
    assert (deferred.due_at, deferred.first_attempt_at) == (DEFERRED.due_at, NOON)
    assert (uncertain.times_uncertain, uncertain.fence) == (1, batch.fence)
    assert (postponed.attempts, postponed.due_at) == (0, POSTPONED.due_at)
    second_batch = claim_batch(issue, 5, NOON + timedelta(hours=2))
    assert len(second_batch.rows) == 2
    assert {row.id for row in second_batch.rows} == {postponed.pk, deferred.pk}
    assert progress(issue) == balance(issue)


def test_a_refusal_at_the_first_attempt_waits_to_be_settled() -> None:
    """As one at a later attempt does."""
    record_all(claim_batch(make_untried(2), 2), FAILED, SENT)
    refusal = Refusal.objects.get()
    assert (refusal.subscriber_id, refusal.code) == (Delivery.objects.get().subscriber_id, 550)


def test_a_claim_takes_a_part_of_a_chunk() -> None:
    """The rest is due as before, in order, for the next."""
    issue = make_untried(5)
    ids = list(AnyDelivery.objects.order_by("id").values_list("id", flat=True))
    first, second = claim_batch(issue, 2), claim_batch(issue, 2)
    assert [row.id for row in first.rows] == ids[:2]
    assert [row.id for row in second.rows] == ids[2:4]
    assert states(issue) == ["claimed"] * 4 + ["queued"]
    assert progress(issue) == balance(issue) == Progress(queued=1, in_flight=4)


def test_what_comes_back_unsent_goes_behind_what_was_not_tried() -> None:
    """However often: a message at which relays fail holds up no other one."""
    issue = make_untried(5)
    [failing, *untried] = list(AnyDelivery.objects.order_by("id").values_list("id", flat=True))
    claimed = []
    for second in range(5):
        now = NOON + timedelta(seconds=second)
        batch = claim_batch(issue, 1, now)
        claimed += [row.id for row in batch.rows]
        outcome = retries.postponed(now) if claimed[-1] == failing else SENT
        ledger.record(batch, [(claimed[-1], outcome)], now)
    assert claimed == [failing, *untried]
    assert [row.id for row in claim_batch(issue, 5, now).rows] == [failing]


def test_what_is_tried_again_waits_for_no_chunk_that_is_due_later() -> None:
    """What has been due for longest goes first, whatever table it is in."""
    issue = make_untried(2)
    batch = claim_batch(issue, 2)
    first, second = batch.rows
    ledger.record(batch, [(first.id, DEFERRED)], NOON)
    ledger.release(batch)
    later = NOON + timedelta(hours=2)
    Chunk.objects.update(due_at=later)
    assert [row.id for row in claim_batch(issue, 5, later).rows] == [first.id]
    assert [row.id for row in claim_batch(issue, 5, later).rows] == [second.id]


@pytest.mark.parametrize("released", [[0], [1], [2], [0, 2], [0, 1, 2]])
def test_what_was_not_begun_is_due_again(released: list[int]) -> None:
    """Whichever part that is; the rest stays in flight under the same fence."""
    issue = make_untried(3)
    batch = claim_batch(issue, 3)
    ids = [row.id for row in batch.rows]
    ledger.release(batch, [ids[place] for place in released])
    expected = ["queued" if place in released else "claimed" for place in range(3)]
    assert states(issue) == expected
    remaining = [(key, SENT) for place, key in enumerate(ids) if place not in released]
    assert ledger.record(batch, remaining, NOON) == {key for key, _ in remaining}
    second_batch = [row.id for _ in range(3) for row in claim_batch(issue, 3).rows]
    assert second_batch == [ids[place] for place in released]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_who_leaves_is_suppressed(moment: str) -> None:
    """Between planning and the claim, or after it: the recheck notices."""
    issue = make_untried(2)
    batch = claim_batch(issue, 5) if moment == "after" else None
    leaving, staying = Subscriber.objects.order_by("pk")
    consent.unsubscribe(leaving.pk, issue.newsletter_id, via="one-click", ip=None, now=NOON)
    if batch:
        result = ledger.recheck(batch, batch.rows, NOON)
        assert (len(result.sendable), result.suppressed) == (1, 1)
    else:
        batch = claim_batch(issue, 5)
        assert ([row.subscriber_id for row in batch.rows], batch.suppressed) == ([staying.pk], 1)
    row = Delivery.objects.get()
    assert (row.state, row.subscriber_id) == (State.SUPPRESSED, leaving.pk)
    assert row.reply == "The subscriber has unsubscribed."
    assert progress(issue) == balance(issue) == Progress(in_flight=1, suppressed=1)


@pytest.mark.parametrize("action", ["pause", "change"])
def test_a_claim_of_an_issue_that_stopped_is_empty(action: str) -> None:
    """Paused, or changed since it was loaded; nothing is in flight then."""
    issue = make_untried(2)
    changes: dict[str, dict[str, Any]] = {
        "pause": {"state": Issue.State.PAUSED},
        "change": {"revision": 7},
    }
    Issue.objects.update(**changes[action])
    assert not claim_batch(issue, 5).rows
    assert progress(issue) == balance(issue) == Progress(queued=2)
    assert not Claim.objects.exists()


def test_a_cancelled_issue_is_settled() -> None:
    """What is in flight is settled by its sender."""
    issue = make_untried(4)
    batch = claim_batch(issue, 1)
    assert control.cancel(issue, "A mistake", NOON) == 3
    record_all(batch, SENT)
    assert states(issue) == ["sent", "cancelled", "cancelled", "cancelled"]
    assert progress(issue) == balance(issue) == Progress(sent=1, cancelled=3)


def test_a_frozen_worker_finds_its_claim_gone() -> None:
    """Another has it; the first may neither send nor record."""
    issue = make_untried(1)
    first = claim_batch(issue, 1)
    Claim.objects.update(lease_until=LONG_AGO)
    sweeping.sweep(NOON)
    sweeping.sweep(NOON)
    second = claim_batch(issue, 1)
    assert not ledger.recheck(first, first.rows, NOON).is_ours
    assert not record_all(first, SENT)
    assert ledger.recheck(second, second.rows, NOON).sendable == {second.rows[0].id}


@pytest.mark.parametrize("frozen", [False, True])
def test_a_dead_senders_journal_says_how_far_it_got(*, frozen: bool) -> None:
    """Sent, uncertain, withdrawn, never begun; a late reply settles what is uncertain."""
    issue = make_untried(4, newsletter=make_newsletter(uncertain="hold"))
    book = Journal()
    batch = claim_batch(issue, 4, journal=book.name)
    keys = [row.id for row in batch.rows]
    book.record([], keys[:3])
    book.record([(keys[0], Reply(250, "2.0.0 Ok: queued as 7F"))], [])
    book.record_unsent(keys[2])
    if frozen:
        assert sweeping.sweep(NOON).requeued == 0
        Claim.objects.update(lease_until=LONG_AGO)
    else:
        book.__exit__(None, None, None)
    swept = sweeping.sweep(NOON)
    assert (swept.settled, swept.uncertain, swept.requeued) == (1, 1, 2)
    assert states(issue) == ["sent", "uncertain", "queued", "queued"]
    assert progress(issue) == balance(issue)
    assert ledger.record(batch, [(keys[1], SENT)], NOON) == {keys[1]}
    assert states(issue) == ["sent", "sent", "queued", "queued"]


def test_claims_of_a_missing_machine_are_uncertain() -> None:
    """Once it has had time to come back; so is what is claimed without a claim."""
    issue = make_untried(3, newsletter=make_newsletter(uncertain="hold"))
    claim_batch(issue, 2, journal="elsewhere")
    Claim.objects.update(lease_until=LONG_AGO)
    Claim.objects.filter(pk=claim_batch(issue, 1).fence).delete()
    assert sweeping.sweep(NOON).uncertain == 3
    assert states(issue) == ["uncertain"] * 3
    assert not Chunk.objects.exists()


@pytest.mark.parametrize("moment", ["waiting", "in flight", "sent"])
def test_an_erased_subscriber_is_in_no_table(moment: str) -> None:
    """What is left is a row of nobody, without the relay's reply, which quotes addresses."""
    issue = make_untried(3)
    leaving = Subscriber.objects.order_by("pk")[1]
    batch = claim_batch(issue, 3) if moment != "waiting" else None
    if batch and moment == "sent":
        record_all(batch, SENT)
    assert erasure.erase(leaving.pk, NOON)
    assert not AnyDelivery.objects.filter(subscriber=leaving.pk).exists()
    assert not any(leaving.pk in chunk.subscriber_ids for chunk in Chunk.objects.all())
    row = Delivery.objects.get()
    if moment == "sent":
        assert (row.state, row.reply, row.reply_code, row.attempts) == (State.SENT, "", 250, 1)
    else:
        assert (row.state, row.reply) == (State.SUPPRESSED, ERASED)
    if batch and moment == "in flight":
        assert len(ledger.recheck(batch, batch.rows, NOON).sendable) == 2
        assert len(record_all(batch, SENT)) == 2
    assert progress(issue) == balance(issue)
    assert progress(issue).eligible == 3


def test_nobody_mails_a_subscriber_who_was_deleted() -> None:
    """Other than by an erasure: the claim settles the delivery."""
    issue = make_untried(2)
    Subscriber.objects.earliest("pk").delete()
    batch = claim_batch(issue, 2)
    assert (len(batch.rows), batch.suppressed) == (1, 1)
    row = Delivery.objects.get()
    assert (row.subscriber, row.state, row.reply) == (None, State.SUPPRESSED, ERASED)


def test_an_issue_is_not_finished_before_all_are_planned_for() -> None:
    """Nor while a chunk is left."""
    issue = make_untried(1)
    assert sweeping.sweep(NOON).finished == []
    batch = claim_batch(issue, 1)
    record_all(batch, SENT)
    ledger.drop(batch.fence)
    Issue.objects.update(planned_through=7)
    assert sweeping.sweep(NOON).finished == []
    Issue.objects.update(planned_through=None)
    assert sweeping.sweep(NOON).finished == [issue]


def test_pages_show_each_delivery_once() -> None:
    """Untried ones first, by id; then the others by subscriber. In one state as well."""
    issue = make_untried(7)
    batch = claim_batch(issue, 4)
    ledger.record(batch, [(row.id, SENT) for row in batch.rows[:2]], NOON)
    ids, after = [], ""
    while True:
        page = history.of_issue(issue, after=after, size=2)
        ids += [row.id for row in page.rows]
        if not (after := page.next):
            break
    expected = AnyDelivery.objects.filter(issue=issue).order_by("id").values_list("id", flat=True)
    assert sorted(ids) == list(expected)
    states_by_filter = {
        state: [State(row.state) for row in history.of_issue(issue, state).rows]
        for state in (State.QUEUED, State.CLAIMED, State.SENT, State.FAILED)
    }
    assert states_by_filter == {
        State.QUEUED: [State.QUEUED] * 3,
        State.CLAIMED: [State.CLAIMED] * 2,
        State.SENT: [State.SENT] * 2,
        State.FAILED: [],
    }


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_pages_skip_nothing_where_parts_of_a_chunk_lie_between_each_other(size: int) -> None:
    """Some of its deliveries were released, so that their ids are in turns in both."""
    issue = make_untried(8)
    batch = claim_batch(issue, 8)
    ids = [row.id for row in batch.rows]
    ledger.release(batch, ids[1::2])
    listed_ids: list[int] = []
    after = ""
    while True:
        page = history.of_issue(issue, after=after, size=size)
        listed_ids += [row.id for row in page.rows]
        if not (after := page.next):
            break
    assert listed_ids == ids


def test_domains_take_turns() -> None:
    """A list that was imported provider by provider is dealt to chunks of all of them."""
    issue = make_issue()
    make_story(issue)
    for number in range(6):
        make_subscriber(issue.newsletter, email=f"a{number}@first.example")
    for number in range(6):
        make_subscriber(issue.newsletter, email=f"b{number}@second.example")
    largest, Chunk.LARGEST = Chunk.LARGEST, 4
    try:
        planning.plan_built(NOON)
    finally:
        Chunk.LARGEST = largest
    subscribers = Subscriber.objects.in_bulk()
    dealt = [
        Counter(subscribers[key].email.partition("@")[2] for key in chunk.subscriber_ids)
        for chunk in Chunk.objects.order_by("first_id")
    ]
    assert dealt == [{"first.example": 2, "second.example": 2}] * 3


class TestAccounting(TestCase):
    """Whatever happens in whatever order, each subscriber has one delivery and all are counted."""

    @settings(max_examples=25, deadline=None)
    @given(
        actions=st.lists(
            st.tuples(
                st.sampled_from(["claim", "record", "release", "erase", "expire", "recheck"]),
                st.integers(0, 9),
            ),
            max_size=25,
        )
    )
    def test_the_numbers_add_up(self, actions: list[tuple[str, int]]) -> None:
        """The tally equals what is in the tables after each step; nobody is lost or doubled."""
        issue = make_untried(12)
        put_into_chunks(issue, 5)
        batches: list[Batch] = []
        outcomes = [SENT, SENT, FAILED, DEFERRED, LOST_REPLY, POSTPONED]
        for action, number in actions:
            if action == "claim":
                batches.append(claim_batch(issue, number + 1))
            elif action == "erase":
                if subscriber := Subscriber.objects.order_by("pk")[number : number + 1].first():
                    erasure.erase(subscriber.pk, NOON)
            elif action == "expire":
                Claim.objects.update(lease_until=LONG_AGO)
                sweeping.sweep(NOON)
            elif batches:
                _use(
                    batches[number % len(batches)], action, outcomes[number % len(outcomes)], number
                )
            assert progress(issue) == balance(issue)
            assert progress(issue).eligible == 12
            subscribers = AnyDelivery.objects.filter(subscriber__isnull=False)
            ids = list(subscribers.values_list("subscriber", flat=True))
            assert len(ids) == len(set(ids)) == Subscriber.objects.count()


def _use(batch: Batch, action: str, outcome: Outcome, number: int) -> None:
    """Let a sender record, release or check a part of its batch."""
    rows = batch.rows[number % 3 :: 2]
    if action == "record":
        ledger.record(batch, [(row.id, outcome) for row in rows], NOON)
    elif action == "release":
        ledger.release(batch, [row.id for row in rows])
    elif batch.rows:
        ledger.recheck(batch, rows, NOON)


@pytest.fixture
def together() -> Iterator[ThreadPoolExecutor]:
    """Two threads."""
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.mark.django_db(transaction=True)
def test_two_claim_at_once_and_share_nothing(together: ThreadPoolExecutor) -> None:
    """Each gets its own, though a claim divides the chunk."""
    issue = make_running(40)
    put_into_chunks(issue, 10)
    barrier = Barrier(2)

    def work() -> list[int]:
        try:
            barrier.wait()
            return [row.id for _ in range(8) for row in claim_batch(issue, 3).rows]
        finally:
            connection.close()

    first, second = (run.result() for run in [together.submit(work) for _ in range(2)])
    assert not set(first) & set(second)
    left = claim_batch(issue, 40)
    while left.rows:
        first += [row.id for row in left.rows]
        left = claim_batch(issue, 40)
    assert len(first) + len(second) == 40


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("recording", [True, False], ids=["record", "release"])
def test_an_erasure_meanwhile_costs_no_outcome(
    together: ThreadPoolExecutor, *, recording: bool
) -> None:
    """It puts a new row in the chunk's place while the sender waits for its lock."""
    issue = make_untried(3)
    batch = claim_batch(issue, 3)
    leaving = batch.rows[0].subscriber_id
    erasure_run = hold_up_others(together, lambda: ledger.erase_subscriber(leaving, NOON))
    if recording:
        assert record_all(batch, SENT) == {row.id for row in batch.rows[1:]}
        assert states(issue) == ["suppressed", "sent", "sent"]
    else:
        ledger.release(batch)
        assert states(issue) == ["suppressed", "queued", "queued"]
    erasure_run.result()
    assert progress(issue) == balance(issue)


@pytest.mark.django_db(transaction=True)
def test_an_erasure_finds_a_chunk_that_is_being_replaced(together: ThreadPoolExecutor) -> None:
    """By a sender that records the first ones: the subscriber is in the new row."""
    issue = make_untried(3)
    batch = claim_batch(issue, 3)
    leaving, sent = batch.rows[2].subscriber_id, [(row.id, SENT) for row in batch.rows[:2]]
    recording = hold_up_others(together, lambda: ledger.record(batch, sent, NOON))
    assert erasure.erase(leaving, NOON)
    recording.result()
    assert not Chunk.objects.exists()
    assert record_all(batch, SENT) == frozenset()
    assert states(issue) == ["sent", "sent", "suppressed"]
    assert not AnyDelivery.objects.filter(subscriber=leaving).exists()


def test_a_claim_with_deliveries_in_flight_is_not_dropped() -> None:
    """Its journal is needed to settle them."""
    issue = make_untried(2)
    batch = claim_batch(issue, 2, journal="ours")
    ledger.drop(batch.fence)
    assert Claim.objects.exists()
    record_all(batch, SENT)
    ledger.drop(batch.fence)
    assert not Claim.objects.exists()


def test_a_claim_that_cannot_be_settled_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its journal stays; the other dead sender's claim is settled, and issues are finished."""
    issue = make_untried(4, newsletter=make_newsletter(uncertain="hold"))
    books = [Journal(), Journal()]
    batches = [claim_batch(issue, 2, journal=book.name) for book in books]
    for book in books:
        book.__exit__(None, None, None)
    settle = sweeping._settle_claim

    def fail_once(claim: Claim, *details: Any) -> None:
        if claim.pk == batches[0].fence:
            raise ValueError
        settle(claim, *details)

    monkeypatch.setattr(sweeping, "_settle_claim", fail_once)
    assert sweeping.sweep(NOON).requeued == 2
    assert [claim.fence for claim in Claim.objects.all()] == [batches[0].fence]
    monkeypatch.undo()
    assert sweeping.sweep(NOON).requeued == 2
    assert not Claim.objects.exists()


def test_a_line_that_a_full_disk_cut_off_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after it begins a line of its own."""
    write, sizes = os.write, iter([3, None])

    def write_some(file: int, octets: bytes) -> int:
        if (size := next(sizes, 0)) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, octets[:size] if size else octets)

    with Journal() as book:
        monkeypatch.setattr(os, "write", write_some)
        with pytest.raises(OSError, match="No space"):
            book.record([], [1234])
        book.record_unsent(17)
        book.record([], [18])
        assert journal.read(book.name) == {
            17: Entry(begun=False),
            18: Entry(begun=True),
        }


@pytest.mark.django_db(transaction=True)
def test_two_planners_at_once_plan_for_each_once(
    together: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step holds the issue; what the other has planned is behind the place to go on from."""
    issue = make_issue()
    make_story(issue)
    for _ in range(20):
        make_subscriber(issue.newsletter)
    monkeypatch.setattr(inserting, "STEP", 3)
    barrier = Barrier(2)

    def work() -> None:
        try:
            barrier.wait()
            for _ in range(3):
                planning.plan_built(NOON)
        finally:
            connection.close()

    for run in [together.submit(work) for _ in range(2)]:
        run.result()
    planning.plan_built(NOON)
    planned = [key for chunk in Chunk.objects.all() for key in chunk.subscriber_ids if key]
    assert sorted(planned) == list(Subscriber.objects.order_by("pk").values_list("pk", flat=True))
    issue.refresh_from_db()
    assert (issue.state, issue.planned_through) == (Issue.State.SENDING, None)


def test_sending_begins_with_the_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mail goes out while the others are planned for; a killed planner's work is continued."""
    issue = make_unplanned(5)
    monkeypatch.setattr(inserting, "STEP", 2)
    step = planning._step
    sent: list[int] = []

    def send_between(*args: Any, opens: bool = False) -> planning.Step:
        if not opens:
            issue.refresh_from_db()
            assert issue.state == Issue.State.SENDING
            batch = claim_batch(issue, 2)
            sent.extend(row.subscriber_id for row in batch.rows)
            record_all(batch, SENT)
            if len(sent) == 4:
                raise KeyboardInterrupt
        return step(*args, opens=opens)

    monkeypatch.setattr(planning, "_step", send_between)
    with pytest.raises(KeyboardInterrupt):
        planning.plan_built(NOON)
    monkeypatch.setattr(planning, "_step", step)
    assert sweeping.sweep(NOON).finished == []
    planning.plan_built(NOON)
    sent += [row.subscriber_id for row in claim_batch(issue, 5).rows]
    assert sorted(sent) == list(Subscriber.objects.order_by("pk").values_list("pk", flat=True))


def test_a_paused_issue_is_not_planned_further(monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on when somebody resumes it."""
    issue = make_unplanned(4)
    monkeypatch.setattr(inserting, "STEP", 2)
    monkeypatch.setattr(planning, "_begin_sending", control.pause)  # right after the first step
    planning.plan_built(NOON)
    planning.plan_built(NOON)
    assert progress(issue).eligible == 2
    control.resume(issue)
    planning.plan_built(NOON)
    assert progress(issue).eligible == 4
