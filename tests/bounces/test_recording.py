"""What follows from bounces and complaints."""

from datetime import timedelta

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from digest.bounces import recording, surges
from digest.bounces.models import Bounce
from digest.bounces.reading.reasons import Consequence, Reason
from digest.bounces.reading.report import Tokens
from digest.bounces.tracing import trace
from digest.core import clock, links
from digest.notices.models import Notice
from digest.relays.models import PausedDomain
from digest.sending.models import Delivery
from digest.subscribers import suppression
from digest.subscribers.models import AddressChange, Subscriber, Suppression
from tests.bounces.factories import DAY, make_finding, make_sent
from tests.cast import NOON, make_member, make_newsletter, make_running, make_subscriber
from tests.sending.conftest import add_relay  # noqa: F401  a fixture
from tests.sending.relays import AddRelay

pytestmark = pytest.mark.django_db

FULL = make_finding(Reason.MAILBOX_FULL, status="5.2.2", text="552 5.2.2 Quota exceeded")
BLOCKED = make_finding(Reason.BLOCKED, status="5.7.1", text="550 5.7.1 blocked")
COMPLAINT = make_finding(Reason.FEEDBACK, status="", text="Feedback-Type: abuse")


@pytest.fixture
def subscriber() -> Subscriber:
    """Somebody who subscribes to the Morning Tide."""
    return make_subscriber(make_newsletter())


def test_a_hard_bounce_suppresses_at_once(subscriber: Subscriber) -> None:
    """For every newsletter, with its evidence."""
    issue = make_sent(subscriber)
    bounce = recording.record(subscriber, issue, make_finding(reporter="mx.example"), NOON)
    assert bounce is not None
    assert (bounce.consequence, bounce.suppressed) == ("hard", True)
    row = Suppression.objects.get(address_key=subscriber.address_key)
    assert (row.newsletter, row.reason) == (None, suppression.BOUNCED)
    for part in ("userunknown", "550 5.1.1 User unknown", f"issue {issue.pk}", "mx.example"):
        assert part in row.evidence


