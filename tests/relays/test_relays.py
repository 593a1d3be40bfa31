"""Several relays: whose mail each carries, who takes over, what each lets through."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from itertools import pairwise

import pytest
import redis
from django.db.models import F
from pytest_django.fixtures import Settings

from digest.accounts.models import User
from digest.core import clock, sealing
from digest.core.errors import ConfigurationError
from digest.issues.models import Issue
from digest.notices import send
from digest.notices.models import Notice
from digest.relays import pausing, rate_limits, registry, routes
from digest.relays.errors import RelayError
from digest.relays.models import PausedDomain, Relay
from digest.relays.registry import RelayOptions
from digest.relays.throttles import buckets
from digest.relays.warming import Warming
from digest.sending import domain_pauses, sender, sweeping
from digest.sending.models import Delivery
from digest.sending.progress import progress
from digest.subscribers.models import Subscriber
from tests.cast import LONG_AGO, NOON, make_running
from tests.smtp_server import Script, SmtpServer

pytestmark = pytest.mark.django_db
State = Delivery.State
Start = Callable[..., tuple[Relay, SmtpServer]]


@pytest.fixture
def a_relay(settings: Settings) -> Iterator[Start]:
    """Add a relay by name, with a scripted server behind it; there is no other."""
    settings.DIGEST_SMTP_URL = ""
    with redis.Redis.from_url(settings.DIGEST_REDIS_URL) as valkey:
        valkey.set(buckets.BORN, 1)  # it has been there for long: buckets are full
    with ExitStack() as stack:

        def start(
            name: str, script: Script | None = None, *, delay: float = 0, **terms: object
        ) -> tuple[Relay, SmtpServer]:
            server = stack.enter_context(SmtpServer(script, delay=delay))
            return registry.add(name, server.url, RelayOptions(**terms)), server  # type: ignore[arg-type]

        yield start


def moved(issue: Issue, domain: str, keep: int = 0) -> None:
    """Let all subscribers of an issue but `keep` have addresses at a domain."""
    subscribers = Subscriber.objects.filter(deliveries__issue=issue).order_by("pk")
    for number, subscriber in enumerate(subscribers[keep:]):
        Subscriber.objects.filter(pk=subscriber.pk).update(email=f"r{number}@{domain}")


def due_again() -> None:
    """Let everything that waits be due."""
    Delivery.objects.filter(state__in=[0, 2]).update(due_at=LONG_AGO)


# --- routes: pure ----------------------------------------------------------------------


def relays(*rows: tuple[str, list[str], int]) -> list[Relay]:
    """Relays that are in no database: name, senders' domains, weight."""
    return [
        Relay(pk=number, name=name, sender_domains=domains, weight=weight)
        for number, (name, domains, weight) in enumerate(rows, 1)
    ]


def names(found: object) -> list[str]:
    """Names, sorted."""
    return sorted(relay.name for relay in found)  # type: ignore[attr-defined]


def test_the_senders_domain_comes_first() -> None:
    """A relay that names it is used, and one for any sender only where none names it."""
    there = relays(("a", ["one.example"], 1), ("b", ["two.example"], 9), ("any", [], 5))
    assert names(routes.relays_for_domain("one.example", there)) == ["a"]
    assert names(routes.relays_for_domain("three.example", there)) == ["any"]
    assert routes.domains_without_relay(["one.example", "four.example"], there[:2]).keys() == {
        "four.example"
    }


def test_a_stand_in_works_only_while_the_others_rest() -> None:
    """Weight 0 is for that."""
    there = relays(("main", [], 3), ("spare", [], 0))
    assert names(routes.available_relays(there, NOON)) == ["main"]
    there[0].retry_at = NOON + timedelta(seconds=1)
    assert names(routes.available_relays(there, NOON)) == ["spare"]
    there[1].retry_at = NOON + timedelta(seconds=1)
    assert routes.available_relays(there, NOON) == []


def test_weights_are_shares() -> None:
    """Three to one, in the long run; two stand-ins share alike."""
    chance = random.Random(7)
    there = relays(("big", [], 3), ("small", [], 1))
    drawn = Counter(routes.choose_relay(there, chance).name for _ in range(4000))
    assert drawn["big"] / drawn["small"] == pytest.approx(3, rel=0.15)
    spare = relays(("x", [], 0), ("y", [], 0))
    assert {routes.choose_relay(spare, chance).name for _ in range(50)} == {"x", "y"}


def test_what_may_be_used_says_for_whom() -> None:
    """One relay may carry several senders' mail, and each sender's may go several ways."""
    there = relays(("a", ["one.example"], 1), ("b", ["one.example", "two.example"], 1))
    found = routes.usable_relays(["one.example", "two.example"], there, NOON)
    assert {relay.name: domains for relay, domains in found.items()} == {
        "a": {"one.example"},
        "b": {"one.example", "two.example"},
    }


