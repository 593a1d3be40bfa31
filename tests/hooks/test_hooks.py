"""Webhooks: told once it is true, signed, again and again until they answer, and to nobody else."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from pytest_django.fixtures import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from digest.core import addresses, clock
from digest.core.http import RefusedError
from digest.delivery import erasing, ledger, sweeping
from digest.delivery.models import Delivery
from digest.delivery.retries import Outcome
from digest.editions.models import Edition
from digest.hooks import roster, signing, telling, waits
from digest.hooks.models import Event, WebHook, Word
from digest.hooks.roster import HookError
from digest.newsletters.models import Newsletter
from digest.subscribers import consent
from tests.cast import NOON, make_newsletter, make_running
from tests.provider_server import CUT, Answer, ProviderServer, Request

pytestmark = pytest.mark.django_db


class Listener:
    """An address that is told, and answers what the test wants."""

    def __init__(self) -> None:
        self.answer: Answer | str = Answer(204, b"")
        self.server = ProviderServer(lambda _request: self.answer)

    @property
    def told(self) -> list[Request]:
        return self.server.requests

    @property
    def types(self) -> list[str]:
        return [request.json["type"] for request in self.told]


@pytest.fixture
def listener(settings: Settings) -> Iterator[Listener]:
    """A scripted server on this machine, which the operator has excepted."""
    made = Listener()
    settings.DIGEST_FETCH_ALLOW = [made.server.url.removeprefix("http://").strip("/")]
    with made.server:
        yield made


def make_hook(listener: Listener, *events: Event, **options: Any) -> tuple[WebHook, str]:
    """A hook of these events, or of all."""
    name = options.pop("name", "crm")
    return roster.add(name, listener.server.url, events or list(Event), now=NOON, **options)


def subscribe(newsletter: Newsletter, email: str = "ines@reader.example") -> int:
    """Let a reader come, by a proven wish."""
    address, now = addresses.parse(email), clock.now()
    asked = consent.subscribe(address, newsletter, via="page", confirmed=True, wording="", now=now)
    return int(asked.subscriber_id)


def later(**span: float) -> None:
    """Let time pass for what waits."""
    Word.objects.update(due_at=clock.now() - timedelta(**span))
    WebHook.objects.update(retry_at=None)


def test_readers_who_come_and_leave_are_told_and_signed(listener: Listener) -> None:
    """Verified by the scheme's own library, which knows nothing of ours."""
    _, secret = make_hook(listener)
    newsletter = make_newsletter(slug="tide")
    reader = subscribe(newsletter)
    consent.unsubscribe(reader, newsletter.pk, via="page", ip=None, now=clock.now())
    assert telling.tell_due() == telling.Told(told=2)
    assert listener.types == ["subscriber.subscribed", "subscriber.unsubscribed"]
    request = listener.told[0]
    headers = {name.lower(): value for name, value in request.headers.items()}
    verified = Webhook(secret).verify(request.body, headers)
    assert verified["data"] == {
        "newsletter": "tide",
        "publication": newsletter.publication.slug,
        "subscriber": reader,
        "email": "ines@reader.example",
    }
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(request.body.replace(b"ines", b"anna"), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(signing.new_secret()).verify(request.body, headers)
    assert telling.tell_due() == telling.Told()


def test_pending_wishes_and_imports_are_not_told(listener: Listener) -> None:
    """Only a reader's confirmed word is."""
    make_hook(listener)
    newsletter = make_newsletter()
    address = addresses.parse("ines@reader.example")
    consent.subscribe(address, newsletter, via="page", confirmed=False, wording="", now=clock.now())
    assert not Word.objects.exists()


def test_what_is_undone_was_never_told(listener: Listener) -> None:
    """The word and the change are there together or not at all."""
    make_hook(listener)
    newsletter = make_newsletter()
    with transaction.atomic():
        subscribe(newsletter)
        assert Word.objects.count() == 1
        transaction.set_rollback(True)
    assert not Word.objects.exists()


def test_a_finished_edition_and_a_bounce_are_told(listener: Listener) -> None:
    """With the numbers that add up, and with the server's words."""
    make_hook(listener)
    edition = make_running(2)
    batch = ledger.claim(edition, 10, clock.now())
    good, bad = (row.id for row in batch.rows)
    outcomes = [
        (good, Outcome(Delivery.State.SENT, 250, "2.0.0 Ok", attempted=True)),
        (bad, Outcome(Delivery.State.FAILED, 550, "5.1.1 Nobody here", attempted=True)),
    ]
    ledger.record(batch, outcomes, clock.now())
    ledger.drop(batch.fence)
    sweeping.sweep(clock.now())
    assert telling.tell_due().told == 2
    told = {request.json["type"]: request.json["data"] for request in listener.told}
    assert told["delivery.bounced"]["code"] == 550
    assert told["delivery.bounced"]["reply"] == "5.1.1 Nobody here"
    assert told["delivery.bounced"]["email"].endswith("@reader.example")
    sent = told["edition.sent"]
    assert (sent["edition"], sent["eligible"], sent["sent"], sent["failed"]) == (
        edition.pk,
        2,
        1,
        1,
    )


def test_a_hook_is_told_what_it_asked_for_alone(listener: Listener) -> None:
    """By event, and by publication."""
    mine, other = make_newsletter(), make_newsletter()
    make_hook(listener, Event.UNSUBSCRIBED, name="leavers")
    make_hook(listener, Event.SUBSCRIBED, name="mine", publication=mine.publication)
    subscribe(mine)
    subscribe(other)
    [word] = Word.objects.select_related("hook")
    assert (word.hook.name, word.newsletter) == ("mine", mine)


@pytest.mark.parametrize("answer", [Answer(500), Answer(302, headers={"Location": "/x"}), CUT])
def test_what_is_not_taken_is_told_again_under_the_same_id(
    listener: Listener, answer: Answer | str
) -> None:
    """Redirects are not followed; each attempt has a timestamp and signature of its own."""
    hook, secret = make_hook(listener)
    subscribe(make_newsletter())
    listener.answer = answer
    assert telling.tell_due() == telling.Told(failed=1)
    assert telling.tell_due() == telling.Told()  # it is left alone for a while
    hook.refresh_from_db()
    assert (hook.failures, hook.disabled_at) == (1, None)
    assert hook.note
    listener.answer = Answer(200)
    later(seconds=1)
    assert telling.tell_due() == telling.Told(told=1)
    first, second = listener.told
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    Webhook(secret).verify(second.body, {k.lower(): v for k, v in second.headers.items()})
    hook.refresh_from_db()
    assert (hook.failures, hook.note, hook.retry_at) == (0, "", None)


def test_a_failing_hook_keeps_no_other_waiting(listener: Listener, settings: Settings) -> None:
    """It costs one attempt, however much waits for it."""
    dead = ProviderServer(lambda _request: Answer(500))
    settings.DIGEST_FETCH_ALLOW += [dead.url.removeprefix("http://").strip("/")]
    with dead:
        roster.add("dead", dead.url, list(Event), now=NOON)
        make_hook(listener, name="good")
        newsletter = make_newsletter()
        for n in range(5):
            subscribe(newsletter, f"reader{n}@reader.example")
        assert telling.tell_due() == telling.Told(told=5, failed=1)
        assert len(dead.requests) == 1


def test_a_word_that_nobody_takes_is_given_up_after_three_days(listener: Listener) -> None:
    """Whether the last try just failed, or the hook was never asked again."""
    make_hook(listener)
    newsletter = make_newsletter()
    subscribe(newsletter)
    subscribe(newsletter, "anna@reader.example")
    listener.answer = Answer(500)
    old = clock.now() - timedelta(days=3) + timedelta(seconds=5)
    Word.objects.update(at=old)
    telling.tell_due()
    assert Word.objects.filter(state=Word.State.GIVEN_UP).count() == 1
    Word.objects.update(at=old - timedelta(seconds=10))
    telling.tell_due()
    assert Word.objects.filter(state=Word.State.GIVEN_UP).count() == 2


def test_a_hook_that_fails_for_a_day_is_disabled_with_a_note(listener: Listener) -> None:
    """Nothing more is laid down for it, until it is enabled."""
    hook, _ = make_hook(listener)
    newsletter = make_newsletter()
    subscribe(newsletter)
    listener.answer = Answer(500)
    since = clock.now() - waits.LONG
    WebHook.objects.update(failures=waits.MANY - 1, failing_since=since)
    telling.tell_due()
    hook.refresh_from_db()
    assert hook.disabled_at is not None
    assert hook.note.startswith("Disabled after 20 failures since")
    subscribe(newsletter, "anna@reader.example")
    assert Word.objects.count() == 1
    later(seconds=1)
    assert telling.tell_due() == telling.Told()
    roster.enable(hook)
    listener.answer = Answer(200)
    assert telling.tell_due() == telling.Told(told=1)


def test_a_hook_that_is_gone_is_disabled_at_once(listener: Listener) -> None:
    """410 says so."""
    hook, _ = make_hook(listener)
    subscribe(make_newsletter())
    listener.answer = Answer(410)
    telling.tell_due()
    hook.refresh_from_db()
    assert hook.disabled_at is not None


def test_a_worker_that_died_with_a_word_in_hand_is_made_up_for(listener: Listener) -> None:
    """Its lease runs out; its own late word changes nothing."""
    hook, _ = make_hook(listener)
    subscribe(make_newsletter())
    word = telling._claim(hook, clock.now())
    assert word is not None
    assert telling._claim(hook, clock.now()) is None
    assert telling.tell_due() == telling.Told()
    Word.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    assert telling.tell_due() == telling.Told(told=1)
    telling._record(word, state=Word.State.GIVEN_UP)
    assert Word.objects.get().state == Word.State.TOLD


def test_of_an_erased_reader_nothing_is_told_any_more(listener: Listener) -> None:
    """The words about them go with them."""
    make_hook(listener)
    reader = subscribe(make_newsletter())
    erasing.erase(reader, clock.now())
    telling.tell_due()
    assert "ines" not in str([request.body for request in listener.told])
    assert not Word.objects.filter(event=Event.SUBSCRIBED).exists()


def test_what_was_told_is_forgotten_after_a_month(listener: Listener) -> None:
    """What still waits is not."""
    make_hook(listener)
    newsletter = make_newsletter()
    subscribe(newsletter)
    telling.tell_due()
    subscribe(newsletter, "anna@reader.example")
    assert telling.forget_old(clock.now() + timedelta(days=29)) == 0
    assert telling.forget_old(clock.now() + timedelta(days=31)) == 1
    assert Word.objects.count() == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://crm.example/hook",
        "https://user:secret@crm.example/",
        "ftp://crm.example/",
        "https://10.0.0.1/hook",
        "https://[::1]/hook",
        "https://169.254.169.254/latest/meta-data",
        "not an address",
    ],
)
def test_an_address_that_will_not_do_is_refused(url: str) -> None:
    """Readers' addresses go there: https, and on the public internet."""
    with pytest.raises(HookError):
        roster.add("crm", url, list(Event), now=NOON)


