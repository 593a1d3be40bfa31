"""Several relays: whose mail each carries, which takes over, what each lets through."""

from collections import Counter
from itertools import pairwise

import pytest
from django.db.models import F
from pytest_django.fixtures import Settings

from digest.core import addresses, clock, sealing
from digest.core.errors import ConfigurationError
from digest.issues.models import Issue
from digest.notices import send
from digest.notices.models import Notice
from digest.relays import rate_limits, registry
from digest.relays.models import Relay
from digest.relays.registry import RelayOptions
from digest.relays.warming import Warming
from digest.selfservice import signups
from digest.sending import domain_pauses, sender
from digest.sending.models import Delivery
from digest.sending.progress import progress
from digest.subscribers.models import Subscriber
from tests.cast import make_member, make_newsletter, make_publication, make_running
from tests.sending.relays import AddRelay, make_all_due, move_subscribers
from tests.smtp_server import Script, SmtpServer

pytestmark = pytest.mark.django_db
State = Delivery.State


def test_mail_goes_through_the_relay_of_its_sender(add_relay: AddRelay) -> None:
    """And never through another publication's."""
    issue = make_running(5)
    domain = issue.newsletter.publication.sender_domain
    _, right = add_relay("right", sender_domains=[domain])
    _, other = add_relay("other", sender_domains=["else.example"], weight=100)
    _, general = add_relay("anyone", weight=100)
    assert sender.send_due().counts == {State.SENT: 5}
    assert (len(right.received), len(other.received), len(general.received)) == (5, 0, 0)


def test_an_issue_without_a_relay_is_paused_with_the_reason(add_relay: AddRelay) -> None:
    """It would wait for ever otherwise, and nobody would know."""
    issue = make_running(2)
    add_relay("other", sender_domains=["else.example"])
    assert sender.send_due().total == 0
    issue.refresh_from_db()
    assert issue.state == Issue.State.PAUSED
    assert "No relay may send from" in issue.reason


def test_another_relay_takes_over_within_the_same_run(add_relay: AddRelay) -> None:
    """A relay that goes down in the middle loses nothing."""
    issue = make_running(20)
    recipients: list[str] = []

    def refuse_seventh(address: str) -> str | None:
        recipients.append(address)
        return "421 4.3.2 shutting down" if len(recipients) > 6 else None

    first, main = add_relay("first", {"rcpt": refuse_seventh}, weight=5)
    _, spare = add_relay("spare", weight=0)
    assert sender.send_due().counts == {State.SENT: 20}
    assert len(main.received) >= 1
    assert len(main.received) + len(spare.received) == 20
    received = [message.recipient for message in (*main.received, *spare.received)]
    assert len(set(received)) == 20
    first.refresh_from_db()
    assert first.failures == 1
    assert progress(issue).sent == 20


def test_a_relay_that_cannot_be_unsealed_stops_no_other(add_relay: AddRelay) -> None:
    """Its key is no longer set. If there is no other relay, the error says what to do."""
    make_running(2)
    unreachable, _ = add_relay("lost", weight=100)
    Relay.objects.filter(pk=unreachable.pk).update(sealed_url="nonsense")
    with pytest.raises(ConfigurationError, match="DIGEST_SECRET_KEY_FALLBACKS"):
        sender.send_due()
    _, other = add_relay("other")
    assert sender.send_due().counts == {State.SENT: 2}
    assert len(other.received) == 2


def test_a_relay_that_cannot_be_opened_is_down(add_relay: AddRelay) -> None:
    """Its failure is recorded for the editors, and another relay takes over within the same run."""
    make_member(None, "editor", email="ed@newsroom.example")
    make_running(2)
    broken, _ = add_relay("broken", weight=registry.MAX_NUMBER)
    Relay.objects.filter(pk=broken.pk).update(sealed_url=sealing.seal("anymail+nobody://key"))
    _, other = add_relay("other")
    assert sender.send_due().counts == {State.SENT: 2}
    broken.refresh_from_db()
    assert (broken.failures, broken.down_since is None) == (1, False)
    assert "anymail+" in broken.problem
    Relay.objects.update(retry_at=None)
    domain_pauses.pause_domain(broken, "wall.example", "no", clock.now())
    assert send.send_due().sent == 1
    assert len(other.received) == 3


