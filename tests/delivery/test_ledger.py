"""The ledger: nobody twice, nobody lost, nothing after leaving."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from digest.delivery import ledger
from digest.delivery.ledger import Batch, Verdict
from digest.delivery.models import Delivery
from digest.delivery.progress import progress
from digest.delivery.retries import Outcome
from digest.editions.models import Edition
from digest.newsletters.models import Newsletter
from digest.subscribers import consent
from digest.subscribers.models import Subscription, Suppression
from tests.cast import NOON, make_newsletter, make_running

pytestmark = pytest.mark.django_db

State = Delivery.State
HOUR = timedelta(hours=1)
SENT = Outcome(State.SENT, 250, "2.0.0 ok")


def claimed(edition: Edition, limit: int = 10) -> Batch:
    """Claim at noon."""
    return ledger.claim(edition, limit, NOON)


def expire() -> None:
    """Let every lease run out."""
    Delivery.objects.filter(state=State.CLAIMED).update(lease_until=NOON.replace(year=2000))


def states() -> list[str]:
    """Return the state of every delivery, by id."""
    return [State(row.state).label for row in Delivery.objects.order_by("pk")]


def test_a_claim_takes_what_is_due_and_nothing_else() -> None:
    """In order, up to the limit, from this edition, not from the future."""
    edition, _other = make_running(4), make_running(1)
    later = Delivery.objects.filter(edition=edition).latest("pk")
    Delivery.objects.filter(pk=later.pk).update(due_at=NOON + HOUR)
    assert len(claimed(edition, 2).rows) == 2
    assert len(claimed(edition).rows) == 1
    assert claimed(edition).rows == []


def test_each_claim_has_a_fence_of_its_own() -> None:
    """And it only grows."""
    edition = make_running(2)
    assert claimed(edition, 1).fence < claimed(edition, 1).fence


def test_an_attempt_is_counted_before_anything_is_sent() -> None:
    """What is committed says that its end may be unknown."""
    batch = claimed(make_running())
    assert ledger.attempt(batch, batch.rows[0], NOON) is Verdict.GO
    row = Delivery.objects.get()
    assert (row.attempts, row.first_attempt_at) == (1, NOON)
    assert row.attempted_at is not None


def test_a_recorded_delivery_is_done() -> None:
    """With the server's words, and never claimed again."""
    edition = make_running()
    batch = claimed(edition)
    ledger.attempt(batch, batch.rows[0], NOON)
    assert ledger.record(batch, batch.rows[0], SENT, NOON)
    row = Delivery.objects.get()
    assert (row.state, row.reply_code, row.settled_at) == (State.SENT, 250, NOON)
    assert claimed(edition).rows == []


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        ("unsubscribe", "The reader has unsubscribed."),
        ("pause", "The reader has paused."),
        ("suppress", "The address is suppressed: complaint"),
        ("suppress here", "The address is suppressed: complaint"),
    ],
)
def test_who_left_after_the_claim_gets_nothing(deed: str, words: str) -> None:
    """It holds from the moment it was done, in the middle of a batch too."""
    edition = make_running()
    batch = claimed(edition)
    [row] = batch.rows
    if deed == "unsubscribe":
        consent.unsubscribe(
            row.subscriber_id, edition.newsletter_id, via="one-click", ip=None, now=NOON
        )
    elif deed == "pause":
        Subscription.objects.update(paused_until=NOON + HOUR)
    else:
        Suppression.objects.create(
            address_key=row.email,
            newsletter=edition.newsletter if deed == "suppress here" else None,
            reason="complaint",
            created_at=NOON,
        )
    assert ledger.attempt(batch, row, NOON) is Verdict.SETTLED
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.reply, delivery.attempts) == (State.SUPPRESSED, words, 0)


@pytest.mark.parametrize("state", [Edition.State.PAUSED, Edition.State.CANCELLED])
def test_a_stopped_edition_sends_nothing_more(state: Edition.State) -> None:
    """What was claimed goes back."""
    edition = make_running()
    batch = claimed(edition)
    Edition.objects.update(state=state)
    assert ledger.attempt(batch, batch.rows[0], NOON) is Verdict.STOPPED
    ledger.release(batch)
    assert states() == ["queued"]


def test_a_frozen_worker_finds_its_claim_gone() -> None:
    """Another has it; the first may neither send nor record."""
    edition = make_running()
    first = claimed(edition)
    expire()
    ledger.sweep(NOON)
    second = claimed(edition)
    assert ledger.attempt(first, first.rows[0], NOON) is Verdict.LOST
    assert not ledger.record(first, first.rows[0], SENT, NOON)
    assert ledger.attempt(second, second.rows[0], NOON) is Verdict.GO


def test_an_expired_lease_alone_stops_its_holder() -> None:
    """Even before anybody swept."""
    batch = claimed(make_running())
    expire()
    assert ledger.attempt(batch, batch.rows[0], NOON) is Verdict.LOST
    assert ledger.renew(batch.fence) == 0


def test_a_renewed_lease_lasts() -> None:
    """The heartbeat prolongs it."""
    batch = claimed(make_running())
    before = Delivery.objects.get().lease_until
    assert ledger.renew(batch.fence) == 1
    after = Delivery.objects.get().lease_until
    assert before is not None
    assert after is not None
    assert after >= before


