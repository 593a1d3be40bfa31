"""From a planned issue to the relay."""

import itertools
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email import message_from_bytes, policy

import psycopg
import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo
from pytest_django.fixtures import Settings

from digest.accounts.models import User
from digest.articles import storing
from digest.core import clock, links
from digest.core.addresses import parse
from digest.core.errors import ConfigurationError
from digest.issues import retracting
from digest.issues.building import build
from digest.issues.models import Issue
from digest.relays.models import Relay
from digest.sending import control, outgoing, planning, proofs, sender, sweeping
from digest.sending.errors import DeliveryError
from digest.sending.models import CompiledMail, Delivery
from digest.sending.planning import inserting
from digest.sending.progress import progress
from digest.subscribers import consent
from digest.subscribers.models import Subscriber, Suppression
from tests.cast.articles import make_article, make_source
from tests.cast.issues import make_issue, make_running, make_story
from tests.cast.newsletters import make_newsletter
from tests.cast.subscribers import make_subscriber
from tests.clock import LONG_AGO, NOON
from tests.smtp_server import CLOSE, SmtpServer

pytestmark = pytest.mark.django_db

StartRelay = Callable[..., SmtpServer]
State = Delivery.State


def built(subscribers: int = 2) -> Issue:
    """Return an issue that waits to be planned."""
    issue = make_issue()
    make_story(issue)
    for _ in range(subscribers):
        make_subscriber(issue.newsletter)
    return issue


def test_planning_inserts_a_row_for_each_eligible_subscriber() -> None:
    """In steps, once, without those who left or are suppressed; then it goes out."""
    issue = built(5)
    leaving, barred = make_subscriber(issue.newsletter), make_subscriber(issue.newsletter)
    leaving.subscriptions.update(state="unsubscribed")
    Suppression.objects.create(address_key=barred.address_key, reason="bounce", created_at=NOON)
    make_subscriber(make_newsletter())
    inserting.STEP, usual = 2, inserting.STEP
    try:
        assert planning.plan_built(NOON) == [issue]
    finally:
        inserting.STEP = usual
    issue.refresh_from_db()
    assert (issue.state, issue.planned_at) == (Issue.State.SENDING, NOON)
    assert progress(issue).queued == 5
    assert planning.plan_built(NOON) == []


def test_a_planner_continues_where_another_was_killed() -> None:
    """Existing rows stay, the rest is added."""
    issue = built(3)
    subscriber = Subscriber.objects.order_by("pk")[0]
    first = Delivery.objects.create(issue=issue, subscriber=subscriber, due_at=NOON)
    planning.plan_built(NOON)
    assert progress(issue).queued == 3
    assert Delivery.objects.filter(pk=first.pk).exists()


def test_an_issue_is_not_planned_before_its_slot() -> None:
    """However early it was built."""
    built()
    assert planning.plan_built(NOON - timedelta(seconds=1)) == []


def test_an_issue_that_cannot_be_rendered_waits_for_an_editor() -> None:
    """Paused, with the reason; it is not tried again and again."""
    issue = built()
    issue.newsletter.subject = "{{ nonsense"
    issue.newsletter.save()
    assert planning.plan_built(NOON) == []
    issue.refresh_from_db()
    assert issue.state == Issue.State.PAUSED
    assert "cannot be rendered" in issue.reason


def test_every_subscriber_gets_a_mail_of_their_own(relay: StartRelay) -> None:
    """Their address, their unsubscribe link, their Message-ID."""
    server, issue = relay(), make_running(3)
    tally = sender.send_due()
    assert tally.counts == {State.SENT: 3}
    mails = [message_from_bytes(message.data, policy=policy.default) for message in server.received]
    assert sorted(mail["To"] for mail in mails) == sorted(server.recipients)
    assert len({mail["Message-ID"] for mail in mails}) == 3
    subscribers = {
        links.read_unsubscribe_token(mail["List-Unsubscribe"].strip("<>").rpartition("/")[2])
        for mail in mails
    }
    assert {link.subscriber for link in subscribers} == set(
        Delivery.objects.values_list("subscriber", flat=True)
    )
    assert progress(issue).sent == 3


def test_bounces_go_to_an_address_of_their_own(relay: StartRelay, settings: Settings) -> None:
    """The envelope sender names issue and subscriber, where a domain for that is set."""
    settings.DIGEST_BOUNCE_DOMAIN = "bounces.courier.example"
    server, issue = relay(), make_running(3)
    sender.send_due()
    subscribers = Subscriber.objects.in_bulk()
    named = set()
    for message in server.received:
        local, _, domain = message.sender.partition("@")
        assert domain == "bounces.courier.example"
        link = links.read_bounce_token(local.removeprefix("bounce+"))
        link.require(issue, subscribers[link.ids[1]])
        named.add(link.ids)
    assert named == {(issue.pk, subscriber) for subscriber in subscribers}


