"""Mail that returns to our own addresses, over real SMTP and LMTP."""

from typing import Any
from unittest.mock import Mock

import pytest
from django.db import OperationalError

from digest.bounces.models import Bounce
from digest.core import links
from digest.inbound import commands
from digest.issues.models import Issue
from digest.notices.models import Notice
from digest.sending import ledger
from digest.sending.models import Claim
from digest.subscribers.models import Subscriber, Suppression
from tests.bounces import shapes
from tests.bounces.factories import make_sent, message_id
from tests.cast import LONG_AGO, NOON, make_running, make_subscriber
from tests.inbound.conftest import Talk
from tests.inbound.test_receiving import Serving
from tests.sending.claiming import claim_batch

pytestmark = pytest.mark.django_db(transaction=True)

DOMAIN = "bounces.courier.example"
UNKNOWN = f"550 5.1.1 <{shapes.ADDRESS}>: User unknown"


@pytest.fixture(autouse=True)
def bounce_domain(settings: Any) -> None:
    """Mail returns to a domain of its own."""
    settings.DIGEST_BOUNCE_DOMAIN = DOMAIN


@pytest.fixture
def smtp(serving: Serving) -> Talk:
    """A conversation that has begun."""
    talk = Talk(serving("smtp"))
    talk.say(b"EHLO mailbox.example\r\n")
    return talk


def send(talk: Talk, to: str, content: bytes, sender: str = "") -> str:
    """Hand a message over; return the last reply."""
    talk.say(f"MAIL FROM:<{sender}>\r\n".encode())
    reply = talk.say(f"RCPT TO:<{to}>\r\n".encode())
    if not reply.startswith("250"):
        talk.say(b"RSET\r\n")
        return reply
    talk.say(b"DATA\r\n")
    lines = content.replace(b"\r\n", b"\n").replace(b"\n.", b"\n..").replace(b"\n", b"\r\n")
    return talk.say(lines + b"\r\n.\r\n")


def address(issue: Issue, subscriber: Subscriber) -> str:
    """The envelope sender of the subscriber's mail."""
    return f"bounce+{links.bounce_token(issue, subscriber)}@{DOMAIN}"


def test_reports_rest_while_a_sender_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lease says so; without an answer they rest, too."""
    assert not commands.is_mail_sent()
    claim_batch(make_running(2), 1, NOON)
    assert commands.is_mail_sent()
    Claim.objects.update(lease_until=LONG_AGO)
    assert not commands.is_mail_sent()
    monkeypatch.setattr(ledger, "is_sending", Mock(side_effect=OperationalError("away")))
    assert commands.is_mail_sent()


def test_a_bounce_to_the_signed_address_counts(
    smtp: Talk, issue: Issue, subscriber: Subscriber
) -> None:
    """From a null sender, in capitals, twice; and nobody gets an answer."""
    to = address(issue, subscriber)
    for recipient in (to, to.upper()):
        assert send(smtp, recipient, shapes.postfix(UNKNOWN)) == "250 2.0.0 Done"
    bounce = Bounce.objects.get()
    assert (bounce.subscriber, bounce.issue, bounce.consequence) == (subscriber, issue, "hard")
    assert Suppression.objects.get().address_key == shapes.ADDRESS
    assert not Notice.objects.exists()


def test_a_report_is_read_however_it_is_written(
    smtp: Talk, issue: Issue, subscriber: Subscriber
) -> None:
    """Bare line feeds and zeros are refused elsewhere; here nothing is passed on."""
    content = shapes.qmail(UNKNOWN).replace(b"Hi.", b"Hi\0.")
    assert send(smtp, address(issue, subscriber), content) == "250 2.0.0 Done"
    assert Bounce.objects.get().reason == "userunknown"


def test_a_complaint_counts_by_the_returned_header(
    smtp: Talk, issue: Issue, subscriber: Subscriber
) -> None:
    """A feedback loop writes to one address, and returns our mail with its signed Message-ID."""
    returned = (
        f"Message-ID: <{message_id(issue, subscriber)}@courier.example>\nSubject: x\n\nhello\n"
    )
    reply = send(smtp, f"complaints@{DOMAIN}", shapes.complaint(returned=returned), "fbl@y.example")
    assert reply == "250 2.0.0 Done"
    bounce = Bounce.objects.get()
    assert (bounce.issue, bounce.is_complaint, bounce.suppressed) == (issue, True, True)


def test_a_bounce_without_our_address_counts_by_its_unsubscribe_link(
    smtp: Talk, issue: Issue, subscriber: Subscriber
) -> None:
    """Also where it stands as text in the report."""
    token = links.unsubscribe_token(subscriber, issue.newsletter, issue.pk)
    content = shapes.exim(UNKNOWN).replace(
        b"Subject: Virus", f"List-Unsubscribe: <https://x/unsubscribe/{token}>\nSubject: V".encode()
    )
    send(smtp, f"bounces@{DOMAIN}", content)
    assert Bounce.objects.get().issue == issue


@pytest.mark.parametrize("make", [shapes.postfix, shapes.exim, shapes.qmail])
def test_a_forged_bounce_has_no_effect(
    smtp: Talk, issue: Issue, subscriber: Subscriber, make: Any
) -> None:
    """It names a subscriber's address, and a token that is not ours or not theirs."""
    other = make_subscriber(issue.newsletter)
    forged = links.bounce_token(issue, other)[:-6] + "aaaaaa"
    assert send(smtp, f"bounce+{forged}@{DOMAIN}", make(UNKNOWN)).startswith("550 5.1.1 ")
    content = make(UNKNOWN).replace(b"original@", f"{message_id(issue, other)[:-5]}AAAAA@".encode())
    assert send(smtp, f"bounces@{DOMAIN}", content) == "250 2.0.0 Done"
    assert not Bounce.objects.exists()
    assert not Suppression.objects.exists()


