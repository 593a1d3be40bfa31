"""The ledger: nobody twice, nobody lost, nothing after leaving."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from digest.core import clock
from digest.delivery import journal, ledger, sweeping
from digest.delivery.journal import Journal
from digest.delivery.ledger import Batch
from digest.delivery.models import Claim, Delivery, Tally
from digest.delivery.progress import Pace, Progress, balance, compact, pace, progress
from digest.delivery.retries import Outcome
from digest.delivery.transports.base import Reply
from digest.editions.models import Edition
from digest.newsletters.models import Newsletter
from digest.subscribers import consent
from digest.subscribers.models import Subscription, Suppression
from tests.cast import LONG_AGO, NOON, make_newsletter, make_running

pytestmark = pytest.mark.django_db

State = Delivery.State
HOUR = timedelta(hours=1)
SENT = Outcome(State.SENT, 250, "2.0.0 ok", attempted=True)
DOUBTED = Outcome(State.IN_DOUBT, None, ledger.DOUBT, attempted=True)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, settings: Settings) -> None:
    settings.DIGEST_DATA_DIR = tmp_path


def claimed(edition: Edition, limit: int = 10, name: str = "") -> Batch:
    """Claim at noon."""
    return ledger.claim(edition, limit, NOON, journal=name)


def expire() -> None:
    """Let every lease run out, long ago."""
    Claim.objects.update(lease_until=LONG_AGO)


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


def test_a_recorded_delivery_is_done() -> None:
    """With the server's words, counted as a try, and never claimed again."""
    edition = make_running()
    batch = claimed(edition)
    assert ledger.record(batch, [(batch.rows[0].id, SENT)], NOON) == {batch.rows[0].id}
    row = Delivery.objects.get()
    assert (row.state, row.reply_code, row.settled_at) == (State.SENT, 250, NOON)
    assert (row.attempts, row.first_attempt_at) == (1, NOON)
    assert claimed(edition).rows == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("deed", "words"),
    [
        ("unsubscribe", "The reader has unsubscribed."),
        ("pause", "The reader has paused."),
        ("suppress", "The address is suppressed: complaint"),
        ("suppress here", "The address is suppressed: complaint"),
    ],
)
def test_who_left_gets_nothing(deed: str, words: str, when: str) -> None:
    """Between planning and the claim, or after it: the second look sees it."""
    edition = make_running(2)
    batch = claimed(edition) if when == "after" else None
    gone, stays = Delivery.objects.select_related("subscriber").order_by("pk")
    assert gone.subscriber
    if deed == "unsubscribe":
        consent.unsubscribe(
            gone.subscriber.pk, edition.newsletter_id, via="one-click", ip=None, now=NOON
        )
    elif deed == "pause":
        theirs = Subscription.objects.filter(subscriber=gone.subscriber)
        theirs.update(paused_until=NOON + HOUR)
    else:
        Suppression.objects.create(
            address_key=gone.subscriber.email,
            newsletter=edition.newsletter if deed == "suppress here" else None,
            reason="complaint",
            created_at=NOON,
        )
    if batch:
        look = ledger.look_again(batch, batch.rows, NOON)
        assert look.wanted == {stays.pk}
        assert look.suppressed == 1
    else:
        batch = claimed(edition)
        assert ([row.id for row in batch.rows], batch.suppressed) == ([stays.pk], 1)
    gone.refresh_from_db()
    assert (gone.state, gone.reply, gone.attempts) == (State.SUPPRESSED, words, 0)


@pytest.mark.parametrize("state", [Edition.State.PAUSED, Edition.State.CANCELLED])
def test_a_stopped_edition_sends_nothing_more(state: Edition.State) -> None:
    """What was claimed goes back."""
    edition = make_running()
    batch = claimed(edition)
    Edition.objects.update(state=state)
    look = ledger.look_again(batch, batch.rows, NOON)
    assert (look.wanted, look.sending, look.held) == (frozenset(), False, True)
    ledger.release(batch)
    assert states() == ["queued"]


def test_a_frozen_worker_finds_its_claim_gone() -> None:
    """Another has it; the first may neither send nor record."""
    edition = make_running()
    first = claimed(edition)
    expire()
    sweeping.sweep(NOON)
    sweeping.sweep(NOON)
    second = claimed(edition)
    assert not ledger.look_again(first, first.rows, NOON).held
    assert not ledger.record(first, [(first.rows[0].id, SENT)], NOON)
    assert ledger.look_again(second, second.rows, NOON).wanted == {second.rows[0].id}


def test_an_expired_lease_alone_stops_its_holder() -> None:
    """Even before anybody swept."""
    batch = claimed(make_running())
    expire()
    assert not ledger.look_again(batch, batch.rows, NOON).held
    assert ledger.renew([batch.fence]) == frozenset()


def test_a_renewed_lease_lasts() -> None:
    """The heartbeat prolongs it."""
    batch = claimed(make_running())
    before = Claim.objects.get().lease_until
    assert ledger.renew([batch.fence]) == {batch.fence}
    assert Claim.objects.get().lease_until >= before