def test_a_relay_that_knows_dsn_is_told_which_mail_it_is(relay: StartRelay) -> None:
    """By the token of the Message-ID, and asked to report failures only."""
    server = relay({"ehlo": lambda _: "250-test\r\n250 DSN"})
    make_running(1)
    sender.send_due()
    mail = message_from_bytes(server.received[0].data, policy=policy.default)
    token = mail["Message-ID"].strip("<>").partition("@")[0]
    [command] = [line for line in server.commands if line.startswith("MAIL")]
    [rcpt] = [line for line in server.commands if line.startswith("RCPT")]
    assert command.endswith(f"RET=HDRS ENVID={token}")
    assert rcpt.endswith("NOTIFY=FAILURE")


def test_a_message_id_is_a_function_of_issue_and_subscriber() -> None:
    """It identifies a repeat; another issue has another one."""
    first, second = make_running(), make_running()
    ada, ben = make_subscriber(), make_subscriber()
    assert outgoing.message_id(first, ada) == outgoing.message_id(first, ada)
    pairs = ((first, ada), (first, ben), (second, ada))
    assert len({outgoing.message_id(issue, subscriber) for issue, subscriber in pairs}) == 3


def test_each_delivery_gets_its_outcome(relay: StartRelay) -> None:
    """A third is deferred, a tenth refused, the others sent; the balance holds."""

    def answer(address: str) -> str | None:
        number = sum(address.encode())
        return "451 4.2.2 full" if number % 3 == 0 else "550 5.1.1 no" if number % 10 == 0 else None

    relay({"rcpt": answer})
    issue = make_running(30)
    sender.send_due()
    expected = [
        answer(delivery.subscriber.email)
        for delivery in Delivery.objects.all()
        if delivery.subscriber is not None
    ]
    counted = progress(issue)
    assert counted.deferred == sum(1 for reply in expected if reply and reply[0] == "4")
    assert counted.failed == sum(1 for reply in expected if reply and reply[0] == "5")
    assert counted.sent == expected.count(None)
    assert counted.eligible == 30


def test_a_deferred_subscriber_is_tried_again_later(relay: StartRelay) -> None:
    """Not at once; then it counts as the second attempt."""
    replies = ["451 4.7.1 greylisted"]
    server, issue = relay({"rcpt": lambda _: replies.pop() if replies else None}), make_running()
    sender.send_due()
    sender.send_due()
    assert server.received == []
    Delivery.objects.update(due_at=LONG_AGO)
    sender.send_due()
    row = Delivery.objects.get()
    assert (row.state, row.attempts) == (State.SENT, 2)
    assert sweeping.sweep(NOON).finished == [issue]


def test_a_relay_that_is_down_costs_nobody_an_attempt(
    relay: StartRelay, settings: Settings
) -> None:
    """It is not used for a while, and once it is back everyone gets their mail."""
    with SmtpServer() as dead:
        pass
    settings.DIGEST_SMTP_URL = dead.url
    issue = make_running(3)
    assert sender.send_due().total == 0
    row = Relay.objects.get()
    assert (row.failures, progress(issue).queued) == (1, 3)
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {0}
    assert "cannot be reached" in row.problem
    server = relay()
    assert sender.send_due().total == 0  # still resting
    Relay.objects.update(retry_at=LONG_AGO)
    sender.send_due()
    assert len(server.received) == 3
    row.refresh_from_db()
    assert (row.failures, row.down_since, row.problem) == (0, None, "")


def test_a_relay_that_goes_away_in_the_middle_loses_nothing(
    relay: StartRelay, settings: Settings
) -> None:
    """Messages before that are sent, the others wait without an attempt."""
    recipients: list[str] = []

    def answer(address: str) -> str | None:
        recipients.append(address)
        return "421 4.3.2 shutting down" if len(recipients) > 2 else None

    relay({"rcpt": answer})
    settings.DIGEST_SMTP_URL += "&connections=1"  # of several, one may have replies to come
    issue = make_running(5)
    sender.send_due()
    counted = progress(issue)
    assert (counted.sent, counted.queued) == (2, 3)
    assert Relay.objects.get().is_backing_off(clock.now())


def test_a_relay_that_delivers_in_between_rests_shortly(
    relay: StartRelay, settings: Settings
) -> None:
    """Its pauses grow only while nothing gets through."""
    numbers = itertools.count(1)
    relay({"rcpt": lambda _: "421 4.3.2 too busy" if next(numbers) in {3, 5} else None})
    settings.DIGEST_SMTP_URL += "&connections=1"
    issue = make_running(5)
    sender.send_due()
    Relay.objects.update(failures=5, retry_at=LONG_AGO)
    sender.send_due()
    assert (progress(issue).sent, progress(issue).queued) == (3, 2)
    assert Relay.objects.get().failures == 1