def test_a_forged_complaint_has_no_effect(smtp: Talk, subscriber: Subscriber) -> None:
    """An address in a feedback report is what a stranger typed."""
    send(smtp, f"complaints@{DOMAIN}", shapes.complaint())
    assert not Suppression.objects.exists()


def test_a_token_of_rows_that_are_gone_has_no_effect(smtp: Talk, subscriber: Subscriber) -> None:
    """The ids may be given again after a restore; the token is not theirs."""
    issue = make_sent(subscriber)
    to = address(issue, subscriber)
    number = subscriber.pk
    subscriber.delete()
    make_subscriber(issue.newsletter, pk=number)
    assert send(smtp, to, shapes.postfix(UNKNOWN)) == "250 2.0.0 Done"
    assert not Bounce.objects.exists()


@pytest.mark.parametrize(
    "content",
    [
        shapes.note("Out of office"),
        shapes.note("Hello", body="550 5.1.1 user unknown"),
        shapes.delayed("450 4.2.0 Greylisted"),
        b"x",
    ],
)
def test_other_mail_to_the_address_has_no_effect(
    smtp: Talk, issue: Issue, subscriber: Subscriber, content: bytes
) -> None:
    """Absence notes, letters, warnings, rubbish: taken, and nothing follows."""
    assert send(smtp, address(issue, subscriber), content, "kim@x.example") == "250 2.0.0 Done"
    assert not Bounce.objects.exists()
    assert not Notice.objects.exists()


@pytest.mark.parametrize(
    ("sender", "bounces"), [("", ["undefined"]), ("helpdesk@mailbox.example", [])]
)
def test_a_null_sender_marks_a_report_that_nothing_else_marks(
    smtp: Talk, issue: Issue, subscriber: Subscriber, sender: str, bounces: list[str]
) -> None:
    """Its header is not written yet when a mail comes by SMTP; with a sender it is a letter."""
    content = shapes.note("Message undeliverable", body="We could not bring it to its desk.")
    assert send(smtp, address(issue, subscriber), content, sender) == "250 2.0.0 Done"
    assert list(Bounce.objects.values_list("reason", flat=True)) == bounces


def test_ten_thousand_reports_are_one(smtp: Talk, issue: Issue, subscriber: Subscriber) -> None:
    """A hundred over each connection; here fifty."""
    to = address(issue, subscriber)
    for _ in range(50):
        assert send(smtp, to, shapes.postfix(UNKNOWN)) == "250 2.0.0 Done"
    assert Bounce.objects.count() == 1


def test_commands_belong_to_their_domain(smtp: Talk) -> None:
    """Nobody subscribes at the domain that mail returns to."""
    assert send(smtp, f"help@{DOMAIN}", b"x").startswith("550 5.1.1 ")
    assert send(smtp, "bounces@in.courier.example", b"x").startswith("550 5.1.1 ")


def test_lmtp_answers_for_each_recipient(
    serving: Serving, issue: Issue, subscriber: Subscriber
) -> None:
    """As our own mail server hands bounces over."""
    talk = Talk(serving("lmtp"))
    talk.say(b"LHLO mx\r\n")
    assert send(talk, address(issue, subscriber), shapes.sendmail(UNKNOWN)).startswith("250")
    assert Bounce.objects.get().consequence == "hard"