def make_dead(edition: Edition, *, frozen: bool = False) -> tuple[Batch, Journal]:
    """Four claimed, in the hands of a sender who got as far as the third, and ended."""
    book = Journal()
    batch = claimed(edition, name=book.name)
    keys = [row.id for row in batch.rows]
    book.begin(keys[:3])
    book.end(keys[0], Reply(250, "2.0.0 Ok: queued as 7F"))
    book.never(keys[2])
    if not frozen:
        book.__exit__(None, None, None)
    return batch, book


@pytest.mark.parametrize("frozen", [False, True])
def test_a_dead_senders_journal_says_how_far_it_got(*, frozen: bool) -> None:
    """Sent, in doubt, taken back, never begun: each by itself. A frozen one's after its lease."""
    edition = make_running(4, newsletter=make_newsletter(in_doubt="hold"))
    _, book = make_dead(edition, frozen=frozen)
    if frozen:
        assert sweeping.sweep(NOON).requeued == 0
        expire()
    swept = sweeping.sweep(NOON)
    assert (swept.settled, swept.doubted, swept.requeued) == (1, 1, 2)
    assert states() == ["sent", "in doubt", "queued", "queued"]
    first, second = Delivery.objects.order_by("pk")[:2]
    assert (first.reply, first.attempts) == ("2.0.0 Ok: queued as 7F", 1)
    assert (second.doubts, second.attempts) == (1, 1)
    assert list(journal.folder().iterdir()) == ([journal._path(book.name)] if frozen else [])


def test_the_journal_of_a_living_sender_is_left_alone() -> None:
    """It holds a lock on it, whatever else happens."""
    edition = make_running(4)
    make_dead(edition, frozen=True)
    assert sweeping.sweep(NOON).requeued == 0
    assert states() == ["claimed"] * 4


def test_a_line_that_a_kill_cut_short_counts_for_nothing() -> None:
    """What it would have begun had not left."""
    edition = make_running(4, newsletter=make_newsletter(in_doubt="hold"))
    batch, book = make_dead(edition)
    with journal._path(book.name).open("ab") as file:
        file.write(f"b {batch.rows[3].id}".encode())
    sweeping.sweep(NOON)
    assert states() == ["sent", "in doubt", "queued", "queued"]


def test_what_a_machine_had_in_hand_that_is_gone_is_in_doubt() -> None:
    """Once it has had time to come back and say."""
    edition = make_running(2, newsletter=make_newsletter(in_doubt="hold"))
    claimed(edition, name="elsewhere")
    expire()
    assert sweeping.sweep(NOON).doubted == 2
    assert states() == ["in doubt", "in doubt"]
    assert not Claim.objects.exists()


def test_what_is_claimed_by_nobody_is_in_doubt() -> None:
    """It should not be; but a row that no sweep looks at would wait for ever."""
    edition = make_running(2, newsletter=make_newsletter(in_doubt="hold"))
    ledger.drop(claimed(edition, 1).fence)
    other = claimed(edition, 1)
    assert sweeping.sweep(NOON).doubted == 1
    assert states() == ["in doubt", "claimed"]
    assert ledger.is_claimed("")
    assert other.rows


@pytest.mark.parametrize(("policy", "expected"), [("hold", "in doubt"), ("resend", "queued")])
def test_what_is_in_doubt_is_held_or_sent_again(policy: str, expected: str) -> None:
    """As the newsletter says."""
    edition = make_running(4, newsletter=make_newsletter(in_doubt=policy))
    make_dead(edition)
    sweeping.sweep(NOON)
    assert states() == ["sent", expected, "queued", "queued"]
    assert Delivery.objects.order_by("pk")[1].doubts == 1


def test_a_late_word_of_the_relay_resolves_the_doubt() -> None:
    """The worker was only frozen, and now it knows. It counts as one try."""
    edition = make_running(4, newsletter=make_newsletter(in_doubt=Newsletter.InDoubt.HOLD))
    batch, _ = make_dead(edition, frozen=True)
    expire()
    sweeping.sweep(NOON)
    key = batch.rows[1].id
    assert ledger.record(batch, [(key, SENT)], NOON) == {key}
    row = Delivery.objects.get(pk=key)
    assert (row.state, row.attempts, row.doubts) == (State.SENT, 1, 1)


def test_a_withdrawn_attempt_uses_nothing_up() -> None:
    """The relay was down, which is nobody's fault. It goes behind the others."""
    edition = make_running(2)
    batch = claimed(edition, 1)
    [row] = batch.rows
    ledger.record(batch, [(row.id, Outcome(State.QUEUED, None, "", NOON))], NOON)
    back = Delivery.objects.get(pk=row.id)
    assert (back.state, back.attempts, back.fence) == (State.QUEUED, 0, None)
    assert back.first_attempt_at is None  # days of an absent relay bring nobody nearer to giving up
    assert [each.id for each in claimed(edition, 1).rows] != [row.id]


def in_doubt(edition: Edition) -> Batch:
    """Claim one, and lose the relay's word."""
    batch = ledger.claim(edition, 1, NOON + HOUR)
    ledger.record(batch, [(batch.rows[0].id, DOUBTED)], NOON)
    ledger.drop(batch.fence)
    return batch


