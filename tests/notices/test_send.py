"""Sending notices: what the relay says is recorded, and a dead worker leaves one uncertain."""

import os
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from itertools import count
from typing import Any

import pytest
import redis

from digest.core import addresses, clock
from digest.newsletters.models import Newsletter
from digest.notices import messages, send
from digest.notices.models import Notice
from digest.notices.queue import queue_notice
from digest.relays.models import PausedDomain, Relay
from digest.relays.rate_limits import RateLimiter
from digest.relays.throttles import buckets
from digest.relays.warming import FEWEST_NOTICES, Warming
from digest.selfservice import signups
from digest.sending import domain_pauses
from digest.subscribers import consent
from digest.subscribers.models import Subscription
from digest.subscribers.suppression import suppress
from tests.cast import NOON, make_newsletter
from tests.rendering.mails import wire_faults
from tests.smtp_server import Script, SmtpServer

pytestmark = pytest.mark.django_db(transaction=True)
Relaying = Callable[..., SmtpServer]
State = Notice.State
NADIA = addresses.parse("nadia@reader.example")


def invited(newsletter: Newsletter) -> Notice:
    """A confirmation that is due."""
    notice = signups.invite(NADIA, [newsletter], via="page", now=clock.now())
    assert notice is not None
    return notice


def test_a_notice_is_sent_and_recorded(relay: Relaying, newsletter: Newsletter) -> None:
    """Sound on the wire, answered by nobody, and sent once."""
    server, notice = relay(), invited(newsletter)
    assert send.send_due().sent == 1
    send.send_due()
    notice.refresh_from_db()
    assert (notice.state, notice.reply_code) == (State.SENT, 250)
    [raw] = [received.data for received in server.received]
    assert wire_faults(raw) == []
    mail = message_from_bytes(raw, policy=default)
    assert mail["To"] == NADIA.email
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "List-Unsubscribe" not in mail
    for kind in ("plain", "html"):
        body = mail.get_body((kind,))
        assert body is not None
        assert "https://digest.example/confirm/" in body.get_content()


@pytest.mark.parametrize(
    ("reply", "state"), [("451 4.7.1 later", State.DEFERRED), ("550 5.1.1 no", State.FAILED)]
)
def test_the_smtp_reply_is_recorded(
    relay: Relaying, newsletter: Newsletter, reply: str, state: Notice.State
) -> None:
    """A refusal for now comes back later, one for good does not."""
    relay({"rcpt": lambda _address: reply})
    notice = invited(newsletter)
    send.send_due()
    notice.refresh_from_db()
    assert (notice.state, notice.reply_code) == (state, int(reply[:3]))
    assert (notice.due_at > clock.now()) == (state is State.DEFERRED)


def test_a_dead_workers_notice_goes_out_once_more(relay: Relaying, newsletter: Newsletter) -> None:
    """Under the same Message-ID; a second time it is left uncertain."""
    server, notice = relay(), invited(newsletter)
    first_id = messages.message_id(notice)
    for expected in (State.QUEUED, State.UNCERTAIN):
        assert send.claim(clock.now()) == notice
        send.sweep(clock.now() + send.LEASE + timedelta(seconds=1))
        notice.refresh_from_db()
        assert notice.state == expected
    Notice.objects.update(state=State.QUEUED, lease_until=None)
    send.send_due()
    assert message_from_bytes(server.received[0].data)["Message-ID"] == first_id


def test_a_relay_that_goes_down_behind_its_reply_gets_no_second_one(
    relay: Relaying, newsletter: Newsletter
) -> None:
    """It has the notice."""
    connections = count()
    script: Script = {
        "end": lambda _: "250 2.0.0 ok\r\n421 4.3.2 closing",
        "connect": lambda _: "421 4.3.2 closing" if next(connections) == 1 else None,
    }
    server, notice = relay(script), invited(newsletter)
    send.send_due()
    Relay.objects.update(retry_at=None)
    send.send_due()
    notice.refresh_from_db()
    assert (notice.state, len(server.received)) == (State.SENT, 1)


def test_what_is_settled_is_not_asked_about(relay: Relaying, newsletter: Newsletter) -> None:
    """Confirmed meanwhile, or suppressed: nothing is sent."""
    server, notice = relay(), invited(newsletter)
    subscriber = Subscription.objects.get().subscriber_id
    consent.confirm(subscriber, newsletter.pk, via="t", ip=None, now=clock.now())
    send.send_due()
    notice.refresh_from_db()
    assert notice.state == State.CANCELLED
    other = signups.invite(
        NADIA, [make_newsletter()], via="page", now=clock.now() + timedelta(hours=2)
    )
    assert other is not None
    Notice.objects.filter(pk=other.pk).update(due_at=clock.now())
    suppress(NADIA.key, reason="complaint", now=clock.now())
    send.send_due()
    other.refresh_from_db()
    assert other.state == State.CANCELLED
    assert server.received == []


