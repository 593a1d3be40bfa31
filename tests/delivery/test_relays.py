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
from digest.delivery import posting, sending, sweeping
from digest.delivery.errors import DeliveryError
from digest.delivery.models import Delivery, Notice, PausedDomain, Relay
from digest.delivery.progress import progress
from digest.delivery.relays import gates, pausing, roster, routes
from digest.delivery.relays.roster import Terms
from digest.delivery.throttles import buckets
from digest.delivery.warming import Warming
from digest.editions.models import Edition
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
            return roster.add(name, server.url, Terms(**terms)), server  # type: ignore[arg-type]

        yield start


def moved(edition: Edition, domain: str, keep: int = 0) -> None:
    """Let all readers of an edition but `keep` have addresses at a domain."""
    readers = Subscriber.objects.filter(deliveries__edition=edition).order_by("pk")
    for number, reader in enumerate(readers[keep:]):
        Subscriber.objects.filter(pk=reader.pk).update(email=f"r{number}@{domain}")


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
    assert names(routes.for_domain("one.example", there)) == ["a"]
    assert names(routes.for_domain("three.example", there)) == ["any"]
    assert routes.stranded(["one.example", "four.example"], there[:2]).keys() == {"four.example"}


def test_a_stand_in_works_only_while_the_others_rest() -> None:
    """Weight 0 is for that."""
    there = relays(("main", [], 3), ("spare", [], 0))
    assert names(routes.awake(there, NOON)) == ["main"]
    there[0].retry_at = NOON + timedelta(seconds=1)
    assert names(routes.awake(there, NOON)) == ["spare"]
    there[1].retry_at = NOON + timedelta(seconds=1)
    assert routes.awake(there, NOON) == []


def test_weights_are_shares() -> None:
    """Three to one, in the long run; two stand-ins share alike."""
    chance = random.Random(7)
    there = relays(("big", [], 3), ("small", [], 1))
    drawn = Counter(routes.drawn(there, chance).name for _ in range(4000))
    assert drawn["big"] / drawn["small"] == pytest.approx(3, rel=0.15)
    spare = relays(("x", [], 0), ("y", [], 0))
    assert {routes.drawn(spare, chance).name for _ in range(50)} == {"x", "y"}


def test_what_may_be_used_says_for_whom() -> None:
    """One relay may carry several senders' mail, and each sender's may go several ways."""
    there = relays(("a", ["one.example"], 1), ("b", ["one.example", "two.example"], 1))
    found = routes.usable(["one.example", "two.example"], there, NOON)
    assert {relay.name: domains for relay, domains in found.items()} == {
        "a": {"one.example"},
        "b": {"one.example", "two.example"},
    }


# --- the roster ------------------------------------------------------------------------


def test_an_address_is_stored_sealed_and_shown_without_secrets() -> None:
    """Neither the database nor a person sees the password."""
    made = roster.add("main", "smtp://ann:hunter2@relay.example:587", Terms())
    made.refresh_from_db()
    assert "hunter2" not in made.sealed_url
    assert roster.url_of(made) == "smtp://ann:hunter2@relay.example:587"
    assert roster.shown(made) == "smtp://relay.example:587"


def test_a_sealed_address_follows_the_secret_key(settings: Settings) -> None:
    """A changed key still opens it while the old one is named; without it, a clear line."""
    made = roster.add("main", "smtp://ann:hunter2@relay.example", Terms())
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another"
    with pytest.raises(ConfigurationError, match="DIGEST_SECRET_KEY_FALLBACKS"):
        roster.url_of(made)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert roster.url_of(made).startswith("smtp://ann")