def test_two_relays_share_the_work(add_relay: AddRelay, settings: Settings) -> None:
    """By their weights, run by run."""
    settings.DIGEST_SEND_SECONDS = 0.4
    make_running(60)
    _, first = add_relay("one", delay=0.3)
    _, second = add_relay("two", delay=0.3)
    while Delivery.objects.filter(state=0).exists():
        sender.send_due()
    assert len(first.received) + len(second.received) == 60
    assert min(len(first.received), len(second.received)) >= 4


def test_a_relay_that_is_off_carries_nothing(add_relay: AddRelay) -> None:
    """Until it is switched on again."""
    make_running(2)
    off, _ = add_relay("main", active=False)
    with pytest.raises(ConfigurationError, match="No mail server is set up"):
        sender.send_due()
    registry.change(off, "", RelayOptions(active=True))
    assert sender.send_due().counts == {State.SENT: 2}


def test_a_limit_a_minute_is_kept(add_relay: AddRelay) -> None:
    """What exceeds it waits, and no attempt is counted."""
    issue = make_running(30)
    _, server = add_relay("main", per_minute=60)  # ten at once
    sender.send_due()
    assert 10 <= len(server.received) <= 19  # one more a second, in a run of eight
    assert progress(issue).queued == 30 - len(server.received)
    assert set(Delivery.objects.filter(state=0).values_list("attempts", flat=True)) == {0}


def test_a_domains_limit_holds_that_domain_alone(add_relay: AddRelay) -> None:
    """Its messages get due times one after the other; the others are sent at once."""
    issue = make_running(40)
    move_subscribers(issue, "big.example", keep=10)
    _, server = add_relay("main", domain_limits={"big.example": 60})
    sender.send_due()
    by_domain = Counter(message.recipient.rpartition("@")[2] for message in server.received)
    assert by_domain["big.example"] == 10
    assert sum(by_domain.values()) == 20
    waiting = Delivery.objects.filter(state=0).order_by("due_at").values_list("due_at", flat=True)
    gaps = [(after - before).total_seconds() for before, after in pairwise(waiting)]
    assert len(waiting) == 20
    assert all(gap == pytest.approx(60 / 50, abs=0.01) for gap in gaps)  # 50 a minute beside the 10


def test_every_other_domain_has_a_limit_too(add_relay: AddRelay) -> None:
    """`*` is the limit of each other domain by itself."""
    issue = make_running(30)
    move_subscribers(issue, "one.example", keep=15)
    limits = {"*": 30}  # five at once, to each
    _, server = add_relay("main", domain_limits=limits)
    sender.send_due()
    by_domain = Counter(message.recipient.rpartition("@")[2] for message in server.received)
    assert set(by_domain.values()) == {5}
    assert by_domain["one.example"] == 5


def test_a_warm_up_limits_the_first_day(add_relay: AddRelay) -> None:
    """The pace of the first day, for the relay and for its largest domain."""
    make_running(30)
    today = clock.now().date()
    _, server = add_relay("new", warming=Warming(today, start=2_400, growth=2.0, until=10**6))
    sender.send_due()
    assert len(server.received) == 5  # a minute's pace of the domain's half: 1,200 in four hours


def test_connections_are_shared_by_all_workers(add_relay: AddRelay) -> None:
    """Who finds no seat sends nothing, and a seat that was left is taken."""
    make_running(10)
    relay, server = add_relay("main", connections=2)
    other = rate_limits.RateLimiter(relay, "somebody else")
    assert other.reserve_connections(4) == 2
    assert sender.send_due().total == 0
    other.release_connections()
    assert sender.send_due().counts == {State.SENT: 10}
    assert server.most_connections <= 2


