"""Webhooks: told once it is true, signed, again and again until they answer, and to nobody else."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django.fixtures import Settings
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from digest.bounces import recording
from digest.bounces.models import Bounce
from digest.bounces.reading.reasons import Reason
from digest.core import addresses, clock, sealing
from digest.core.database import leases
from digest.core.http import RefusedError
from digest.issues.experiments.models import Experiment
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.relays.retries import Outcome
from digest.selfservice import erasure
from digest.sending import ledger, sweeping
from digest.sending.models import Delivery
from digest.subscribers import consent
from digest.subscribers.audience import FOR_ALL
from digest.subscribers.models import Subscriber
from digest.webhooks import delivering, registry, retries, signing, statistics
from digest.webhooks.events import Event
from digest.webhooks.models import Webhook, WebhookDelivery
from digest.webhooks.registry import WebhookError
from tests.analytics.statistics.factories import make_sent_issue, make_totals
from tests.bounces.factories import make_finding, make_sent
from tests.cast import NOON, make_newsletter, make_running, make_subscriber
from tests.provider_server import CUT, Answer, ProviderServer, Request
from tests.sending.claiming import put_into_chunks

# Triggers queue events at the database's time.
pytestmark = [pytest.mark.django_db, pytest.mark.real_clock]


class Listener:
    """An address that is told, and answers what the test wants."""

    def __init__(self) -> None:
        self.answer: Answer | str = Answer(204, b"")
        self.server = ProviderServer(lambda _request: self.answer)

    @property
    def requests(self) -> list[Request]:
        return self.server.requests

    @property
    def types(self) -> list[str]:
        return [request.json["type"] for request in self.requests]


@pytest.fixture
def listener(settings: Settings) -> Iterator[Listener]:
    """A scripted server on this machine, which the operator has excepted."""
    listener = Listener()
    settings.DIGEST_WEBHOOK_ALLOW = [listener.server.netloc]
    with listener.server:
        yield listener


def make_webhook(listener: Listener, *events: Event, **options: Any) -> tuple[Webhook, str]:
    """A webhook of these events, or of all."""
    name = options.pop("name", "crm")
    return registry.add(name, listener.server.url, events or list(Event), now=NOON, **options)


def subscribe(newsletter: Newsletter, email: str = "ines@reader.example") -> int:
    """Let a subscriber come, by a proven wish."""
    address, now = addresses.parse(email), clock.now()
    subscription = consent.subscribe(
        address, newsletter, via="page", confirmed=True, wording="", now=now
    )
    return int(subscription.subscriber_id)


def later(**span: float) -> None:
    """Let time pass for what waits."""
    WebhookDelivery.objects.update(due_at=clock.now() - timedelta(**span))
    Webhook.objects.update(retry_at=None)


def test_subscribing_and_unsubscribing_are_delivered_and_signed(listener: Listener) -> None:
    """Verified by the scheme's own library, which knows nothing of ours."""
    _, secret = make_webhook(listener)
    newsletter = make_newsletter(slug="tide")
    subscriber = subscribe(newsletter)
    consent.unsubscribe(subscriber, newsletter.pk, via="page", ip=None, now=clock.now())
    assert delivering.deliver_due() == delivering.Run(delivered=2)
    assert listener.types == ["subscriber.subscribed", "subscriber.unsubscribed"]
    request = listener.requests[0]
    headers = {name.lower(): value for name, value in request.headers.items()}
    verified = Verifier(secret).verify(request.body, headers)
    assert verified["data"] == {
        "newsletter": "tide",
        "publication": newsletter.publication.slug,
        "subscriber": subscriber,
        "subscriber_uuid": str(Subscriber.objects.get().uuid),
        "email": "ines@reader.example",
    }
    with pytest.raises(WebhookVerificationError):
        Verifier(secret).verify(request.body.replace(b"ines", b"anna"), headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(sealing.new_webhook_secret()).verify(request.body, headers)
    assert delivering.deliver_due() == delivering.Run()


def test_a_signature_is_the_schemes() -> None:
    """As OpenSSL computes it from id, timestamp and body."""
    secret, message = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert signing.headers(secret, message, 1614265330, b'{"test": 2432232314}') == {
        "webhook-id": message,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,pZN3CVESPCUuihODVQNgWONmlcH9xCz9b1ykcK53XqY=",
    }


def test_pending_and_imported_subscriptions_are_not_delivered(listener: Listener) -> None:
    """Only a subscriber's confirmed word is."""
    make_webhook(listener)
    newsletter = make_newsletter()
    address = addresses.parse("ines@reader.example")
    consent.subscribe(address, newsletter, via="page", confirmed=False, wording="", now=clock.now())
    assert not WebhookDelivery.objects.exists()


def test_a_change_that_is_rolled_back_is_not_delivered(listener: Listener) -> None:
    """The word and the change are there together or not at all."""
    make_webhook(listener)
    newsletter = make_newsletter()
    with transaction.atomic():
        subscribe(newsletter)
        assert WebhookDelivery.objects.count() == 1
        transaction.set_rollback(True)
    assert not WebhookDelivery.objects.exists()


@pytest.mark.parametrize("has_rows", [True, False])
def test_a_finished_issue_and_a_bounce_are_delivered(listener: Listener, *, has_rows: bool) -> None:
    """With the numbers that add up, and with the server's words; at the first attempt too."""
    make_webhook(listener)
    issue = make_running(2)
    if not has_rows:
        put_into_chunks(issue)
    batch = ledger.claim(issue, 10, clock.now(), FOR_ALL)
    good, bad = (row.id for row in batch.rows)
    outcomes = [
        (good, Outcome(Delivery.State.SENT, 250, "2.0.0 Ok", attempted=True)),
        (bad, Outcome(Delivery.State.FAILED, 550, "5.1.1 Nobody here", attempted=True)),
    ]
    ledger.record(batch, outcomes, clock.now())
    ledger.drop(batch.fence)
    sweeping.sweep(clock.now())
    assert delivering.deliver_due().delivered == 2
    data = {request.json["type"]: request.json["data"] for request in listener.requests}
    assert data["delivery.bounced"]["code"] == 550
    assert data["delivery.bounced"]["reply"] == "5.1.1 Nobody here"
    assert data["delivery.bounced"]["email"].endswith("@reader.example")
    sent = data["issue.sent"]
    assert sent["issue_uuid"] == data["delivery.bounced"]["issue_uuid"] == str(issue.uuid)
    assert (sent["issue"], sent["eligible"], sent["sent"], sent["failed"]) == (
        issue.pk,
        2,
        1,
        1,
    )


def test_what_comes_back_later_is_told(listener: Listener) -> None:
    """A report by mail, and a complaint; what was refused while sending is not told twice."""
    make_webhook(listener, Event.BOUNCED, Event.COMPLAINED)
    subscriber = make_subscriber(make_newsletter())
    issue = make_sent(subscriber)
    for finding in (
        make_finding(Reason.MAILBOX_FULL, status="5.2.2", text="552 5.2.2 full", code=552),
        make_finding(Reason.FEEDBACK, status="", text="Feedback-Type: abuse"),
    ):
        recording.record(subscriber, issue, finding, clock.now())
    other = make_subscriber(issue.newsletter)
    recording.record(other, issue, make_finding(source=Bounce.Source.SMTP), clock.now())
    assert delivering.deliver_due().delivered == 2
    data = {request.json["type"]: request.json["data"] for request in listener.requests}
    bounced, complained = data["delivery.bounced"], data["delivery.complained"]
    assert (bounced["code"], bounced["reply"]) == (552, "552 5.2.2 full")
    assert (bounced["reason"], complained["reason"]) == ("mailboxfull", "feedback")
    assert bounced["email"] == complained["email"] == subscriber.email


def test_a_webhook_gets_its_events_of_its_publication(listener: Listener) -> None:
    """By event, and by publication."""
    tide, ebb = make_newsletter(), make_newsletter()
    make_webhook(listener, Event.UNSUBSCRIBED, name="leavers")
    make_webhook(listener, Event.SUBSCRIBED, name="tide", publication=tide.publication)
    subscribe(tide)
    subscribe(ebb)
    [delivery] = WebhookDelivery.objects.select_related("webhook")
    assert (delivery.webhook.name, delivery.newsletter) == ("tide", tide)


@pytest.mark.parametrize("answer", [Answer(500), Answer(302, headers={"Location": "/x"}), CUT])
def test_a_failed_delivery_is_repeated_under_the_same_id(
    listener: Listener, answer: Answer | str
) -> None:
    """Redirects are not followed; each attempt has a timestamp and signature of its own."""
    webhook, secret = make_webhook(listener)
    subscribe(make_newsletter())
    listener.answer = answer
    assert delivering.deliver_due() == delivering.Run(failed=1)
    assert delivering.deliver_due() == delivering.Run()  # it is left alone for a while
    webhook.refresh_from_db()
    assert (webhook.failures, webhook.disabled_at) == (1, None)
    assert webhook.note
    listener.answer = Answer(200)
    later(seconds=1)
    assert delivering.deliver_due() == delivering.Run(delivered=1)
    first, second = listener.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    Verifier(secret).verify(second.body, {k.lower(): v for k, v in second.headers.items()})
    webhook.refresh_from_db()
    assert (webhook.failures, webhook.note, webhook.retry_at) == (0, "", None)


def test_a_failing_webhook_keeps_no_other_waiting(listener: Listener, settings: Settings) -> None:
    """It costs one attempt, however much waits for it."""
    dead = ProviderServer(lambda _request: Answer(500))
    settings.DIGEST_WEBHOOK_ALLOW += [dead.netloc]
    with dead:
        registry.add("dead", dead.url, list(Event), now=NOON)
        make_webhook(listener, name="good")
        newsletter = make_newsletter()
        for n in range(5):
            subscribe(newsletter, f"subscriber{n}@reader.example")
        assert delivering.deliver_due() == delivering.Run(delivered=5, failed=1)
        assert len(dead.requests) == 1


def test_a_delivery_is_given_up_after_three_days(listener: Listener) -> None:
    """Whether the last try just failed, or the webhook was never asked again."""
    make_webhook(listener)
    newsletter = make_newsletter()
    subscribe(newsletter)
    subscribe(newsletter, "anna@reader.example")
    listener.answer = Answer(500)
    old = clock.now() - timedelta(days=3) + timedelta(seconds=5)
    WebhookDelivery.objects.update(at=old)
    delivering.deliver_due()
    assert WebhookDelivery.objects.filter(state=WebhookDelivery.State.GIVEN_UP).count() == 1
    WebhookDelivery.objects.update(at=old - timedelta(seconds=10))
    delivering.deliver_due()
    assert WebhookDelivery.objects.filter(state=WebhookDelivery.State.GIVEN_UP).count() == 2


def test_a_webhook_that_fails_for_a_day_is_disabled_with_a_note(listener: Listener) -> None:
    """Nothing more is laid down for it, until it is enabled."""
    webhook, _ = make_webhook(listener)
    newsletter = make_newsletter()
    subscribe(newsletter)
    listener.answer = Answer(500)
    since = clock.now() - retries.HOPELESS_SPAN
    Webhook.objects.update(failures=retries.HOPELESS_FAILURES - 1, failing_since=since)
    delivering.deliver_due()
    webhook.refresh_from_db()
    assert webhook.disabled_at is not None
    assert webhook.note.startswith("Disabled after 20 failures since")
    subscribe(newsletter, "anna@reader.example")
    assert WebhookDelivery.objects.count() == 1
    later(seconds=1)
    assert delivering.deliver_due() == delivering.Run()
    registry.enable(webhook)
    listener.answer = Answer(200)
    assert delivering.deliver_due() == delivering.Run(delivered=1)


def test_a_webhook_that_is_gone_is_disabled_at_once(listener: Listener) -> None:
    """410 says so."""
    webhook, _ = make_webhook(listener)
    subscribe(make_newsletter())
    listener.answer = Answer(410)
    delivering.deliver_due()
    webhook.refresh_from_db()
    assert webhook.disabled_at is not None


@pytest.mark.django_db(transaction=True)
def test_a_webhook_that_is_removed_while_it_is_called_holds_up_nothing(
    listener: Listener, settings: Settings
) -> None:
    """Its failure is nobody's; the others are called."""

    def remove(_request: Request) -> Answer:
        Webhook.objects.filter(name="crm").delete()
        connection.close()  # of the server's thread
        return Answer(500)

    first = ProviderServer(remove)
    with first:
        settings.DIGEST_WEBHOOK_ALLOW.append(first.netloc)
        registry.add("crm", first.url, list(Event), now=NOON)
        make_webhook(listener, name="good")
        subscribe(make_newsletter())
        assert delivering.deliver_due() == delivering.Run(delivered=1, failed=1)
    assert list(WebhookDelivery.objects.values_list("webhook__name", flat=True)) == ["good"]


def test_a_delivery_whose_worker_died_is_repeated(listener: Listener) -> None:
    """Its lease runs out; its own late word changes nothing."""
    webhook, _ = make_webhook(listener)
    subscribe(make_newsletter())
    [delivery] = delivering.claim(webhook, clock.now())
    assert delivering.claim(webhook, clock.now()) == []
    assert delivering.deliver_due() == delivering.Run()
    WebhookDelivery.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    assert delivering.deliver_due() == delivering.Run(delivered=1)
    assert not leases.finish(delivery, state=WebhookDelivery.State.GIVEN_UP)
    assert WebhookDelivery.objects.get().state == WebhookDelivery.State.DELIVERED


def test_nothing_is_delivered_about_an_erased_subscriber(listener: Listener) -> None:
    """The words about them go with them."""
    make_webhook(listener)
    subscriber = subscribe(make_newsletter())
    erasure.erase(subscriber, clock.now())
    delivering.deliver_due()
    assert "ines" not in str([request.body for request in listener.requests])
    assert not WebhookDelivery.objects.filter(event=Event.SUBSCRIBED).exists()


def test_settled_deliveries_are_deleted_after_a_month(listener: Listener) -> None:
    """What still waits is not."""
    make_webhook(listener)
    newsletter = make_newsletter()
    subscribe(newsletter)
    delivering.deliver_due()
    subscribe(newsletter, "anna@reader.example")
    assert delivering.delete_old(clock.now() + timedelta(days=29)) == 0
    assert delivering.delete_old(clock.now() + timedelta(days=31)) == 1
    assert WebhookDelivery.objects.count() == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://crm.example/webhook",
        "https://user:secret@crm.example/",
        "ftp://crm.example/",
        "https://10.0.0.1/webhook",
        "https://xn--/webhook",
        "https://xn--a/webhook",
        "https://a b/webhook",
        "https://ex\0ample/webhook",
        "https://\udcff.example/webhook",
        "https://%00/webhook",
        "mailto:crm@courier.example",
        "https://[::1]/webhook",
        "https://169.254.169.254/latest/meta-data",
        "not an address",
    ],
)
def test_an_address_that_will_not_do_is_refused(url: str) -> None:
    """Subscribers' addresses go there: https, and on the public internet."""
    with pytest.raises(WebhookError):
        registry.add("crm", url, list(Event), now=NOON)


