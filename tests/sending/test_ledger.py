"""The ledger: nothing twice, nothing lost, nothing after unsubscribing."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now
from pytest_django.fixtures import Settings

from digest.core import clock
from digest.issues.models import Issue
from digest.newsletters.choices import UncertainPolicy
from digest.relays.retries import UNCERTAIN_REPLY, Outcome
from digest.relays.transports.base import Reply
from digest.sending import journal, ledger, sweeping
from digest.sending.claiming import Batch
from digest.sending.journal import Journal
from digest.sending.models import Claim, Delivery, Tally
from digest.sending.progress import Pace, Progress, balance, compact, pace, progress
from digest.subscribers import consent
from digest.subscribers.models import Subscription, Suppression
from tests.cast import LONG_AGO, NOON, make_newsletter, make_running
from tests.concurrency import run_at_once
from tests.sending.claiming import claim_batch

pytestmark = pytest.mark.django_db

State = Delivery.State
HOUR = timedelta(hours=1)
SENT = Outcome(State.SENT, 250, "2.0.0 ok", attempted=True)
LOST_REPLY = Outcome(State.UNCERTAIN, None, UNCERTAIN_REPLY, attempted=True)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, settings: Settings) -> None:
    settings.DIGEST_DATA_DIR = tmp_path


def claimed(issue: Issue, limit: int = 10, name: str = "") -> Batch:
    """Claim at noon."""
    return claim_batch(issue, limit, NOON, journal=name)


def expire() -> None:
    """Let every lease run out, long ago."""
    Claim.objects.update(lease_until=LONG_AGO)


def states() -> list[str]:
    """Return the state of every delivery, by id."""
    return [State(row.state).label for row in Delivery.objects.order_by("pk")]


def test_a_claim_takes_what_is_due_and_nothing_else() -> None:
    """In order, up to the limit, from this issue, not from the future."""
    issue, _other = make_running(4), make_running(1)
    later = Delivery.objects.filter(issue=issue).latest("pk")
    Delivery.objects.filter(pk=later.pk).update(due_at=NOON + HOUR)
    assert len(claimed(issue, 2).rows) == 2
    assert len(claimed(issue).rows) == 1
    assert claimed(issue).rows == []


def test_each_claim_has_a_fence_of_its_own() -> None:
    """And it only grows."""
    issue = make_running(2)
    assert claimed(issue, 1).fence < claimed(issue, 1).fence


def test_a_recorded_delivery_is_done() -> None:
    """With the server's reply, counted as an attempt, and never claimed again."""
    issue = make_running()
    batch = claimed(issue)
    assert ledger.record(batch, [(batch.rows[0].id, SENT)], NOON) == {batch.rows[0].id}
    row = Delivery.objects.get()
    assert (row.state, row.reply_code, row.settled_at) == (State.SENT, 250, NOON)
    assert (row.attempts, row.first_attempt_at) == (1, NOON)
    assert claimed(issue).rows == []


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ("unsubscribe", "The subscriber has unsubscribed."),
        ("pause", "The subscriber has paused."),
        ("suppress", "The address is suppressed: complaint"),
        ("suppress here", "The address is suppressed: complaint"),
    ],
)
def test_excluded_subscribers_get_nothing(action: str, reason: str, moment: str) -> None:
    """Excluded between planning and the claim, or after it: the recheck notices."""
    issue = make_running(2)
    batch = claimed(issue) if moment == "after" else None
    leaving, stays = Delivery.objects.select_related("subscriber").order_by("pk")
    assert leaving.subscriber
    if action == "unsubscribe":
        consent.unsubscribe(
            leaving.subscriber.pk, issue.newsletter_id, via="one-click", ip=None, now=NOON
        )
    elif action == "pause":
        subscription = Subscription.objects.filter(subscriber=leaving.subscriber)
        subscription.update(paused_until=NOON + HOUR)
    else:
        Suppression.objects.create(
            address_key=leaving.subscriber.email,
            newsletter=issue.newsletter if action == "suppress here" else None,
            reason="complaint",
            created_at=NOON,
        )
    if batch:
        result = ledger.recheck(batch, batch.rows, NOON)
        assert result.sendable == {stays.pk}
        assert result.suppressed == 1
    else:
        batch = claimed(issue)
        assert ([row.id for row in batch.rows], batch.suppressed) == ([stays.pk], 1)
    leaving.refresh_from_db()
    assert (leaving.state, leaving.reply, leaving.attempts) == (State.SUPPRESSED, reason, 0)