# --- the roster ------------------------------------------------------------------------


def test_an_address_is_stored_sealed_and_shown_without_secrets() -> None:
    """Neither the database nor a person sees the password."""
    made = registry.add("main", "smtp://ann:hunter2@relay.example:587", RelayOptions())
    made.refresh_from_db()
    assert "hunter2" not in made.sealed_url
    assert registry.url_of(made) == "smtp://ann:hunter2@relay.example:587"
    assert registry.describe(made) == "smtp://relay.example:587"


def test_a_sealed_address_follows_the_secret_key(settings: Settings) -> None:
    """A changed key still opens it while the old one is named; without it, a clear line."""
    made = registry.add("main", "smtp://ann:hunter2@relay.example", RelayOptions())
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another"
    with pytest.raises(ConfigurationError, match="DIGEST_SECRET_KEY_FALLBACKS"):
        registry.url_of(made)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert registry.url_of(made).startswith("smtp://ann")


def test_a_damaged_seal_is_no_traceback() -> None:
    """Whatever is in the row."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        sealing.unseal("nonsense")


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (RelayOptions(sender_domains=["not a domain"]), "not a domain"),
        (RelayOptions(weight=-1), "weight"),
        (RelayOptions(connections=99_999), "connections"),
        (RelayOptions(per_minute=-5), "limit a minute"),
        (RelayOptions(domain_limits={"gmail.com": -1}), "gmail.com"),
    ],
)
def test_terms_that_make_no_sense_are_refused(terms: RelayOptions, words: str) -> None:
    """And nothing is stored."""
    with pytest.raises(RelayError, match=words):
        registry.add("main", "smtp://relay.example", terms)
    assert not Relay.objects.exists()


def test_a_name_is_given_once_and_default_is_the_settings(settings: Settings) -> None:
    """What the environment names can be limited, but lives there."""
    registry.add("main", "smtp://relay.example", RelayOptions())
    with pytest.raises(RelayError, match="already"):
        registry.add("main", "smtp://other.example", RelayOptions())
    with pytest.raises(RelayError, match="DIGEST_SMTP_URL"):
        registry.add("default", "smtp://other.example", RelayOptions())
    settings.DIGEST_SMTP_URL = "smtp://relay.example"
    default = next(one for one in registry.all_relays() if one.name == "default")
    registry.change(default, "", RelayOptions(per_minute=60))
    assert Relay.objects.get(name="default").per_minute == 60
    with pytest.raises(RelayError, match="DIGEST_SMTP_URL"):
        registry.change(default, "smtp://x.example", RelayOptions())
    with pytest.raises(RelayError, match="DIGEST_SMTP_URL"):
        registry.remove(default)


# --- sending ---------------------------------------------------------------------------


def test_mail_goes_through_the_relay_of_its_sender(a_relay: Start) -> None:
    """And never through another publication's."""
    issue = make_running(5)
    ours = issue.newsletter.publication.sender_domain
    _, right = a_relay("right", sender_domains=[ours])
    _, other = a_relay("other", sender_domains=["else.example"], weight=100)
    _, anyone = a_relay("anyone", weight=100)
    assert sender.send_due().counts == {State.SENT: 5}
    assert (len(right.received), len(other.received), len(anyone.received)) == (5, 0, 0)


def test_a_sender_without_a_relay_is_set_aside_and_says_why(a_relay: Start) -> None:
    """It would wait for ever otherwise, and nobody would know."""
    issue = make_running(2)
    a_relay("other", sender_domains=["else.example"])
    assert sender.send_due().total == 0
    issue.refresh_from_db()
    assert issue.state == Issue.State.PAUSED
    assert "No relay may send from" in issue.reason


def test_another_relay_takes_over_within_the_same_run(a_relay: Start) -> None:
    """One that goes away in the middle costs nobody anything."""
    issue = make_running(20)
    taken: list[str] = []

    def word(address: str) -> str | None:
        taken.append(address)
        return "421 4.3.2 shutting down" if len(taken) > 6 else None

    first, one = a_relay("first", {"rcpt": word}, weight=5)
    _, two = a_relay("spare", weight=0)
    assert sender.send_due().counts == {State.SENT: 20}
    assert len(one.received) >= 1
    assert len(one.received) + len(two.received) == 20
    got = [message.recipient for message in (*one.received, *two.received)]
    assert len(set(got)) == 20
    first.refresh_from_db()
    assert first.failures == 1
    assert progress(issue).sent == 20


def test_a_relay_whose_secret_is_lost_keeps_no_other_from_working(a_relay: Start) -> None:
    """It was sealed under a key that is gone; alone, it is said what to do."""
    make_running(2)
    lost, _ = a_relay("lost", weight=100)
    Relay.objects.filter(pk=lost.pk).update(sealed_url="nonsense")
    with pytest.raises(ConfigurationError, match="DIGEST_SECRET_KEY_FALLBACKS"):
        sender.send_due()
    _, other = a_relay("other")
    assert sender.send_due().counts == {State.SENT: 2}
    assert len(other.received) == 2


