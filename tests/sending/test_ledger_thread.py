"""Sockets do not wait for the ledger, and nothing is lost or sent twice because of that."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from digest.issues.models import Issue
from digest.relays.rate_limits import RateLimiter
from digest.sending import journal, ledger, sender
from digest.sending.claiming import Batch
from digest.sending.models import Claim, Delivery, SentDelivery
from digest.sending.progress import Progress, balance, progress
from digest.sending.sender import outbox
from digest.sending.sender.claims import SMALLEST
from digest.sending.sender.ledger_thread import LedgerThread
from tests.cast import NOON, make_running
from tests.sending.claiming import put_into_chunks
from tests.sending.relays import AddRelay
from tests.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db

State = Delivery.State


def make_untried(subscribers: int) -> Issue:
    """An issue being sent, none of whose deliveries has a row."""
    issue = make_running(subscribers)
    put_into_chunks(issue)
    return issue


def send_on_its_own() -> dict[Delivery.State, int]:
    """Send on a connection of its own."""
    try:
        return sender.send_due().counts
    finally:
        connection.close()


def test_work_is_done_in_order_over_the_senders_connection() -> None:
    """What the sender has not committed is seen by the thread; each piece has its turn."""
    issue = make_running(1)
    with LedgerThread() as thread:
        names = thread.submit(lambda: list(Issue.objects.values_list("pk", flat=True)))
        assert names.result() == [issue.pk]
        failing = thread.submit(lambda: Issue.objects.get(pk=0))
        with pytest.raises(Issue.DoesNotExist):
            failing.result()
        with thread.turn:
            waiting = thread.submit(Issue.objects.count)
            time.sleep(0.05)
            assert not waiting.done()
        assert waiting.result() == 1
    assert Issue.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_mail_leaves_while_the_ledger_waits(
    add_relay: AddRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next batch is claimed already; what was sent is recorded as soon as that is possible."""
    monkeypatch.setattr(outbox, "CHECK_SECONDS", 60)  # which would need the ledger, too
    _, server = add_relay("ours")
    issue = make_untried(2 * SMALLEST + 20)
    journals = set(journal.folder().glob("*"))  # of tests in which a sender died
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE sending_sentdelivery IN SHARE MODE")  # nobody can append
            sending = pool.submit(send_on_its_own)
            wait_for(server, 2 * SMALLEST)
            assert not SentDelivery.objects.exists()
        assert sending.result(20) == {State.SENT: 2 * SMALLEST + 20}
    assert progress(issue) == balance(issue) == Progress(sent=2 * SMALLEST + 20)
    assert set(Counter(server.recipients).values()) == {1}
    assert not Claim.objects.exists()
    assert set(journal.folder().glob("*")) == journals


def wait_for(server: SmtpServer, messages: int) -> None:
    """Wait until a relay has so many messages."""
    give_up = time.monotonic() + 20
    while len(server.received) < messages:
        assert time.monotonic() < give_up, f"only {len(server.received)} messages"
        time.sleep(0.02)


def test_what_was_claimed_ahead_is_due_again_when_the_time_is_over(
    add_relay: AddRelay, settings: Settings
) -> None:
    """At once, for whoever sends next."""
    settings.DIGEST_SEND_SECONDS = 1
    add_relay("slow", delay=0.1)
    issue = make_untried(3 * SMALLEST)
    sent = sender.send_due().counts.get(State.SENT, 0)
    assert sent < 2 * SMALLEST
    assert progress(issue) == balance(issue) == Progress(sent=sent, queued=3 * SMALLEST - sent)
    assert not Claim.objects.exists()
    assert list(ledger.due_issues(NOON)) == [issue]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sends_away", [False, True])
def test_the_rest_is_due_again_while_the_last_replies_are_awaited(
    add_relay: AddRelay, settings: Settings, *, sends_away: bool
) -> None:
    """Once the time is over, or the relay sends us away: it may take ten minutes to reply."""
    settings.DIGEST_SEND_SECONDS = 60 if sends_away else 1
    issue = make_untried(3 * SMALLEST)
    queued: list[int] = []
    conversations = count()

    def greet(_: str) -> str | None:
        return "421 4.3.2 Later" if next(conversations) and sends_away else None

    def wait_until_released(_: str) -> None:
        """Withhold the reply until another sender could have nearly all."""
        give_up = time.monotonic() + 10
        try:
            while (waiting := progress(issue).queued) < 2.5 * SMALLEST:
                if time.monotonic() > give_up:
                    break
                time.sleep(0.05)
        finally:
            connection.close()
        queued.append(waiting)

    add_relay("slow", {"mail": greet, "end": wait_until_released})
    sent = sender.send_due().counts[State.SENT]
    assert min(queued) >= 2.5 * SMALLEST
    assert progress(issue) == balance(issue) == Progress(sent=sent, queued=3 * SMALLEST - sent)
    assert not Claim.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_replies_are_recorded_and_connections_given_back_where_nothing_can_be_released(
    add_relay: AddRelay, settings: Settings
) -> None:
    """The database fails at the end of the run; what was claimed waits for the sweep."""
    settings.DIGEST_SEND_SECONDS = 1
    relay, server = add_relay("ours", delay=0.1, connections=2)
    issue = make_running(SMALLEST)
    with connection.cursor() as cursor:
        cursor.execute(FAIL_TO_RELEASE.format(claimed=State.CLAIMED, queued=State.QUEUED))
    try:
        sender.send_due()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION fail_to_release CASCADE")
    assert 0 < len(server.received) < SMALLEST
    assert progress(issue).sent == len(server.received)
    assert Claim.objects.exists()
    assert RateLimiter(relay, "another").reserve_connections(2) == 2


FAIL_TO_RELEASE = """
CREATE FUNCTION fail_to_release() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE 'terminating connection' USING ERRCODE = 'admin_shutdown';
END $$;
CREATE TRIGGER fail_to_release BEFORE UPDATE ON sending_delivery
FOR EACH ROW WHEN (OLD.state = {claimed} AND NEW.state = {queued})
EXECUTE FUNCTION fail_to_release();
"""


@pytest.mark.parametrize(("limit", "claims_ahead"), [(None, 1), (60_000, 0)])
def test_nothing_is_claimed_ahead_of_a_limit(
    add_relay: AddRelay,
    monkeypatch: pytest.MonkeyPatch,
    limit: int | None,
    claims_ahead: int,
) -> None:
    """What is claimed uses the limit up, for the other senders too."""
    claimed: list[int] = []
    claims_at_end: list[int] = []  # of each message
    claim = ledger.claim

    def claim_and_note(*details: Any) -> Batch:
        batch = claim(*details)
        claimed.append(len(batch.rows))
        return batch

    def note(_: str) -> None:
        claims_at_end.append(len(claimed))

    monkeypatch.setattr(ledger, "claim", claim_and_note)
    add_relay("ours", {"end": note}, per_minute=limit, delay=0.02)
    make_untried(2 * SMALLEST)
    assert sender.send_due().counts == {State.SENT: 2 * SMALLEST}
    assert claimed[:2] == [SMALLEST, SMALLEST]
    assert claims_at_end[SMALLEST // 2] == 1 + claims_ahead