@pytest.mark.parametrize(
    "change",
    [{"state": Issue.State.PAUSED}, {"state": Issue.State.CANCELLED}, {"revision": 7}],
    ids=["paused", "cancelled", "changed"],
)
def test_a_stopped_issue_sends_nothing_more(change: dict[str, Any]) -> None:
    """What was claimed is due again; where a story was retracted, without the story."""
    issue = make_running()
    batch = claimed(issue)
    Issue.objects.update(**change)
    result = ledger.recheck(batch, batch.rows, NOON)
    assert (result.sendable, result.is_sending, result.is_ours) == (frozenset(), False, True)
    ledger.release(batch)
    assert states() == ["queued"]


def test_a_frozen_worker_finds_its_claim_gone() -> None:
    """Another worker has it; the first may neither send nor record."""
    issue = make_running()
    first = claimed(issue)
    expire()
    sweeping.sweep(NOON)
    sweeping.sweep(NOON)
    second = claimed(issue)
    assert not ledger.recheck(first, first.rows, NOON).is_ours
    assert not ledger.record(first, [(first.rows[0].id, SENT)], NOON)
    assert ledger.recheck(second, second.rows, NOON).sendable == {second.rows[0].id}


def test_an_expired_lease_alone_stops_its_holder() -> None:
    """Even before a sweep."""
    batch = claimed(make_running())
    expire()
    assert not ledger.recheck(batch, batch.rows, NOON).is_ours
    assert ledger.renew([batch.fence]) == frozenset()


def test_a_renewed_lease_lasts() -> None:
    """The heartbeat extends it."""
    batch = claimed(make_running())
    before = Claim.objects.get().lease_until
    assert ledger.renew([batch.fence]) == {batch.fence}
    assert Claim.objects.get().lease_until >= before


def make_dead(issue: Issue, *, frozen: bool = False) -> tuple[Batch, Journal]:
    """Claim four for a sender that got as far as the third, and ended."""
    book = Journal()
    batch = claimed(issue, name=book.name)
    keys = [row.id for row in batch.rows]
    book.record([], keys[:3])
    book.record([(keys[0], Reply(250, "2.0.0 Ok: queued as 7F"))], [])
    book.record_unsent(keys[2])
    if not frozen:
        book.__exit__(None, None, None)
    return batch, book


@pytest.mark.parametrize("frozen", [False, True])
def test_a_dead_senders_journal_says_how_far_it_got(*, frozen: bool) -> None:
    """Sent, uncertain, withdrawn, never begun. For a frozen sender, once its lease has expired."""
    issue = make_running(4, newsletter=make_newsletter(uncertain="hold"))
    _, book = make_dead(issue, frozen=frozen)
    if frozen:
        assert sweeping.sweep(NOON).requeued == 0
        expire()
    swept = sweeping.sweep(NOON)
    assert (swept.settled, swept.uncertain, swept.requeued) == (1, 1, 2)
    assert states() == ["sent", "uncertain", "queued", "queued"]
    first, second = Delivery.objects.order_by("pk")[:2]
    assert (first.reply, first.attempts) == ("2.0.0 Ok: queued as 7F", 1)
    assert (second.times_uncertain, second.attempts) == (1, 1)
    assert list(journal.folder().iterdir()) == ([journal._path(book.name)] if frozen else [])


def test_the_journal_of_a_living_sender_is_left_alone() -> None:
    """It has a lock on it, whatever else happens."""
    issue = make_running(4)
    make_dead(issue, frozen=True)
    assert sweeping.sweep(NOON).requeued == 0
    assert states() == ["claimed"] * 4


def test_an_incomplete_line_of_a_journal_is_ignored() -> None:
    """What it would have begun had not left."""
    issue = make_running(4, newsletter=make_newsletter(uncertain="hold"))
    batch, book = make_dead(issue)
    with journal._path(book.name).open("ab") as file:
        file.write(f"b {batch.rows[3].id}".encode())
    sweeping.sweep(NOON)
    assert states() == ["sent", "uncertain", "queued", "queued"]


@pytest.mark.parametrize("line_count", [0, 1, 4, 5])
def test_what_a_power_loss_may_have_cut_off_a_journal_is_uncertain(line_count: int) -> None:
    """All without a reply, withdrawn or never mentioned too: lines are not synced."""
    issue = make_running(4, newsletter=make_newsletter(uncertain="hold"))
    _, book = make_dead(issue)
    earlier = f"{'0' * 16}-{book.name.partition('-')[2]}"  # of another boot
    lines = journal._path(book.name).read_bytes().splitlines(keepends=True)
    assert len(lines) == 5
    journal._path(book.name).unlink()
    journal._path(earlier).write_bytes(b"".join(lines[:line_count]))
    Claim.objects.update(journal=earlier)
    assert sweeping.sweep(NOON).requeued == 0
    assert states() == ["sent" if line_count >= 4 else "uncertain", *["uncertain"] * 3]
    assert not Claim.objects.exists()
    assert not list(journal.folder().iterdir())