def test_a_damaged_seal_is_no_traceback() -> None:
    """Whatever is in the row."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        sealing.unseal("nonsense")


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (Terms(sender_domains=["not a domain"]), "no domain"),
        (Terms(weight=-1), "weight"),
        (Terms(connections=99_999), "connections"),
        (Terms(per_minute=-5), "limit a minute"),
        (Terms(domain_limits={"gmail.com": -1}), "gmail.com"),
    ],
)
def test_terms_that_make_no_sense_are_refused(terms: Terms, words: str) -> None:
    """And nothing is stored."""
    with pytest.raises(DeliveryError, match=words):
        roster.add("main", "smtp://relay.example", terms)
    assert not Relay.objects.exists()


def test_a_name_is_given_once_and_default_is_the_settings(settings: Settings) -> None:
    """What the environment names can be limited, but lives there."""
    roster.add("main", "smtp://relay.example", Terms())
    with pytest.raises(DeliveryError, match="already"):
        roster.add("main", "smtp://other.example", Terms())
    with pytest.raises(DeliveryError, match="DIGEST_SMTP_URL"):
        roster.add("default", "smtp://other.example", Terms())
    settings.DIGEST_SMTP_URL = "smtp://relay.example"
    default = next(one for one in roster.known() if one.name == "default")
    roster.change(default, "", Terms(per_minute=60))
    assert Relay.objects.get(name="default").per_minute == 60
    with pytest.raises(DeliveryError, match="DIGEST_SMTP_URL"):
        roster.change(default, "smtp://x.example", Terms())
    with pytest.raises(DeliveryError, match="DIGEST_SMTP_URL"):
        roster.remove(default)


# --- sending ---------------------------------------------------------------------------


def test_mail_goes_through_the_relay_of_its_sender(a_relay: Start) -> None:
    """And never through another publication's."""
    edition = make_running(5)
    ours = edition.newsletter.publication.sender_domain
    _, right = a_relay("right", sender_domains=[ours])
    _, other = a_relay("other", sender_domains=["else.example"], weight=100)
    _, anyone = a_relay("anyone", weight=100)
    assert sending.send_due().counts == {State.SENT: 5}
    assert (len(right.received), len(other.received), len(anyone.received)) == (5, 0, 0)


def test_a_sender_without_a_relay_is_set_aside_and_says_why(a_relay: Start) -> None:
    """It would wait for ever otherwise, and nobody would know."""
    edition = make_running(2)
    a_relay("other", sender_domains=["else.example"])
    assert sending.send_due().total == 0
    edition.refresh_from_db()
    assert edition.state == Edition.State.PAUSED
    assert "No relay may send from" in edition.reason


def test_another_relay_takes_over_within_the_same_run(a_relay: Start) -> None:
    """One that goes away in the middle costs nobody anything."""
    edition = make_running(20)
    taken: list[str] = []

    def word(address: str) -> str | None:
        taken.append(address)
        return "421 4.3.2 shutting down" if len(taken) > 6 else None

    first, one = a_relay("first", {"rcpt": word}, weight=5)
    _, two = a_relay("spare", weight=0)
    assert sending.send_due().counts == {State.SENT: 20}
    assert len(one.received) >= 1
    assert len(one.received) + len(two.received) == 20
    got = [message.recipient for message in (*one.received, *two.received)]
    assert len(set(got)) == 20
    first.refresh_from_db()
    assert first.failures == 1
    assert progress(edition).sent == 20


def test_a_relay_whose_secret_is_lost_keeps_no_other_from_working(a_relay: Start) -> None:
    """It was sealed under a key that is gone; alone, it is said what to do."""
    make_running(2)
    lost, _ = a_relay("lost", weight=100)
    Relay.objects.filter(pk=lost.pk).update(sealed_url="nonsense")
    with pytest.raises(ConfigurationError, match="DIGEST_SECRET_KEY_FALLBACKS"):
        sending.send_due()
    _, other = a_relay("other")
    assert sending.send_due().counts == {State.SENT: 2}
    assert len(other.received) == 2


def test_two_relays_share_the_work(a_relay: Start, settings: Settings) -> None:
    """By their weights, run by run."""
    settings.DIGEST_SEND_SECONDS = 0.15
    make_running(60)
    _, one = a_relay("one", delay=0.1)
    _, two = a_relay("two", delay=0.1)
    while Delivery.objects.filter(state=0).exists():
        sending.send_due()
    assert len(one.received) + len(two.received) == 60
    assert min(len(one.received), len(two.received)) >= 4


def test_one_that_is_off_carries_nothing(a_relay: Start) -> None:
    """Until it is on again."""
    make_running(2)
    off, _ = a_relay("main", active=False)
    with pytest.raises(ConfigurationError, match="No relay is set"):
        sending.send_due()
    roster.change(off, "", Terms(active=True))
    assert sending.send_due().counts == {State.SENT: 2}