def test_a_report_costs_few_calls(
    subscriber: Subscriber, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """Both rows of the trace in one, what is stored in one, the bounce and the suppression."""
    issue = make_sent(subscriber)
    token = links.bounce_token(issue, subscriber)
    with django_assert_max_num_queries(4):
        mail = trace(Tokens(), token)
        assert mail is not None
        assert (mail.subscriber, mail.issue) == (subscriber, issue)
        recording.record(mail.subscriber, mail.issue, make_finding(), NOON)
    assert Suppression.objects.count() == 1


def test_a_soft_bounce_costs_no_more(
    subscriber: Subscriber, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """What was sent before is read only where the subscriber has bounced for two weeks."""
    for number in range(3):
        at = NOON + number * DAY
        issue = make_sent(subscriber, at)
        with django_assert_max_num_queries(2):
            recording.record(subscriber, issue, FULL, at)
    assert Bounce.objects.count() == 3


def test_a_report_that_comes_again_costs_little(
    subscriber: Subscriber, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """Ten thousand reports about one address: one question each, no lock, no further row."""
    issue = make_sent(subscriber)
    recording.record(subscriber, issue, make_finding(), NOON)
    for finding in (make_finding(), FULL, BLOCKED):
        with django_assert_max_num_queries(1):
            assert recording.record(subscriber, issue, finding, NOON) is None
    assert Bounce.objects.count() == 1


def test_a_complaint_suppresses_at_once(subscriber: Subscriber) -> None:
    """And counts against the issue, beside a bounce of the same mail."""
    issue = make_sent(subscriber)
    recording.record(subscriber, issue, FULL, NOON)
    recording.record(subscriber, issue, COMPLAINT, NOON)
    assert Suppression.objects.get().reason == suppression.COMPLAINED
    assert issue.bounces.filter(is_complaint=True).count() == 1
    assert issue.bounces.count() == 2


@pytest.mark.parametrize("finding", [BLOCKED, FULL, make_finding(permanent=False)])
def test_nothing_else_suppresses_at_once(
    subscriber: Subscriber, finding: recording.Finding
) -> None:
    """Neither our own fault, nor a full mailbox, nor "unknown" for now."""
    recording.record(subscriber, make_sent(subscriber), finding, NOON)
    assert not Suppression.objects.exists()


def test_the_same_report_changes_nothing(subscriber: Subscriber) -> None:
    """Ten thousand times, and after an editor has lifted the suppression."""
    issue = make_sent(subscriber)
    assert recording.record(subscriber, issue, make_finding(), NOON) is not None
    suppression.lift(subscriber.address_key)
    for _ in range(50):
        assert recording.record(subscriber, issue, make_finding(), NOON) is None
    assert (Bounce.objects.count(), Suppression.objects.count()) == (1, 0)


def test_the_most_severe_report_counts(subscriber: Subscriber) -> None:
    """In either order."""
    first, second = make_sent(subscriber), make_sent(subscriber, NOON + DAY)
    for finding in (FULL, make_finding()):
        recording.record(subscriber, first, finding, NOON)
    for finding in (make_finding(), FULL):
        recording.record(subscriber, second, finding, NOON)
    assert set(Bounce.objects.values_list("consequence", flat=True)) == {"hard"}


def test_soft_bounces_suppress_after_a_while(subscriber: Subscriber) -> None:
    """A full mailbox for two weeks of a daily newsletter; not a day earlier."""
    for number in range(15):
        assert not Suppression.objects.exists(), number
        at = NOON + number * DAY
        recording.record(subscriber, make_sent(subscriber, at), FULL, at)
    assert "mailboxfull" in Suppression.objects.get().evidence


def test_a_good_delivery_resets_the_score(subscriber: Subscriber) -> None:
    """One of the issues arrived, and did not come back in six days."""
    for number in range(20):
        at = NOON + number * DAY
        issue = make_sent(subscriber, at)
        if number != 5:
            recording.record(subscriber, issue, FULL, at)
    assert not Suppression.objects.exists()


def test_a_forwarded_mail_is_soft(subscriber: Subscriber) -> None:
    """The report is about another mailbox: the subscriber's own may well exist."""
    issue = make_sent(subscriber)
    finding = make_finding(recipient="somebody@elsewhere.example")
    bounce = recording.record(subscriber, issue, finding, NOON)
    assert bounce is not None
    assert bounce.consequence == Consequence.SOFT


@pytest.mark.parametrize(
    ("reported", "email", "is_same"),
    [
        ("", "kim@mailbox.example", True),
        ("kim@mx.mailbox.example", "kim@mailbox.example", True),
        ("KIM+news@mailbox.example", "kim@mailbox.example", True),
        ("u1234@mailbox.example", "kim@mailbox.example", True),
        ("u1234@elsewhere.example", "kim@mailbox.example", False),
    ],
)
def test_servers_rewrite_addresses(reported: str, email: str, *, is_same: bool) -> None:
    """One of the two parts has to be equal."""
    assert recording.is_same_mailbox(reported, email) is is_same


def test_a_former_address_means_nothing(subscriber: Subscriber) -> None:
    """The subscriber has another one since the mail was sent."""
    issue = make_sent(subscriber)
    AddressChange.objects.create(
        subscriber=subscriber,
        email="new@mailbox.example",
        address_key="new@mailbox.example",
        requested_at=NOON,
        confirmed_at=NOON + timedelta(hours=1),
    )
    assert recording.record(subscriber, issue, make_finding(), NOON + DAY) is None
    assert not Suppression.objects.exists()


def make_large(number: int, domain: str = "wall.example") -> tuple[list[Subscriber], Delivery]:
    """An issue that was sent to many subscribers at one domain."""
    issue = make_running(number)
    for place, subscriber in enumerate(Subscriber.objects.filter(deliveries__issue=issue)):
        email = f"r{place}@{domain}"
        Subscriber.objects.filter(pk=subscriber.pk).update(email=email, address_key=email)
    issue.deliveries.update(state=Delivery.State.SENT, settled_at=clock.now())
    surges._counts.clear()
    first = issue.deliveries.first()
    assert first is not None
    return list(Subscriber.objects.filter(deliveries__issue=issue).order_by("pk")), first


@pytest.mark.usefixtures("add_relay")
def test_reports_of_a_relay_that_queues_pause_the_domain(
    add_relay: AddRelay,  # noqa: F811
) -> None:
    """Twenty in an hour that are a third of its mails: as when it refused at once."""
    relay, _ = add_relay("main")
    make_member(None, "editor", email="ed@courier.example")
    subscribers, delivery = make_large(40)
    for number, subscriber in enumerate(subscribers[:20]):
        assert PausedDomain.objects.exists() is (number >= 20)
        recording.record(subscriber, delivery.issue, BLOCKED, clock.now())
    pause = PausedDomain.objects.get()
    assert (pause.relay, pause.domain, pause.reason) == (
        relay,
        "wall.example",
        "550 5.7.1 blocked",
    )
    assert Notice.objects.filter(kind=Notice.Kind.PAUSED).exists()
    assert not Suppression.objects.exists()


def test_a_domain_that_calls_everybody_unknown_is_not_believed() -> None:
    """From the twenty-first on they count as soft: a third of a domain does not vanish."""
    subscribers, delivery = make_large(60)
    for subscriber in subscribers[:30]:
        recording.record(subscriber, delivery.issue, make_finding(), clock.now())
    assert Suppression.objects.count() == 20
    assert Bounce.objects.filter(consequence=Consequence.SOFT).count() == 10


def test_a_tenth_of_a_domain_may_vanish() -> None:
    """Old lists have that many."""
    subscribers, delivery = make_large(300)
    for subscriber in subscribers[:30]:
        recording.record(subscriber, delivery.issue, make_finding(), clock.now())
    assert Suppression.objects.count() == 30


def test_a_count_of_deliveries_does_not_age() -> None:
    """A tenth of a domain is not a surge while the issue is sent, however fast both grow."""
    subscribers, delivery = make_large(400)
    deliveries = delivery.issue.deliveries
    later = [row.pk for row in subscribers[220:]]
    deliveries.filter(subscriber__in=later).update(state=Delivery.State.QUEUED, settled_at=None)
    for number, subscriber in enumerate(subscribers[:70]):
        if number == 40:  # all of them are out by now
            deliveries.update(state=Delivery.State.SENT, settled_at=clock.now())
        recording.record(subscriber, delivery.issue, make_finding(), clock.now())
    assert Suppression.objects.count() == 70


def test_an_erased_subscriber_takes_their_bounces_along(subscriber: Subscriber) -> None:
    """Only the hash of a suppressed address stays, without evidence."""
    from digest.selfservice import erasure

    recording.record(subscriber, make_sent(subscriber), make_finding(), NOON)
    erasure.erase(subscriber.pk, NOON)
    assert not Bounce.objects.exists()
    assert set(Suppression.objects.values_list("evidence", flat=True)) == {""}