def test_a_name_that_leads_inside_is_refused_when_it_is_connected_to(listener: Listener) -> None:
    """Whatever the name said when the webhook was made."""
    webhook, _ = make_webhook(listener)
    port = listener.server.url.rstrip("/").rpartition(":")[2]
    webhook.url = f"http://localhost.localdomain:{port}/"
    for inside in (f"http://127.0.0.2:{port}/", "http://169.254.169.254/"):
        webhook.url = inside
        webhook.save()
        with pytest.raises(RefusedError):
            registry.test(webhook, clock.now())
    subscribe(make_newsletter())
    assert delivering.deliver_due() == delivering.Run(failed=1)
    assert listener.requests == []


def test_a_test_is_signed_and_stored_nowhere(listener: Listener) -> None:
    """It says that it is one."""
    webhook, secret = make_webhook(listener)
    assert registry.test(webhook, clock.now()) == 204
    [request] = listener.requests
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert Verifier(secret).verify(request.body, headers)["type"] == "test"
    assert not WebhookDelivery.objects.exists()
    assert secret not in Webhook.objects.get().sealed_secret


@pytest.mark.parametrize(
    ("attempts", "age", "retry_after", "wait"),
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
    attempts: int, age: timedelta, retry_after: float | None, wait: timedelta | None
) -> None:
    """A server may ask for more, up to a day; after three days nothing is tried again."""
    happened: datetime = NOON - age
    due = retries.next_attempt(attempts, happened, NOON, retry_after, chance=0)
    assert due == (NOON + wait if wait else None)