@pytest.mark.parametrize(("policy", "expected"), [("hold", "in doubt"), ("resend", "queued")])
def test_what_a_dead_worker_had_attempted_is_in_doubt(policy: str, expected: str) -> None:
    """Held or sent again, as the newsletter says; what it had not attempted just goes back."""
    edition = make_running(2, newsletter=make_newsletter(in_doubt=policy))
    batch = claimed(edition)
    ledger.attempt(batch, batch.rows[0], NOON)
    expire()
    swept = ledger.sweep(NOON)
    assert (swept.requeued, swept.doubted) == (1, 1)
    attempted = Delivery.objects.get(pk=batch.rows[0].id)
    assert (State(attempted.state).label, attempted.doubts) == (expected, 1)
    assert Delivery.objects.exclude(pk=attempted.pk).get().state == State.QUEUED


def test_a_late_word_of_the_relay_resolves_the_doubt() -> None:
    """The worker was only frozen, and now it knows."""
    edition = make_running(newsletter=make_newsletter(in_doubt=Newsletter.InDoubt.HOLD))
    batch = claimed(edition)
    ledger.attempt(batch, batch.rows[0], NOON)
    expire()
    ledger.sweep(NOON)
    assert ledger.record(batch, batch.rows[0], SENT, NOON)
    assert states() == ["sent"]


def test_a_withdrawn_attempt_uses_nothing_up() -> None:
    """The relay was down, which is nobody's fault."""
    batch = claimed(make_running())
    ledger.attempt(batch, batch.rows[0], NOON)
    ledger.withdraw(batch, batch.rows[0], NOON)
    ledger.release(batch)
    row = Delivery.objects.get()
    assert (row.state, row.attempts, row.attempted_at) == (State.QUEUED, 0, None)
    assert row.first_attempt_at is None  # days of an absent relay bring nobody nearer to giving up


def test_a_withdrawn_attempt_goes_behind_the_others() -> None:
    """So a message that drives relays away holds up nobody else."""
    edition = make_running(2)
    batch = claimed(edition, 1)
    ledger.attempt(batch, batch.rows[0], NOON)
    ledger.withdraw(batch, batch.rows[0], NOON)
    ledger.release(batch)
    first, second = claimed(edition).rows
    assert first.id != batch.rows[0].id == second.id


def test_a_message_that_is_always_in_doubt_is_left_to_a_person() -> None:
    """Sent again at once, then later each time, then not any more; the edition can end."""
    edition = make_running(newsletter=make_newsletter(in_doubt="resend"))
    waits = []
    for _ in range(ledger.MOST_DOUBTS):
        batch = ledger.claim(edition, 1, NOON + HOUR)
        ledger.attempt(batch, batch.rows[0], NOON)
        ledger.doubt(batch, batch.rows[0])
        assert ledger.sweep(NOON).finished == []
        waits.append(Delivery.objects.get().due_at - NOON)
    assert waits == [0 * HOUR, ledger.DOUBT_WAIT, 2 * ledger.DOUBT_WAIT]
    batch = ledger.claim(edition, 1, NOON + HOUR)
    ledger.attempt(batch, batch.rows[0], NOON)
    ledger.doubt(batch, batch.rows[0])
    assert ledger.sweep(NOON).finished == [edition]
    assert states() == ["in doubt"]


def test_a_late_try_again_opens_a_finished_edition() -> None:
    """Otherwise the reader would wait for ever in an edition that nobody looks at."""
    edition = make_running(newsletter=make_newsletter(in_doubt="hold"))
    batch = claimed(edition)
    ledger.attempt(batch, batch.rows[0], NOON)
    ledger.doubt(batch, batch.rows[0])
    assert ledger.sweep(NOON).finished == [edition]
    later = Outcome(State.DEFERRED, 451, "4.3.0 later", NOON + HOUR)
    assert ledger.record(batch, batch.rows[0], later, NOON)
    assert ledger.sweep(NOON).finished == []
    edition.refresh_from_db()
    assert (edition.state, edition.finished_at) == (Edition.State.SENDING, None)


def test_an_edition_is_finished_when_nothing_is_to_come() -> None:
    """Not while anything is deferred; those in doubt don't hold it up."""
    edition = make_running(3, newsletter=make_newsletter(in_doubt="hold"))
    Delivery.objects.update(state=State.SENT, settled_at=NOON)
    deferred = Delivery.objects.latest("pk")
    Delivery.objects.filter(pk=deferred.pk).update(state=State.DEFERRED, settled_at=None)
    assert ledger.sweep(NOON).finished == []
    Delivery.objects.filter(pk=deferred.pk).update(state=State.IN_DOUBT, doubts=1)
    assert ledger.sweep(NOON + HOUR).finished == [edition]
    edition.refresh_from_db()
    assert (edition.state, edition.finished_at) == (Edition.State.SENT, NOON + HOUR)


def test_the_numbers_add_up() -> None:
    """Eligible is the sum of all others."""
    edition = make_running(8)
    for row, state in zip(Delivery.objects.all(), State, strict=True):
        Delivery.objects.filter(pk=row.pk).update(
            state=state, settled_at=NOON, fence=1, lease_until=NOON
        )
    counted = progress(edition)
    assert counted.eligible == 8
    assert (counted.waiting, counted.settled) == (3, 5)


@pytest.fixture
def together() -> Iterator[ThreadPoolExecutor]:
    """Two threads."""
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.mark.django_db(transaction=True)
def test_two_claim_at_once_and_share_nothing(together: ThreadPoolExecutor) -> None:
    """SKIP LOCKED hands each its own rows."""
    edition = make_running(40)
    barrier = Barrier(2)

    def work() -> list[int]:
        try:
            barrier.wait()
            return [row.id for _ in range(4) for row in claimed(edition, 5).rows]
        finally:
            connection.close()

    first, second = (run.result() for run in [together.submit(work) for _ in range(2)])
    assert len(first) + len(second) == 40
    assert not set(first) & set(second)