def test_two_relays_share_the_work(a_relay: Start, settings: Settings) -> None:
    """By their weights, run by run."""
    settings.DIGEST_SEND_SECONDS = 0.15
    make_running(60)
    _, one = a_relay("one", delay=0.1)
    _, two = a_relay("two", delay=0.1)
    while Delivery.objects.filter(state=0).exists():
        sender.send_due()
    assert len(one.received) + len(two.received) == 60
    assert min(len(one.received), len(two.received)) >= 4


def test_one_that_is_off_carries_nothing(a_relay: Start) -> None:
    """Until it is on again."""
    make_running(2)
    off, _ = a_relay("main", active=False)
    with pytest.raises(ConfigurationError, match="No relay is set"):
        sender.send_due()
    registry.change(off, "", RelayOptions(active=True))
    assert sender.send_due().counts == {State.SENT: 2}


def test_a_limit_a_minute_is_kept(a_relay: Start) -> None:
    """What goes beyond waits, and is nobody's attempt."""
    issue = make_running(30)
    _, server = a_relay("main", per_minute=60)  # ten at once
    sender.send_due()
    assert 10 <= len(server.received) <= 19  # one more a second, in a run of eight
    assert progress(issue).queued == 30 - len(server.received)
    assert set(Delivery.objects.filter(state=0).values_list("attempts", flat=True)) == {0}


def test_a_domains_limit_holds_that_domain_alone(a_relay: Start) -> None:
    """Its subscribers get places in a queue; the others go out at once."""
    issue = make_running(40)
    moved(issue, "big.example", keep=10)
    _, server = a_relay("main", domain_limits={"big.example": 60})
    sender.send_due()
    by_domain = Counter(message.recipient.rpartition("@")[2] for message in server.received)
    assert by_domain["big.example"] == 10
    assert sum(by_domain.values()) == 20
    waiting = Delivery.objects.filter(state=0).order_by("due_at").values_list("due_at", flat=True)
    gaps = [(after - before).total_seconds() for before, after in pairwise(waiting)]
    assert len(waiting) == 20
    assert all(gap == pytest.approx(60 / 50, abs=0.01) for gap in gaps)  # 50 a minute beside the 10


def test_everybody_else_has_a_limit_too(a_relay: Start) -> None:
    """`*` is each other domain, by itself."""
    issue = make_running(30)
    moved(issue, "one.example", keep=15)
    roomy = {"*": 30}  # five at once, to each
    _, server = a_relay("main", domain_limits=roomy)
    sender.send_due()
    by_domain = Counter(message.recipient.rpartition("@")[2] for message in server.received)
    assert set(by_domain.values()) == {5}
    assert by_domain["one.example"] == 5


def test_a_slow_start_is_kept(a_relay: Start) -> None:
    """The first day's pace, for the relay and for its largest domain."""
    make_running(30)
    today = clock.now().date()
    _, server = a_relay("new", warming=Warming(today, start=2_400, growth=2.0, until=10**6))
    sender.send_due()
    assert len(server.received) == 5  # a minute's pace of the domain's half: 1,200 in four hours


def test_connections_are_shared_by_all_workers(a_relay: Start) -> None:
    """Who finds no seat sends nothing, and a seat that was left is taken."""
    make_running(10)
    relay, server = a_relay("main", connections=2)
    other = rate_limits.RateLimiter(relay, "somebody else")
    assert other.reserve_connections(4) == 2
    assert sender.send_due().total == 0
    other.release_connections()
    assert sender.send_due().counts == {State.SENT: 10}
    assert server.most_connections <= 2


def test_without_valkey_a_relay_with_limits_sends_nothing(
    a_relay: Start, settings: Settings
) -> None:
    """One without limits goes on."""
    make_running(3)
    relay, _ = a_relay("main", per_minute=600)
    settings.DIGEST_REDIS_URL = "redis://127.0.0.1:1/0"
    settings.DIGEST_SEND_SECONDS = 2
    assert sender.send_due().total == 0
    registry.change(relay, "", RelayOptions(per_minute=0))
    assert sender.send_due().counts == {State.SENT: 3}


# --- a domain that refuses us ----------------------------------------------------------

BLOCKED = "550 5.7.1 Our system has detected that this message is likely unsolicited mail."


def blocking(domain: str) -> dict[str, Callable[[str], str | None]]:
    """Refuse what comes for a domain."""
    return {"rcpt": lambda address: BLOCKED if address.endswith(f"@{domain}") else None}