def test_a_cancelled_issue_is_not_delivered(listener: Listener) -> None:
    """Only the step to "sent" is."""
    make_webhook(listener)
    issue = make_running(1)
    Issue.objects.filter(pk=issue.pk).update(state=Issue.State.CANCELLED)
    assert not WebhookDelivery.objects.exists()


def test_the_end_of_an_experiment_is_told(listener: Listener) -> None:
    """Once, with the variants; a change before it is nobody's business."""
    make_webhook(listener, Event.DECIDED)
    issue = make_running(1)
    experiment = Experiment.objects.create(
        issue=issue, subjects=["Seals"], share=50, minutes=60, decides_at=NOON
    )
    experiment.minutes = 90
    experiment.save()
    assert not WebhookDelivery.objects.exists()
    experiment.decided_at, experiment.winner, experiment.finding = NOON, 1, "winner"
    experiment.results = [{"mails": 9, "clickers": n, "best": n / 9} for n in (1, 8)]
    experiment.save()
    experiment.save()
    delivering.deliver_due()
    [request] = listener.requests
    assert request.json["type"] == "experiment.decided"
    values = request.json["data"]["experiment"]
    assert (values["finding"], values["winner"]) == ("winner", 1)
    assert values["decided_at"] == NOON.isoformat()
    assert [row["clickers"] for row in values["variants"]] == [1, 8]
    assert values["variants"][1]["label"] == "Seals"


def test_the_numbers_of_an_issue_are_told_after_a_day_and_a_week(listener: Listener) -> None:
    """Each once, however often it is looked; of issues from long ago, and still going out, none."""
    make_webhook(listener, Event.STATISTICS)
    newsletter = make_newsletter()
    issue = make_sent_issue(newsletter, NOON, sent=200)
    make_totals(issue, 20)
    make_sent_issue(newsletter, NOON - timedelta(days=40))
    for hours in (23, 24, 24, 100, 168, 169):
        statistics.queue_due(NOON + timedelta(hours=hours))
    delivering.deliver_due()
    data = [request.json["data"] for request in listener.requests]
    assert sorted((row["issue"], row["hours"]) for row in data) == [
        (issue.pk, 24),
        (issue.pk, 168),
    ]
    assert (data[0]["clickers"], data[0]["click_rate"]) == (20, 0.1)
    assert listener.types == ["issue.statistics"] * 2
