"""A recipient domain that refuses us is paused, at the relay that it refused."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from digest.core import clock
from digest.notices import send
from digest.notices.content import write_letter
from digest.notices.models import Notice
from digest.relays import pausing
from digest.relays.models import PausedDomain, Relay
from digest.relays.rate_limits import RateLimiter
from digest.relays.retries import Outcome
from digest.relays.transports.base import Reply
from digest.sending import domain_pauses, sender, sweeping
from digest.sending.journal import Journal
from digest.sending.models import Delivery
from digest.sending.progress import progress
from tests.cast import NOON, make_member, make_publication, make_running
from tests.ports import reserve_port
from tests.sending.claiming import claim_batch
from tests.sending.relays import AddRelay, make_all_due, move_subscribers

pytestmark = pytest.mark.django_db
State = Delivery.State

BLOCKED = "550 5.7.1 Our system has detected that this message is likely unsolicited mail."


def refusing(domain: str) -> dict[str, Callable[[str], str | None]]:
    """Refuse every recipient at a domain."""
    return {"rcpt": lambda address: BLOCKED if address.endswith(f"@{domain}") else None}


def test_a_surge_of_refusals_pauses_the_domain_and_notifies_the_editors(
    add_relay: AddRelay,
) -> None:
    """No recipient fails for it, other domains get their mail, and it is tried again later."""
    make_member(None, "editor", email="ed@newsroom.example")
    issue = make_running(60)
    move_subscribers(issue, "wall.example", keep=20)
    relay, server = add_relay("main", refusing("wall.example"))
    sender.send_due()
    paused = PausedDomain.objects.get()
    assert (paused.domain, paused.relay, paused.times) == ("wall.example", relay, 1)
    assert "unsolicited" in paused.reason
    counted = progress(issue)
    assert (counted.sent, counted.deferred, counted.failed) == (20, 40, 0)
    assert len(server.received) == 20
    waiting = Delivery.objects.filter(state=State.DEFERRED)
    assert not waiting.filter(due_at__lt=paused.until).exists()
    make_all_due()
    sender.send_due()
    assert progress(issue).deferred == 40  # postponed again, without an attempt
    notice = Notice.objects.get(kind="paused")
    assert notice.email == "ed@newsroom.example"
    send.send_due()
    mail = next(mail for mail in server.received if mail.recipient == "ed@newsroom.example")
    assert b"wall.example refuses our emails" in mail.data
    assert b"likely unsolicited" in mail.data.replace(b"=\r\n", b"")


def test_a_pause_can_be_lifted(add_relay: AddRelay) -> None:
    """Then what waits is due at once and is sent."""
    issue = make_running(30)
    move_subscribers(issue, "wall.example")
    script = refusing("wall.example")
    add_relay("main", script)
    sender.send_due()
    assert progress(issue).deferred == 30
    script.clear()
    assert domain_pauses.lift_pause(PausedDomain.objects.get(), clock.now()) == 30
    sender.send_due()
    assert progress(issue).sent == 30
    assert sweeping.sweep(clock.now()).finished == [issue]


def test_pauses_in_a_row_last_longer(add_relay: AddRelay) -> None:
    """Half an hour, one, two … eight; after two days without a pause the count starts again."""
    relay, _ = add_relay("main")
    assert [pausing.BACKOFF.wait(times).total_seconds() / 3600 for times in (1, 2, 5, 9, 99)] == (
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
    much_later = domain_pauses.pause_domain(
        relay, "wall.example", "no", later.until + timedelta(days=3)
    )
    assert much_later is not None
    assert much_later.times == 1


def test_a_few_refusals_are_not_a_surge(add_relay: AddRelay) -> None:
    """Those few recipients fail for their own reasons."""
    issue = make_running(30)
    move_subscribers(issue, "wall.example")
    script = {
        "rcpt": lambda address: (
            BLOCKED if address in {"r1@wall.example", "r2@wall.example"} else None
        )
    }
    add_relay("main", script)
    sender.send_due()
    assert not PausedDomain.objects.exists()
    assert (progress(issue).sent, progress(issue).failed) == (28, 2)


def test_a_pause_belongs_to_one_relay(add_relay: AddRelay) -> None:
    """Another relay may have a better reputation."""
    issue = make_running(5)
    move_subscribers(issue, "wall.example")
    relay, first = add_relay("main")
    domain_pauses.pause_domain(relay, "wall.example", "no", clock.now())
    sender.send_due()
    assert progress(issue).deferred == 5
    Relay.objects.filter(pk=relay.pk).update(active=False)
    _, second = add_relay("second")
    make_all_due()
    sender.send_due()
    assert (len(first.received), len(second.received)) == (0, 5)


@pytest.mark.parametrize("lifted", [False, True])
def test_what_a_dead_sender_was_refused_waits_as_well(
    add_relay: AddRelay, tmp_path: Path, settings: Settings, *, lifted: bool
) -> None:
    """Its journal is recorded after the pause began, or even after it ended: once, then never."""
    settings.DIGEST_DATA_DIR = tmp_path
    issue = make_running(3)
    move_subscribers(issue, "wall.example", keep=1)
    relay, server = add_relay("main")
    with Journal() as book:
        for row in claim_batch(issue, 3, clock.now(), journal=book.name).rows:
            text = "5.7.1 blocked" if row.email.endswith("wall.example") else "5.1.1 unknown"
            book.record([(row.id, Reply(550, text))], [])
    domain_pauses.pause_domain(relay, "wall.example", BLOCKED, clock.now())
    if lifted:
        domain_pauses.lift_pause(PausedDomain.objects.get(), clock.now())
    assert sweeping.sweep(clock.now()).settled == 3
    assert (progress(issue).failed, progress(issue).deferred) == (1, 2)
    paused = PausedDomain.objects.get()
    assert set(Delivery.objects.filter(state=State.DEFERRED).values_list("due_at")) == {
        (paused.until,)
    }
    if lifted:
        sender.send_due()
        assert {mail.recipient for mail in server.received} == {
            "r0@wall.example",
            "r1@wall.example",
        }
    Delivery.objects.update(state=State.FAILED, reply="5.7.1 blocked", settled_at=NOON)
    sweeping.sweep(clock.now())
    assert progress(issue).failed == 3


def refuse(limiter: RateLimiter, times: int) -> list[Delivery.State]:
    """Let a domain refuse so many messages; return what is recorded of them."""
    reply = Reply(550, "5.7.1 blocked")
    outcome = Outcome(State.FAILED, reply.code, reply.text, attempted=True)
    rows = [
        limiter.record_reply(f"r{number}@wall.example", reply, outcome) for number in range(times)
    ]
    return [State(row.state) for row in rows]


def test_refusals_before_we_knew_of_a_pause_belong_to_it(add_relay: AddRelay) -> None:
    """Another worker has paused the domain, and a flush has emptied the counts in Valkey."""
    relay, _ = add_relay("main")
    limiter = RateLimiter(relay, "one")
    assert refuse(limiter, 3) == [State.FAILED] * 3
    domain_pauses.pause_domain(relay, "wall.example", BLOCKED, clock.now())
    limiter.renew()
    assert limiter.refusing_domains() == {"wall.example": "550 5.7.1 blocked"}
    assert refuse(limiter, 1) == [State.DEFERRED]


def test_without_valkey_the_senders_own_refusals_decide(
    add_relay: AddRelay, settings: Settings
) -> None:
    """They are not forgotten until they could be reported."""
    relay, _ = add_relay("main")
    limiter = RateLimiter(relay, "one")
    address = settings.DIGEST_REDIS_URL
    settings.DIGEST_REDIS_URL = f"redis://127.0.0.1:{reserve_port()}/0"
    refuse(limiter, 12)
    assert limiter.refusing_domains() == {}
    refuse(limiter, 7)
    assert limiter.refusing_domains() == {}
    refuse(limiter, 1)
    assert list(limiter.refusing_domains()) == ["wall.example"]
    refuse(limiter, 12)
    assert limiter.refusing_domains() == {}
    settings.DIGEST_REDIS_URL = address
    refuse(limiter, 8)
    assert list(limiter.refusing_domains()) == ["wall.example"]


def test_a_reply_is_mailed_to_those_who_see_everybodys_subscribers(add_relay: AddRelay) -> None:
    """It may name a subscriber of any publication; an analyst is not told at all."""
    relay, _ = add_relay("main")
    publication = make_publication()
    make_member(None, "editor", email="all@courier.example")
    make_member(publication, "editor", email="own@courier.example")
    make_member(publication, "analyst", email="ana@courier.example")
    reply = "550 5.7.1 <kim@wall.example> is tired of you"
    domain_pauses.pause_domain(relay, "wall.example", reply, clock.now())
    letters = {row.email: write_letter(row, clock.now()) for row in Notice.objects.all()}
    assert sorted(letters) == ["all@courier.example", "own@courier.example"]
    assert "kim@" in str(letters["own@courier.example"])  # there is no other publication
    make_publication(slug="gazette")
    letters = {row.email: write_letter(row, clock.now()) for row in Notice.objects.all()}
    assert "kim@" in str(letters["all@courier.example"])
    assert "refuses our emails" in str(letters["own@courier.example"])
    assert "kim@" not in str(letters["own@courier.example"])