def test_a_journal_names_the_boot_in_which_it_was_written() -> None:
    """The same for all processes of this machine until it is started again."""
    with Journal() as book, Journal() as other:
        assert book.name != other.name
        assert journal.is_whole(book.name)
        assert journal.is_whole(other.name)
    script = "from digest.sending import journal; print(journal._boot())"
    boot = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    )
    assert book.name.startswith(f"{boot.stdout.strip()}-")


def test_claims_of_a_missing_machine_are_uncertain() -> None:
    """Once it has had time to come back."""
    issue = make_running(2, newsletter=make_newsletter(uncertain="hold"))
    claimed(issue, name="elsewhere")
    expire()
    assert sweeping.sweep(NOON).uncertain == 2
    assert states() == ["uncertain", "uncertain"]
    assert not Claim.objects.exists()


def test_deliveries_without_a_claim_are_uncertain() -> None:
    """This should never happen; but a row that no sweep settles would wait for ever."""
    issue = make_running(2, newsletter=make_newsletter(uncertain="hold"))
    ledger.drop(claimed(issue, 1).fence)
    other = claimed(issue, 1)
    assert sweeping.sweep(NOON).uncertain == 1
    assert states() == ["uncertain", "claimed"]
    assert ledger.is_claimed("")
    assert other.rows


@pytest.mark.parametrize(("policy", "expected"), [("hold", "uncertain"), ("resend", "queued")])
def test_uncertain_deliveries_are_held_or_sent_again(policy: str, expected: str) -> None:
    """As the newsletter says."""
    issue = make_running(4, newsletter=make_newsletter(uncertain=policy))
    make_dead(issue)
    sweeping.sweep(NOON)
    assert states() == ["sent", expected, "queued", "queued"]
    assert Delivery.objects.order_by("pk")[1].times_uncertain == 1


def test_a_late_reply_settles_an_uncertain_delivery() -> None:
    """The worker was only frozen. It counts as one attempt."""
    issue = make_running(4, newsletter=make_newsletter(uncertain=UncertainPolicy.HOLD))
    batch, _ = make_dead(issue, frozen=True)
    expire()
    sweeping.sweep(NOON)
    key = batch.rows[1].id
    assert ledger.record(batch, [(key, SENT)], NOON) == {key}
    row = Delivery.objects.get(pk=key)
    assert (row.state, row.attempts, row.times_uncertain) == (State.SENT, 1, 1)


def test_a_withdrawn_delivery_is_not_an_attempt() -> None:
    """The relay was down. The delivery goes behind the others."""
    issue = make_running(2)
    batch = claimed(issue, 1)
    [row] = batch.rows
    ledger.record(batch, [(row.id, Outcome(State.QUEUED, None, "", NOON))], NOON)
    back = Delivery.objects.get(pk=row.id)
    assert (back.state, back.attempts, back.fence) == (State.QUEUED, 0, None)
    assert back.first_attempt_at is None  # days of an absent relay bring nobody nearer to giving up
    assert [other_row.id for other_row in claimed(issue, 1).rows] != [row.id]


def uncertain(issue: Issue) -> Batch:
    """Claim one, and lose the relay's reply."""
    batch = claim_batch(issue, 1, NOON + HOUR)
    ledger.record(batch, [(batch.rows[0].id, LOST_REPLY)], NOON)
    ledger.drop(batch.fence)
    return batch


def test_a_message_that_is_always_uncertain_is_left_to_a_person() -> None:
    """Sent again at once, then after longer waits, then not any more; the issue can end."""
    issue = make_running(newsletter=make_newsletter(uncertain="resend"))
    waits = []
    for _ in range(sweeping.MOST_TIMES_UNCERTAIN):
        uncertain(issue)
        assert sweeping.sweep(NOON).finished == []
        waits.append(Delivery.objects.get().due_at - NOON)
    assert waits == [0 * HOUR, sweeping.UNCERTAIN_WAIT, 2 * sweeping.UNCERTAIN_WAIT]
    uncertain(issue)
    assert sweeping.sweep(NOON).finished == [issue]
    assert states() == ["uncertain"]