def test_a_lost_reply_is_uncertain_and_the_policy_decides(relay: StartRelay) -> None:
    """Resend: sent once more, and recorded as uncertain once."""
    hang_up = [True]
    server = relay({"end": lambda _: CLOSE if hang_up else None})
    issue = make_running(1)
    assert sender.send_due().counts == {State.UNCERTAIN: 1}
    hang_up.clear()
    sweeping.sweep(LONG_AGO)
    assert sender.send_due().total == 0  # the relay rests, before more are uncertain
    Relay.objects.update(retry_at=LONG_AGO)
    sender.send_due()
    row = Delivery.objects.get()
    assert (row.state, row.times_uncertain) == (State.SENT, 1)
    assert len(server.received) == 1
    assert progress(issue).sent == 1


def test_a_sender_stops_when_its_time_is_over(relay: StartRelay, settings: Settings) -> None:
    """After the messages in flight; the rest is due again, without an attempt."""
    settings.DIGEST_SEND_SECONDS = 3
    relay(delay=3.2)
    issue = make_running(30)
    total = sender.send_due().total
    assert 1 <= total <= 8  # one a connection, and the next whose envelope was out already
    assert progress(issue).queued == 30 - total
    assert sorted(Delivery.objects.values_list("attempts", flat=True)) == (
        [0] * (30 - total) + [1] * total
    )


@pytest.mark.django_db(transaction=True)
def test_a_slow_relay_does_not_cost_the_claim(relay: StartRelay, settings: Settings) -> None:
    """The lease is renewed while the sender waits for the final reply, far beyond its length."""
    settings.DIGEST_LEASE_SECONDS = 0.6
    swept: list[sweeping.SweepResult] = []

    def sweep_late(_: str) -> None:
        time.sleep(1.5)
        try:
            swept.append(sweeping.sweep(clock.now()))
        finally:
            connection.close()

    relay({"end": sweep_late})
    make_running(2)
    assert sender.send_due().counts == {State.SENT: 2}
    assert {(sweep.uncertain, sweep.requeued) for sweep in swept} == {(0, 0)}


@pytest.mark.django_db(transaction=True)
def test_a_database_that_comes_back_gets_the_reply(relay: StartRelay) -> None:
    """Its connections are cut between the message and the reply: nothing is uncertain."""

    def cut(_: str) -> None:
        with psycopg.connect(_test_database(), autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() "
                "AND backend_type = 'client backend'"
            )

    server = relay({"end": cut})
    make_running(1)
    assert sender.send_due().counts == {State.SENT: 1}
    row = Delivery.objects.get()
    assert (row.state, row.times_uncertain, len(server.received)) == (State.SENT, 0, 1)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_goes_away_leaves_nothing_uncertain(relay: StartRelay) -> None:
    """What is in flight gets its reply, again and again; the next run goes on."""
    numbers = itertools.count(1)

    def cut(_: str) -> None:
        if next(numbers) % 30 == 0:
            with psycopg.connect(
                _test_database(), autocommit=True, application_name="cut"
            ) as other:  # spares those that cut at the same moment
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND application_name <> 'cut' "
                    "AND backend_type = 'client backend'"
                )

    server, issue = relay({"end": cut}), make_running(140)
    for _ in range(20):
        sender.send_due()
        sweeping.sweep(clock.now())
    assert sorted(server.recipients) == sorted(set(server.recipients))
    assert (progress(issue).sent, len(server.received)) == (140, 140)
    assert not Delivery.objects.filter(times_uncertain__gt=0).exists()


@pytest.mark.django_db(transaction=True)
def test_unsubscribing_during_a_send_takes_effect_within_five_seconds(relay: StartRelay) -> None:
    """However slow the relay is, and though they were claimed long before."""
    server, issue = relay(delay=0.4), make_running(60)
    left_at: dict[str, float] = {}

    def leave() -> None:
        try:
            time.sleep(0.8)
            for subscriber in Subscriber.objects.order_by("-pk")[:20]:
                consent.unsubscribe(
                    subscriber.pk, issue.newsletter_id, via="one-click", ip=None, now=NOON
                )
                left_at[subscriber.email] = time.monotonic()
        finally:
            connection.close()

    arrived: dict[str, float] = {}

    def note(email: str) -> None:
        arrived[email] = time.monotonic()

    server.script = {"end": note}
    with ThreadPoolExecutor(1) as pool:
        leaving = pool.submit(leave)
        sender.send_due()
        leaving.result()
    late = [email for email, at in left_at.items() if arrived.get(email, 0) > at + 5]
    assert (late, len(left_at)) == ([], 20)
    counted = progress(issue)
    assert counted.suppressed >= 12
    assert counted.sent + counted.suppressed + counted.queued == 60