def test_a_password_reset_overtakes_invitations_in_bulk(newsletter: Newsletter) -> None:
    """It was queued last; then come sign-ups, then what nobody waits for."""
    confirmation = Notice.Kind.CONFIRM, {"newsletters": [newsletter.pk]}
    rows: list[tuple[Notice.Kind, dict[str, Any]]] = [
        confirmation,
        confirmation,
        (Notice.Kind.ACCOUNT, {"forgotten": True}),
    ]
    bulk, signup, reset = (
        queue_notice(
            kind,
            newsletter.publication,
            email=f"ada{minute}@reader.example",
            now=NOON + timedelta(minutes=minute),
            context=context,
            in_bulk=minute == 0,
        )
        for minute, (kind, context) in enumerate(rows)
    )
    now = NOON + timedelta(hours=1)
    assert [send.claim(now) for _ in range(4)] == [reset, signup, bulk, None]


def notice_to(newsletter: Newsletter, email: str, *, in_bulk: bool) -> Notice:
    """A confirmation that is due."""
    address = addresses.parse(email)
    notice = signups.invite(address, [newsletter], via="page", now=clock.now(), in_bulk=in_bulk)
    assert notice is not None
    return notice


def test_invitations_in_bulk_leave_a_paused_domain_alone(
    relay: Relaying, newsletter: Newsletter
) -> None:
    """One mail for which somebody waits is tried; its refusal is not for good."""
    server = relay({"rcpt": lambda address: "550 5.7.1 no" if "refused" in address else None})
    until = clock.now() + timedelta(minutes=30)
    PausedDomain.objects.create(
        relay=Relay.objects.get_or_create(name="default")[0],
        domain="reader.example",
        since=clock.now(),
        until=until,
    )
    names = {"bulk": True, "waiting": False, "refused": False}
    bulk, waiting, refused = (
        notice_to(newsletter, f"{name}@reader.example", in_bulk=in_bulk)
        for name, in_bulk in names.items()
    )
    send.send_due()
    for notice in (bulk, waiting, refused):
        notice.refresh_from_db()
    assert server.recipients == ["waiting@reader.example"]
    assert (bulk.attempts, refused.attempts, refused.state) == (0, 1, State.DEFERRED)
    assert bulk.due_at >= until
    assert refused.due_at >= until
    assert "reader.example refuses our mail" in bulk.reply
    domain_pauses.lift_pause(PausedDomain.objects.get(), clock.now())
    assert Notice.objects.filter(state__in=Notice.DUE, due_at__lte=clock.now()).count() == 2


def test_invitations_in_bulk_obey_the_limit_of_a_domain(
    relay: Relaying, newsletter: Newsletter
) -> None:
    """The others do not: they are few."""
    server = relay()
    Relay.objects.create(name="default", domain_limits={"reader.example": 1})
    notices = [
        notice_to(newsletter, f"{name}@reader.example", in_bulk=name != "waiting")
        for name in ("first", "second", "waiting")
    ]
    send.send_due()
    for notice in notices:
        notice.refresh_from_db()
    assert server.recipients == ["waiting@reader.example", "first@reader.example"]
    assert notices[1].state == State.QUEUED
    assert notices[1].due_at > clock.now() + timedelta(seconds=10)


def _warming_relay(start: int) -> Relay:
    with redis.Redis.from_url(os.environ["DIGEST_REDIS_URL"]) as valkey:
        valkey.set(buckets.BORN, 1)  # it started long ago: buckets are full
    warming = Warming(clock.now().date(), start=start, growth=1.0, until=1000)
    return Relay.objects.create(
        name="default",
        warming_since=warming.started_on,
        warming_start=warming.start,
        warming_growth=warming.growth,
        warming_until=warming.until,
    )


def test_single_notices_also_use_the_allowance_of_a_warm_up(
    relay: Relaying, newsletter: Newsletter
) -> None:
    """On a day with many sign-ups and no issue."""
    server = relay()
    assert RateLimiter(_warming_relay(100), "notices").reserve(500, single=True) == FEWEST_NOTICES
    notice = notice_to(newsletter, "single@reader.example", in_bulk=False)
    send.send_due()
    assert server.recipients == [notice.email]


def test_a_warm_up_whose_allowance_is_used_up_stops_no_single_notice(
    relay: Relaying, newsletter: Newsletter
) -> None:
    """An issue takes what each day allows; invitations in bulk wait as it does."""
    server = relay()
    row = _warming_relay(1)
    assert RateLimiter(row, "a sender").reserve(500) == 1
    single, bulk = (
        notice_to(newsletter, f"{name}@reader.example", in_bulk=name == "bulk")
        for name in ("single", "bulk")
    )
    send.send_due()
    bulk.refresh_from_db()
    assert server.recipients == [single.email]
    assert bulk.state == State.QUEUED
    assert bulk.due_at > clock.now() + timedelta(minutes=1)