def test_a_limit_a_minute_is_kept(a_relay: Start) -> None:
    """What goes beyond waits, and is nobody's attempt."""
    edition = make_running(30)
    _, server = a_relay("main", per_minute=60)  # ten at once
    sending.send_due()
    assert 10 <= len(server.received) <= 19  # one more a second, in a run of eight
    assert progress(edition).queued == 30 - len(server.received)
    assert set(Delivery.objects.filter(state=0).values_list("attempts", flat=True)) == {0}


def test_a_domains_limit_holds_that_domain_alone(a_relay: Start) -> None:
    """Its readers get places in a queue; the others go out at once."""
    edition = make_running(40)
    moved(edition, "big.example", keep=10)
    _, server = a_relay("main", domain_limits={"big.example": 60})
    sending.send_due()
    by_domain = Counter(message.recipient.rpartition("@")[2] for message in server.received)
    assert by_domain["big.example"] == 10
    assert sum(by_domain.values()) == 20
    waiting = Delivery.objects.filter(state=0).order_by("due_at").values_list("due_at", flat=True)
    gaps = [(after - before).total_seconds() for before, after in pairwise(waiting)]
    assert len(waiting) == 20
    assert all(gap == pytest.approx(60 / 50, abs=0.01) for gap in gaps)  # 50 a minute beside the 10


def test_everybody_else_has_a_limit_too(a_relay: Start) -> None:
    """`*` is each other domain, by itself."""
    edition = make_running(30)
    moved(edition, "one.example", keep=15)
    roomy = {"*": 30}  # five at once, to each
    _, server = a_relay("main", domain_limits=roomy)
    sending.send_due()
    by_domain = Counter(message.recipient.rpartition("@")[2] for message in server.received)
    assert set(by_domain.values()) == {5}
    assert by_domain["one.example"] == 5


def test_a_slow_start_is_kept(a_relay: Start) -> None:
    """The first day's pace, for the relay and for its largest domain."""
    make_running(30)
    today = clock.now().date()
    _, server = a_relay("new", warming=Warming(today, start=2_400, growth=2.0, until=10**6))
    sending.send_due()
    assert len(server.received) == 5  # a minute's pace of the domain's half: 1,200 in four hours


def test_connections_are_shared_by_all_workers(a_relay: Start) -> None:
    """Who finds no seat sends nothing, and a seat that was left is taken."""
    make_running(10)
    relay, server = a_relay("main", connections=2)
    other = gates.Gate(relay, "somebody else")
    assert other.sit(4) == 2
    assert sending.send_due().total == 0
    other.leave()
    assert sending.send_due().counts == {State.SENT: 10}
    assert server.most_connections <= 2


def test_without_valkey_a_relay_with_limits_sends_nothing(
    a_relay: Start, settings: Settings
) -> None:
    """One without limits goes on."""
    make_running(3)
    relay, _ = a_relay("main", per_minute=600)
    settings.DIGEST_REDIS_URL = "redis://127.0.0.1:1/0"
    settings.DIGEST_SEND_SECONDS = 2
    assert sending.send_due().total == 0
    roster.change(relay, "", Terms(per_minute=0))
    assert sending.send_due().counts == {State.SENT: 3}


# --- a domain that refuses us ----------------------------------------------------------

BLOCKED = "550 5.7.1 Our system has detected that this message is likely unsolicited mail."


def blocking(domain: str) -> dict[str, Callable[[str], str | None]]:
    """Refuse what comes for a domain."""
    return {"rcpt": lambda address: BLOCKED if address.endswith(f"@{domain}") else None}