def test_a_surge_of_refusals_pauses_the_domain_and_tells_the_editors(a_relay: Start) -> None:
    """Nobody fails for it; subscribers elsewhere get theirs; and it is tried again later."""
    User.objects.create_user("ed@newsroom.example", is_staff=True)
    issue = make_running(60)
    moved(issue, "wall.example", keep=20)
    refusing = blocking("wall.example")
    relay, server = a_relay("main", refusing)
    sender.send_due()
    paused = PausedDomain.objects.get()
    assert (paused.domain, paused.relay, paused.times) == ("wall.example", relay, 1)
    assert "unsolicited" in paused.reason
    counted = progress(issue)
    assert (counted.sent, counted.deferred, counted.failed) == (20, 40, 0)
    assert len(server.received) == 20
    waiting = Delivery.objects.filter(state=State.DEFERRED)
    assert not waiting.filter(due_at__lt=paused.until).exists()
    due_again()
    sender.send_due()
    assert progress(issue).deferred == 40  # put off again, without asking the domain
    told = Notice.objects.get(kind="paused")
    assert told.email == "ed@newsroom.example"
    send.send_due()
    mail = next(one for one in server.received if one.recipient == "ed@newsroom.example")
    assert b"wall.example refuses our mail" in mail.data
    assert b"likely unsolicited" in mail.data.replace(b"=\r\n", b"")


def test_a_pause_can_be_lifted(a_relay: Start) -> None:
    """Then what waits is due at once, and everyone gets it."""
    issue = make_running(30)
    moved(issue, "wall.example")
    script = blocking("wall.example")
    a_relay("main", script)
    sender.send_due()
    assert progress(issue).deferred == 30
    script.clear()
    assert domain_pauses.lift_pause(PausedDomain.objects.get(), clock.now()) == 30
    sender.send_due()
    assert progress(issue).sent == 30
    assert sweeping.sweep(clock.now()).finished == [issue]


def test_pauses_in_a_row_grow_longer(a_relay: Start) -> None:
    """Half an hour, one, two … eight; after two days of peace it begins anew."""
    relay, _ = a_relay("main")
    assert [pausing.pause_length(times).total_seconds() / 3600 for times in (1, 2, 5, 9, 99)] == (
        [0.5, 1, 8, 8, 8]
    )
    first = domain_pauses.pause_domain(relay, "wall.example", "no", NOON)
    assert first is not None
    assert (
        domain_pauses.pause_domain(relay, "wall.example", "no", NOON) is None
    )  # another sender was faster
    later = domain_pauses.pause_domain(
        relay, "wall.example", "no", first.until + timedelta(hours=1)
    )
    assert later is not None
    assert later.times == 2
    anew = domain_pauses.pause_domain(relay, "wall.example", "no", later.until + timedelta(days=3))
    assert anew is not None
    assert anew.times == 1


def test_some_refusals_are_no_surge(a_relay: Start) -> None:
    """Those few fail, for their own reasons."""
    issue = make_running(30)
    moved(issue, "wall.example")
    some = {
        "rcpt": lambda address: (
            BLOCKED if address in {"r1@wall.example", "r2@wall.example"} else None
        )
    }
    a_relay("main", some)
    sender.send_due()
    assert not PausedDomain.objects.exists()
    assert (progress(issue).sent, progress(issue).failed) == (28, 2)


def test_a_pause_is_of_one_relay(a_relay: Start) -> None:
    """Another one may be in better standing."""
    issue = make_running(5)
    moved(issue, "wall.example")
    relay, one = a_relay("main")
    domain_pauses.pause_domain(relay, "wall.example", "no", clock.now())
    sender.send_due()
    assert progress(issue).deferred == 5
    Relay.objects.filter(pk=relay.pk).update(active=False)
    _, two = a_relay("second")
    due_again()
    sender.send_due()
    assert (len(one.received), len(two.received)) == (0, 5)


# --- notices ---------------------------------------------------------------------------


def test_a_notice_takes_the_way_of_its_sender_and_blocks_no_other(a_relay: Start) -> None:
    """One whose relay is down waits until that is tried again; it was nobody's attempt."""
    User.objects.create_user("ed@newsroom.example", is_staff=True)
    issue = make_running(1)
    with SmtpServer() as gone:
        pass
    ours = issue.newsletter.publication.sender_domain
    down = registry.add("down", gone.url, RelayOptions(sender_domains=[ours]))
    domain_pauses.pause_domain(down, "wall.example", "no", clock.now())
    assert send.send_due().sent == 0
    down.refresh_from_db()
    notice = Notice.objects.get()
    assert (notice.state, notice.attempts, notice.due_at) == (0, 0, down.retry_at)
    _, spare = a_relay("spare", sender_domains=[ours], weight=0)
    Notice.objects.update(due_at=F("created_at"))
    assert send.send_due().sent == 1
    assert len(spare.received) == 1