def test_a_name_that_leads_inside_is_refused_when_it_is_connected_to(listener: Listener) -> None:
    """Whatever the name said when the hook was made."""
    hook, _ = make_hook(listener)
    port = listener.server.url.rstrip("/").rpartition(":")[2]
    hook.url = f"http://localhost.localdomain:{port}/"
    for inside in (f"http://127.0.0.2:{port}/", "http://169.254.169.254/"):
        hook.url = inside
        hook.save()
        with pytest.raises(RefusedError):
            roster.test(hook, clock.now())
    subscribe(make_newsletter())
    assert telling.tell_due() == telling.Told(failed=1)
    assert listener.told == []


def test_a_test_is_signed_and_stored_nowhere(listener: Listener) -> None:
    """It says that it is one."""
    hook, secret = make_hook(listener)
    assert roster.test(hook, clock.now()) == 204
    [request] = listener.told
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert Webhook(secret).verify(request.body, headers)["type"] == "test"
    assert not Word.objects.exists()
    assert secret not in WebHook.objects.get().sealed_secret


@pytest.mark.parametrize(
    ("attempts", "age", "asked", "wait"),
    [
        (1, timedelta(0), None, timedelta(seconds=10)),
        (3, timedelta(0), None, timedelta(minutes=5)),
        (99, timedelta(days=1), None, timedelta(hours=8)),
        (1, timedelta(0), 3600.0, timedelta(hours=1)),
        (1, timedelta(0), 1e9, timedelta(days=1)),
        (99, timedelta(days=2, hours=17), None, None),
    ],
)
def test_waits_grow_and_end(
    attempts: int, age: timedelta, asked: float | None, wait: timedelta | None
) -> None:
    """A server may ask for more, up to a day; after three days nothing is tried again."""
    happened: datetime = NOON - age
    due = waits.next_try(attempts, happened, NOON, asked, jitter=0)
    assert due == (NOON + wait if wait else None)


def test_an_edition_that_is_stopped_is_not_told(listener: Listener) -> None:
    """Only the step to "sent" is."""
    make_hook(listener)
    edition = make_running(1)
    Edition.objects.filter(pk=edition.pk).update(state=Edition.State.CANCELLED)
    assert not Word.objects.exists()