def test_without_valkey_a_relay_with_limits_sends_nothing(
    add_relay: AddRelay, settings: Settings
) -> None:
    """One without limits goes on."""
    make_running(3)
    relay, _ = add_relay("main", per_minute=600)
    settings.DIGEST_REDIS_URL = "redis://127.0.0.1:1/0"
    settings.DIGEST_SEND_SECONDS = 2
    assert sender.send_due().total == 0
    registry.change(relay, "", RelayOptions(per_minute=0))
    assert sender.send_due().counts == {State.SENT: 3}


def test_a_notice_goes_through_the_relay_of_its_sender(add_relay: AddRelay) -> None:
    """While that is down, the notice waits for its next attempt, and none is counted."""
    make_member(None, "editor", email="ed@newsroom.example")
    issue = make_running(1)
    with SmtpServer() as stopped:
        pass
    domain = issue.newsletter.publication.sender_domain
    down = registry.add("down", stopped.url, RelayOptions(sender_domains=[domain]))
    domain_pauses.pause_domain(down, "wall.example", "no", clock.now())
    assert send.send_due().sent == 0
    down.refresh_from_db()
    notice = Notice.objects.get()
    assert (notice.state, notice.attempts, notice.due_at) == (0, 0, down.retry_at)
    _, spare = add_relay("spare", sender_domains=[domain], weight=0)
    Notice.objects.update(due_at=F("created_at"))
    assert send.send_due().sent == 1
    assert len(spare.received) == 1


@pytest.mark.parametrize(("weight", "state"), [(1, State.DEFERRED), (0, State.FAILED)])
def test_what_one_relay_cannot_take_is_left_to_another(
    add_relay: AddRelay, weight: int, state: Delivery.State
) -> None:
    """An address beyond ASCII waits for a relay with SMTPUTF8, where the sender has another one."""
    make_running(1)
    Subscriber.objects.update(email="josé@reader.example")
    plain, _ = add_relay("plain", weight=registry.MAX_NUMBER)
    script: Script = {"ehlo": lambda _: "250-test\r\n250 SMTPUTF8"}
    modern, server = add_relay("modern", script, weight=weight)
    assert sender.send_due().counts == {state: 1}
    registry.change(plain, "", RelayOptions(weight=1))
    registry.change(modern, "", RelayOptions(weight=registry.MAX_NUMBER))
    make_all_due()
    sender.send_due()
    assert server.recipients == ["josé@reader.example"] * (state == State.DEFERRED)


def test_only_senders_with_another_relay_wait_for_it(add_relay: AddRelay) -> None:
    """Whatever else is due: the relay of both senders leaves to another one what that one sends."""
    domains = ["shared.example", "alone.example"]
    issues = []
    for domain in domains:
        publication = make_publication(sender_email=f"news@{domain}")
        issue = make_running(1, newsletter=make_newsletter(publication=publication))
        Subscriber.objects.filter(deliveries__issue=issue).update(email=f"josé@{domain}")
        issues.append(issue)
    add_relay("plain", sender_domains=domains, weight=registry.MAX_NUMBER)
    add_relay("other", sender_domains=domains[:1])
    sender.send_due()
    states = [Delivery.objects.get(issue=issue).state for issue in issues]
    assert states == [State.DEFERRED, State.FAILED]


def test_notices_behind_a_limit_are_left_alone(add_relay: AddRelay) -> None:
    """Thousands of invitations are not claimed one by one, over and over, while none may go."""
    _, server = add_relay("main", per_minute=6)
    newsletter = make_newsletter()
    for number in range(6):
        address = addresses.parse(f"r{number}@reader.example")
        signups.invite(address, [newsletter], via="page", now=clock.now())
    run = send.send_due()
    assert run.sent == len(server.received) > 0
    assert run.unsent == 1
    due = Notice.objects.filter(state=Notice.State.QUEUED, due_at__lte=clock.now())
    assert due.count() == 6 - run.sent - run.unsent > 0
    _, other = add_relay("other")
    Notice.objects.update(due_at=F("created_at"))
    send.send_due()
    assert len(server.received) + len(other.received) == 6