def _test_database() -> str:
    settings_dict = connection.settings_dict
    return make_conninfo(os.environ["DIGEST_DATABASE_URL"], dbname=settings_dict["NAME"])


def test_a_stored_issue_of_another_version_is_compiled_again(relay: StartRelay) -> None:
    """An upgrade in the middle of a send fails nobody."""
    server, issue = relay(), make_running(1)
    CompiledMail.objects.create(issue=issue, data=b"of long ago", created_at=NOON)
    assert sender.send_due().counts == {State.SENT: 1}
    assert len(server.received) == 1


def test_an_issue_that_cannot_be_rendered_any_more_is_paused(relay: StartRelay) -> None:
    """No delivery fails, and the issue behind it is sent."""
    server, broken, fine = relay(), make_running(1), make_running(1)
    broken.newsletter.subject = "{{ nonsense"
    broken.newsletter.save()
    assert sender.send_due().counts == {State.SENT: 1}
    broken.refresh_from_db()
    assert (broken.state, progress(broken).queued) == (Issue.State.PAUSED, 1)
    assert (progress(fine).sent, len(server.received)) == (1, 1)


def test_pausing_stops_and_resuming_continues(relay: StartRelay) -> None:
    """Nothing is sent in between, and nothing is lost."""
    server, issue = relay(), make_running(2)
    control.pause(issue)
    assert sender.send_due().total == 0
    control.resume(issue)
    sender.send_due()
    assert len(server.received) == 2


def test_cancelling_is_for_good(relay: StartRelay) -> None:
    """Waiting deliveries are recorded as cancelled, and it cannot be undone."""
    relay()
    issue = make_running(2)
    assert control.cancel(issue, "Wrong headline.", NOON) == 2
    assert sender.send_due().total == 0
    assert progress(issue).cancelled == 2
    assert issue.reason == "Wrong headline."
    for action in (control.pause, control.resume):
        with pytest.raises(DeliveryError, match="it is cancelled"):
            action(issue)


def test_an_issue_paused_before_planning_is_planned_when_resumed() -> None:
    """It returns to its earlier state."""
    issue = built()
    control.pause(issue)
    assert planning.plan_built(NOON) == []
    control.resume(issue)
    assert planning.plan_built(NOON) == [issue]


@pytest.mark.parametrize("scope", ["article", "story"])
def test_what_was_retracted_is_not_resumed(relay: StartRelay, scope: str) -> None:
    """The issue was paused because its only story was taken back; restored, it goes on."""
    server, issue = relay(), make_running(2)
    article = make_article(make_source(issue.newsletter))
    issue.stories.update(article=article)
    ada = User.objects.create_user("ada@courier.example")
    if scope == "article":
        retracting.withdraw(article, "Wrong.", ada, NOON)
    else:
        control.pause(issue)
        issue.stories.update(retracted_at=NOON)
    issue.refresh_from_db()
    assert issue.state == Issue.State.PAUSED
    reason = issue.reason
    with pytest.raises(DeliveryError, match="retracted"):
        control.resume(issue)
    assert sender.send_due().total == 0
    issue.refresh_from_db()
    assert (issue.state, issue.reason) == (Issue.State.PAUSED, reason)
    storing.restore(article)
    issue.stories.update(retracted_at=None)
    control.resume(issue)
    sender.send_due()
    assert len(server.received) == 2


def test_without_a_relay_the_error_says_what_to_set(settings: Settings) -> None:
    """And everything stays queued."""
    settings.DIGEST_SMTP_URL = ""
    issue = make_running()
    with pytest.raises(ConfigurationError, match="DIGEST_SMTP_URL"):
        sender.send_due()
    assert progress(issue).queued == 1


def test_a_test_mail_leaves_no_trace(relay: StartRelay) -> None:
    """No issue, no delivery, and the story still goes out later."""
    server, newsletter = relay(), make_newsletter()
    make_article(make_source(newsletter), title="Seals")
    proofs.send_test(newsletter, parse("ed@courier.example"), NOON)
    [message] = server.received
    mail = message_from_bytes(message.data, policy=policy.default)
    assert mail["Subject"] == "[Test] Seals"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert not Issue.objects.exists()
    assert build(newsletter, NOON, NOON).stories.count() == 1


def test_a_test_of_nothing_says_why(relay: StartRelay) -> None:
    """Nothing new: nothing to send."""
    relay()
    with pytest.raises(DeliveryError, match="No new stories"):
        proofs.send_test(make_newsletter(), parse("ed@courier.example"), NOON)
