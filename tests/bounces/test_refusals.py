"""Refusals of the SMTP conversation, from the ledger to what follows."""

import pytest

from digest.bounces import refusals
from digest.bounces.models import Bounce, Refusal
from digest.core import clock
from digest.relays.retries import Outcome, outcome_of
from digest.relays.transports.base import Reply
from digest.sending import ledger, sender
from digest.sending.models import Delivery
from digest.sending.progress import progress
from digest.subscribers.models import Subscriber, Suppression
from tests.cast import NOON, make_running
from tests.sending.claiming import claim_batch
from tests.sending.conftest import add_relay  # noqa: F401  a fixture
from tests.sending.relays import AddRelay

pytestmark = pytest.mark.django_db(transaction=True)


def record(*outcomes: Outcome) -> list[Subscriber]:
    """Record one outcome for each subscriber of an issue; return them in this order."""
    issue = make_running(len(outcomes))
    batch = claim_batch(issue, len(outcomes), NOON)
    pairs = [(row.id, outcome) for row, outcome in zip(batch.rows, outcomes, strict=True)]
    ledger.record(batch, pairs, NOON)
    return [Subscriber.objects.get(pk=row.subscriber_id) for row in batch.rows]


def refused(code: int, text: str) -> Outcome:
    """What is recorded of such a reply."""
    return outcome_of(Reply(code, text), 1, NOON, NOON, 0)


def test_only_refusals_for_good_are_queued() -> None:
    """Not what was sent, waits, or never reached a server."""
    record(
        refused(250, "2.0.0 queued"),
        refused(451, "4.3.0 later"),
        refused(550, "5.1.1 User unknown"),
        Outcome(Delivery.State.FAILED, None, "The address cannot be written."),
    )
    assert [row.reply for row in Refusal.objects.all()] == ["5.1.1 User unknown"]


def test_a_refusal_has_the_same_consequence_as_a_report() -> None:
    """Unknown is suppressed; full is counted; blocked is our fault."""
    unknown, full, blocked = record(
        refused(550, "5.1.1 User unknown"),
        refused(552, "5.2.2 Quota exceeded"),
        refused(554, "5.7.1 Blocked using zen.spamhaus.org"),
    )
    assert refusals.settle_due() == 3
    assert refusals.settle_due() == 0
    consequences = dict(Bounce.objects.values_list("subscriber", "consequence"))
    assert consequences == {unknown.pk: "hard", full.pk: "soft", blocked.pk: "sender"}
    assert [row.address_key for row in Suppression.objects.all()] == [unknown.address_key]
    assert set(Bounce.objects.values_list("source", flat=True)) == {"smtp"}


def test_giving_up_is_soft() -> None:
    """Four days of "try again" are a mailbox or a server in trouble."""
    record(
        Outcome(
            Delivery.State.FAILED,
            450,
            "Given up after 9 attempts over 4 days. 4.1.1 User unknown",
            attempted=True,
        )
    )
    refusals.settle_due()
    assert Bounce.objects.get().consequence == "soft"


def test_an_erased_subscriber_is_passed_over() -> None:
    """They left between the refusal and its settling."""
    (subscriber,) = record(refused(550, "5.1.1 User unknown"))
    subscriber.delete()
    assert refusals.settle_due() == 1
    assert not Bounce.objects.exists()


def test_refusals_while_sending_suppress(add_relay: AddRelay) -> None:  # noqa: F811
    """From a real conversation to the suppression; the balance holds."""
    issue = make_running(10)
    lost = list(Subscriber.objects.order_by("pk").values_list("email", flat=True)[:3])
    script = {
        "rcpt": lambda address: "550 5.1.1 User unknown" if address in lost else None,
    }
    add_relay("main", script)
    sender.send_due()
    refusals.settle_due()
    assert sorted(Suppression.objects.values_list("address_key", flat=True)) == sorted(lost)
    counts = progress(issue)
    assert (counts.sent, counts.failed) == (7, 3)
    assert Bounce.objects.filter(at__lte=clock.now(), suppressed=True).count() == 3