def test_a_surge_of_refusals_pauses_the_domain_and_tells_the_editors(a_relay: Start) -> None:
    """Nobody fails for it; readers elsewhere get theirs; and it is tried again later."""
    User.objects.create_user("ed@newsroom.example", is_staff=True)
    edition = make_running(60)
    moved(edition, "wall.example", keep=20)
    refusing = blocking("wall.example")
    relay, server = a_relay("main", refusing)
    sending.send_due()
    paused = PausedDomain.objects.get()
    assert (paused.domain, paused.relay, paused.times) == ("wall.example", relay, 1)
    assert "unsolicited" in paused.why
    counted = progress(edition)
    assert (counted.sent, counted.deferred, counted.failed) == (20, 40, 0)
    assert len(server.received) == 20
    waiting = Delivery.objects.filter(state=State.DEFERRED)
    assert not waiting.filter(due_at__lt=paused.until).exists()
    due_again()
    sending.send_due()
    assert progress(edition).deferred == 40  # put off again, without asking the domain
    told = Notice.objects.get(kind="paused")
    assert told.email == "ed@newsroom.example"
    posting.send_due()
    mail = next(one for one in server.received if one.recipient == "ed@newsroom.example")
    assert b"wall.example refuses our mail" in mail.data
    assert b"likely unsolicited" in mail.data.replace(b"=\r\n", b"")


def test_a_pause_can_be_lifted(a_relay: Start) -> None:
    """Then what waits is due at once, and everyone gets it."""
    edition = make_running(30)
    moved(edition, "wall.example")
    script = blocking("wall.example")
    a_relay("main", script)
    sending.send_due()
    assert progress(edition).deferred == 30
    script.clear()
    assert pausing.lift(PausedDomain.objects.get(), clock.now()) == 30
    sending.send_due()
    assert progress(edition).sent == 30
    assert sweeping.sweep(clock.now()).finished == [edition]


def test_pauses_in_a_row_grow_longer(a_relay: Start) -> None:
    """Half an hour, one, two … eight; after two days of peace it begins anew."""
    relay, _ = a_relay("main")
    assert [pausing.length(times).total_seconds() / 3600 for times in (1, 2, 5, 9, 99)] == (
        [0.5, 1, 8, 8, 8]
    )
    first = pausing.pause(relay, "wall.example", "no", NOON)
    assert first is not None
    assert pausing.pause(relay, "wall.example", "no", NOON) is None  # another sender was faster
    later = pausing.pause(relay, "wall.example", "no", first.until + timedelta(hours=1))
    assert later is not None
    assert later.times == 2
    anew = pausing.pause(relay, "wall.example", "no", later.until + timedelta(days=3))
    assert anew is not None
    assert anew.times == 1


def test_some_refusals_are_no_surge(a_relay: Start) -> None:
    """Those few fail, for their own reasons."""
    edition = make_running(30)
    moved(edition, "wall.example")
    some = {
        "rcpt": lambda address: (
            BLOCKED if address in {"r1@wall.example", "r2@wall.example"} else None
        )
    }
    a_relay("main", some)
    sending.send_due()
    assert not PausedDomain.objects.exists()
    assert (progress(edition).sent, progress(edition).failed) == (28, 2)


def test_a_pause_is_of_one_relay(a_relay: Start) -> None:
    """Another one may be in better standing."""
    edition = make_running(5)
    moved(edition, "wall.example")
    relay, one = a_relay("main")
    pausing.pause(relay, "wall.example", "no", clock.now())
    sending.send_due()
    assert progress(edition).deferred == 5
    Relay.objects.filter(pk=relay.pk).update(active=False)
    _, two = a_relay("second")
    due_again()
    sending.send_due()
    assert (len(one.received), len(two.received)) == (0, 5)


# --- notices ---------------------------------------------------------------------------


def test_a_notice_takes_the_way_of_its_sender_and_blocks_no_other(a_relay: Start) -> None:
    """One whose relay is down waits until that is tried again; it was nobody's attempt."""
    User.objects.create_user("ed@newsroom.example", is_staff=True)
    edition = make_running(1)
    with SmtpServer() as gone:
        pass
    ours = edition.newsletter.publication.sender_domain
    down = roster.add("down", gone.url, Terms(sender_domains=[ours]))
    pausing.pause(down, "wall.example", "no", clock.now())
    assert posting.send_due().sent == 0
    down.refresh_from_db()
    notice = Notice.objects.get()
    assert (notice.state, notice.attempts, notice.due_at) == (0, 0, down.retry_at)
    _, spare = a_relay("spare", sender_domains=[ours], weight=0)
    Notice.objects.update(due_at=F("created_at"))
    assert posting.send_due().sent == 1
    assert len(spare.received) == 1