def test_a_message_that_is_always_in_doubt_is_left_to_a_person() -> None:
    """Sent again at once, then later each time, then not any more; the edition can end."""
    edition = make_running(newsletter=make_newsletter(in_doubt="resend"))
    waits = []
    for _ in range(sweeping.MOST_DOUBTS):
        in_doubt(edition)
        assert sweeping.sweep(NOON).finished == []
        waits.append(Delivery.objects.get().due_at - NOON)
    assert waits == [0 * HOUR, sweeping.DOUBT_WAIT, 2 * sweeping.DOUBT_WAIT]
    in_doubt(edition)
    assert sweeping.sweep(NOON).finished == [edition]
    assert states() == ["in doubt"]


def test_a_late_try_again_opens_a_finished_edition() -> None:
    """Otherwise the reader would wait for ever in an edition that nobody looks at."""
    edition = make_running(newsletter=make_newsletter(in_doubt="hold"))
    batch = in_doubt(edition)
    assert sweeping.sweep(NOON).finished == [edition]
    later = Outcome(State.DEFERRED, 451, "4.3.0 later", NOON + HOUR)
    assert ledger.record(batch, [(batch.rows[0].id, later)], NOON)
    assert sweeping.sweep(NOON).finished == []
    edition.refresh_from_db()
    assert (edition.state, edition.finished_at) == (Edition.State.SENDING, None)


def test_an_edition_is_finished_when_nothing_is_to_come() -> None:
    """Not while anything is deferred; those in doubt don't hold it up."""
    edition = make_running(3, newsletter=make_newsletter(in_doubt="hold"))
    Delivery.objects.update(state=State.SENT, settled_at=NOON)
    deferred = Delivery.objects.latest("pk")
    Delivery.objects.filter(pk=deferred.pk).update(state=State.DEFERRED, settled_at=None)
    assert sweeping.sweep(NOON).finished == []
    Delivery.objects.filter(pk=deferred.pk).update(state=State.IN_DOUBT, doubts=1)
    assert sweeping.sweep(NOON + HOUR).finished == [edition]
    edition.refresh_from_db()
    assert (edition.state, edition.finished_at) == (Edition.State.SENT, NOON + HOUR)


def test_the_numbers_add_up() -> None:
    """Eligible is the sum of all others; the tally says what the rows say, at every step."""
    edition, other = make_running(8), make_running(3)
    for row, state in zip(Delivery.objects.filter(edition=edition), State, strict=True):
        Delivery.objects.filter(pk=row.pk).update(state=state, settled_at=NOON, fence=1)
        assert progress(edition) == balance(edition)
    counted = progress(edition)
    assert counted.eligible == 8
    assert (counted.waiting, counted.settled) == (3, 5)
    Delivery.objects.filter(edition=other).latest("pk").delete()
    assert progress(other) == Progress(queued=2)


def test_a_long_tally_is_drawn_together() -> None:
    """The sums stay."""
    edition = make_running(60)
    for row in Delivery.objects.all():
        Delivery.objects.filter(pk=row.pk).update(state=State.SENT, settled_at=NOON)
    before = progress(edition)
    compact()
    assert Tally.objects.count() > 60  # the last minute's are kept
    Tally.objects.update(at=clock.now() - timedelta(seconds=61))
    compact()
    assert progress(edition) == before == Progress(sent=60)
    assert Tally.objects.count() <= len(State)


def test_the_pace_is_that_of_the_last_minute() -> None:
    """And from it follows when the last of those not yet tried will be done."""
    edition, now = make_running(40), clock.now()
    assert pace(edition, progress(edition), now) == Pace()
    ids = list(Delivery.objects.values_list("pk", flat=True))
    for some, ago in ((ids[:5], 90), (ids[5:15], 20), (ids[15:20], 5)):
        Tally.objects.filter(at__gt=now - timedelta(seconds=1)).update(at=LONG_AGO)
        Delivery.objects.filter(pk__in=some).update(state=State.SENT, settled_at=NOON)
        Tally.objects.filter(at__gt=now - timedelta(seconds=1)).update(
            at=now - timedelta(seconds=ago)
        )
    found = pace(edition, progress(edition), now)
    assert found.per_second == pytest.approx(15 / 20, rel=0.1)
    assert found.ends_at is not None
    assert (found.ends_at - now).total_seconds() == pytest.approx(20 / 0.75, rel=0.1)
    later = now + timedelta(hours=2)
    Delivery.objects.filter(pk=ids[-1]).update(due_at=later)
    assert pace(edition, progress(edition), now).ends_at == later
    Edition.objects.filter(pk=edition.pk).update(state=Edition.State.PAUSED)
    edition.refresh_from_db()
    assert pace(edition, progress(edition), now) == Pace()


def test_a_tally_that_went_wrong_is_put_right() -> None:
    """At the end of the edition, by what the rows say."""
    edition = make_running(2)
    Tally.objects.create(edition_id=edition.pk, state=State.SENT, deliveries=5)
    assert balance(edition) == Progress(queued=2)
    assert progress(edition) == Progress(queued=2)


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