def test_a_late_try_again_opens_a_finished_issue() -> None:
    """Otherwise the subscriber would wait for ever in a finished issue."""
    issue = make_running(newsletter=make_newsletter(uncertain="hold"))
    batch = uncertain(issue)
    assert sweeping.sweep(NOON).finished == [issue]
    later = Outcome(State.DEFERRED, 451, "4.3.0 later", NOON + HOUR)
    assert ledger.record(batch, [(batch.rows[0].id, later)], NOON)
    assert sweeping.sweep(NOON).finished == []
    issue.refresh_from_db()
    assert (issue.state, issue.finished_at) == (Issue.State.SENDING, None)


def test_an_issue_is_finished_when_nothing_is_pending() -> None:
    """Not while anything is deferred; uncertain deliveries do not prevent it."""
    issue = make_running(3, newsletter=make_newsletter(uncertain="hold"))
    Delivery.objects.update(state=State.SENT, settled_at=NOON)
    deferred = Delivery.objects.latest("pk")
    Delivery.objects.filter(pk=deferred.pk).update(state=State.DEFERRED, settled_at=None)
    assert sweeping.sweep(NOON).finished == []
    Delivery.objects.filter(pk=deferred.pk).update(state=State.UNCERTAIN, times_uncertain=1)
    assert sweeping.sweep(NOON + HOUR).finished == [issue]
    issue.refresh_from_db()
    assert (issue.state, issue.finished_at) == (Issue.State.SENT, NOON + HOUR)


def test_the_numbers_add_up() -> None:
    """Eligible is the sum of all others; the tally equals the rows, at every step."""
    issue, other = make_running(8), make_running(3)
    for row, state in zip(Delivery.objects.filter(issue=issue), State, strict=True):
        Delivery.objects.filter(pk=row.pk).update(state=state, settled_at=NOON, fence=1)
        assert progress(issue) == balance(issue)
    counted = progress(issue)
    assert counted.eligible == 8
    assert (counted.waiting, counted.settled) == (3, 5)
    Delivery.objects.filter(issue=other).latest("pk").delete()
    assert progress(other) == Progress(queued=2)


def test_a_long_tally_is_compacted() -> None:
    """The sums stay."""
    issue = make_running(60)
    for row in Delivery.objects.all():
        Delivery.objects.filter(pk=row.pk).update(state=State.SENT, settled_at=NOON)
    before = progress(issue)
    compact()
    assert Tally.objects.count() > 60  # the last minute's are kept
    Tally.objects.update(at=Now() - timedelta(hours=1))  # of the statement, not the transaction
    compact()
    assert progress(issue) == before == Progress(sent=60)
    assert Tally.objects.count() <= len(State)


@pytest.mark.real_clock  # the database says when a delivery is counted
def test_the_pace_is_that_of_the_last_minute() -> None:
    """From it follows when the last first attempt will be done."""
    issue, now = make_running(40), clock.now()
    assert pace(issue, progress(issue), now) == Pace()
    ids = list(Delivery.objects.values_list("pk", flat=True))
    for batch_ids, ago in ((ids[:5], 90), (ids[5:15], 20), (ids[15:20], 5)):
        Tally.objects.filter(at__gt=now - timedelta(seconds=1)).update(at=LONG_AGO)
        Delivery.objects.filter(pk__in=batch_ids).update(state=State.SENT, settled_at=NOON)
        Tally.objects.filter(at__gt=now - timedelta(seconds=1)).update(
            at=now - timedelta(seconds=ago)
        )
    measured = pace(issue, progress(issue), now)
    assert measured.per_second == pytest.approx(15 / 20, rel=0.1)
    assert measured.ends_at is not None
    assert (measured.ends_at - now).total_seconds() == pytest.approx(20 / 0.75, rel=0.1)
    later = now + timedelta(hours=2)
    Delivery.objects.filter(pk=ids[-1]).update(due_at=later)
    assert pace(issue, progress(issue), now).ends_at == later
    Issue.objects.filter(pk=issue.pk).update(state=Issue.State.PAUSED)
    issue.refresh_from_db()
    assert pace(issue, progress(issue), now) == Pace()


def test_a_wrong_tally_is_corrected() -> None:
    """At the end of the issue, by counting the rows."""
    issue = make_running(2)
    Tally.objects.create(issue_id=issue.pk, state=State.SENT, deliveries=5)
    assert balance(issue) == Progress(queued=2)
    assert progress(issue) == Progress(queued=2)


@pytest.mark.django_db(transaction=True)
def test_two_claim_at_once_and_share_nothing() -> None:
    """SKIP LOCKED gives each its own rows."""
    issue = make_running(40)

    def work() -> list[int]:
        return [row.id for _ in range(4) for row in claimed(issue, 5).rows]

    first, second = run_at_once(work, work)
    assert len(first) + len(second) == 40
    assert not set(first) & set(second)
