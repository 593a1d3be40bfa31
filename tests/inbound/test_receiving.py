"""Mail that comes in, over real SMTP and LMTP."""

import re
import smtplib
from collections.abc import Callable
from datetime import timedelta

import pytest

from digest.core import clock
from digest.core.links import sign_rows_until, unsubscribe_token
from digest.newsletters.models import Newsletter
from digest.notices import content
from digest.notices.models import Notice
from digest.selfservice import signups
from digest.subscribers.models import ConsentEvent, SignUp, Subscriber, Subscription
from tests.cast import make_newsletter, make_subscriber
from tests.inbound.conftest import DOMAIN, Talk

pytestmark = pytest.mark.django_db(transaction=True)

NADIA = "nadia@reader.example"
Serving = Callable[[str], int]


@pytest.fixture
def newsletter() -> Newsletter:
    """The Morning Tide."""
    return make_newsletter(slug="tide")


@pytest.fixture
def smtp(serving: Serving) -> Talk:
    """A conversation that has begun."""
    talk = Talk(serving("smtp"))
    talk.say(b"EHLO reader.example\r\n")
    return talk


def leave_address(subscriber: Subscriber, newsletter: Newsletter) -> str:
    """The mailto: in the subscriber's mails."""
    return f"unsubscribe+{unsubscribe_token(subscriber, newsletter, 7)}@{DOMAIN}"


def _delete(subscriber: Subscriber) -> int:
    """Delete a subscriber and return the id that is free now."""
    number = subscriber.pk
    subscriber.delete()
    return int(number)


def mail(talk: Talk, to: str, sender: str = NADIA, head: str = "", body: str = "hello") -> str:
    """Hand a mail over; return the last reply."""
    reply = talk.say(f"MAIL FROM:<{sender}>\r\n".encode())
    if reply.startswith("250"):
        reply = talk.say(f"RCPT TO:<{to}>\r\n".encode())
    if not reply.startswith("250"):
        talk.say(b"RSET\r\n")
        return reply
    talk.say(b"DATA\r\n")
    text = f"From: Nadia <{sender or NADIA}>\r\nTo: {to}\r\nSubject: x\r\n{head}\r\n{body}\r\n.\r\n"
    return talk.say(text.encode())


def test_writing_subscribes_after_a_confirmation(smtp: Talk, newsletter: Newsletter) -> None:
    """The same double opt-in as on the page; what was written to is the evidence."""
    assert mail(smtp, f"subscribe+tide@{DOMAIN}").startswith("250")
    wish = SignUp.objects.get()
    assert (wish.email, wish.via, wish.wording) == (
        NADIA,
        "mail",
        f"Wrote a mail to subscribe+tide@{DOMAIN}.",
    )
    signups.settle_due()
    notice = Notice.objects.get()
    assert (notice.kind, notice.email, notice.answers_mail) == ("confirm", NADIA, True)
    assert Subscription.objects.get().state == "pending"


def test_writing_unsubscribes_at_once(smtp: Talk, newsletter: Newsletter) -> None:
    """Whoever sends it: the token is the right; the subscriber's own address is told."""
    subscriber = make_subscriber(newsletter, email=NADIA)
    to = leave_address(subscriber, newsletter)
    assert mail(smtp, to, sender="assistant@elsewhere.example").startswith("250")
    assert Subscription.objects.get().state == "unsubscribed"
    assert ConsentEvent.objects.get().via == "mail"
    assert list(Notice.objects.values_list("kind", "email")) == [("left", NADIA)]
    assert mail(smtp, to).startswith("250")
    assert (ConsentEvent.objects.count(), Notice.objects.count()) == (1, 1)


@pytest.mark.parametrize("command", ["unsubscribe", "confirm"])
def test_an_address_of_a_lost_subscriber_is_nobodys(
    smtp: Talk, newsletter: Newsletter, command: str
) -> None:
    """After a restore somebody else has the id: mail to the old address is refused, and no more."""
    state = "active" if command == "unsubscribe" else "pending"
    erased = make_subscriber(email="lost@reader.example")
    tokens = {
        "unsubscribe": unsubscribe_token(erased, newsletter),
        "confirm": sign_rows_until("confirm", clock.now() + timedelta(days=1), erased, newsletter),
    }
    successor = make_subscriber(email=NADIA, pk=_delete(erased))
    Subscription.objects.create(
        subscriber=successor,
        newsletter=newsletter,
        state=state,
        created_at=clock.now(),
        confirmed_at=clock.now(),
    )
    reply = mail(smtp, f"{command}+{tokens[command]}@{DOMAIN}")
    assert reply.startswith("550 5.1.1")
    assert NADIA not in reply
    assert Subscription.objects.get().state == state
    assert not ConsentEvent.objects.exists()
    assert not Notice.objects.exists()


@pytest.mark.parametrize(
    ("sender", "head"), [("", ""), (NADIA, "Auto-Submitted: auto-generated\r\n")]
)
def test_machines_may_leave_and_are_not_answered(
    smtp: Talk, newsletter: Newsletter, sender: str, head: str
) -> None:
    """A mail program may send the mailto: by itself."""
    subscriber = make_subscriber(newsletter, email=NADIA)
    assert mail(smtp, leave_address(subscriber, newsletter), sender, head).startswith("250")
    assert Subscription.objects.get().state == "unsubscribed"
    assert not Notice.objects.exists()


def test_help_is_answered_once_in_an_hour(smtp: Talk, newsletter: Newsletter) -> None:
    """However often somebody asks, and whatever else they write."""
    for _ in range(3):
        assert mail(smtp, f"help@{DOMAIN}").startswith("250")
    assert list(Notice.objects.values_list("kind", "email")) == [("help", NADIA)]
    mail(smtp, f"subscribe+tide@{DOMAIN}")
    signups.settle_due()
    assert Notice.objects.count() == 1


@pytest.mark.parametrize(
    ("sender", "head"),
    [
        ("", ""),
        ("mailer-daemon@x.example", ""),
        (NADIA, "Auto-Submitted: auto-replied\r\n"),
        (NADIA, "Precedence: bulk\r\n"),
        (NADIA, "List-Id: <a.b>\r\n"),
        (f"help@{DOMAIN}", ""),
        ("news@courier.example", ""),
    ],
)
def test_machines_and_ourselves_are_never_answered(
    smtp: Talk, newsletter: Newsletter, sender: str, head: str
) -> None:
    """Taken, and nothing follows: no loop can turn."""
    for to in (f"subscribe+tide@{DOMAIN}", f"help@{DOMAIN}"):
        assert mail(smtp, to, sender, head).startswith("250")
    assert not SignUp.objects.exists()
    assert not Notice.objects.exists()


@pytest.mark.parametrize(
    "to",
    [
        "subscribe+nothing@",
        "subscribe@",
        "unsubscribe+junk@",
        "unsubscribe@",
        "editor@",
        "@",
        "help+nothing@",
    ],
)
def test_unknown_addresses_are_refused_at_once(smtp: Talk, newsletter: Newsletter, to: str) -> None:
    """Before anything was sent."""
    assert re.match(r"5\d\d", mail(smtp, to + DOMAIN))
    assert mail(smtp, "subscribe+tide@elsewhere.example").startswith("550 5.1.1")


def test_hidden_newsletters_are_unknown(smtp: Talk) -> None:
    """As on the page."""
    make_newsletter(slug="inner", state="private")
    assert mail(smtp, f"subscribe+inner@{DOMAIN}").startswith("550")


@pytest.mark.parametrize(
    "body",
    [b"x\r.\r\n", b"x\n.\n", b"x\n.\r\n", b"x\r\n\0.\r\n", b"one\ntwo", b"one\rtwo"],
)
def test_smuggled_line_ends_are_refused(smtp: Talk, newsletter: Newsletter, body: bytes) -> None:
    """Nothing ends a message but CRLF.CRLF, and what holds a bare CR or LF is not taken."""
    smtp.say(f"MAIL FROM:<{NADIA}>\r\n".encode())
    smtp.say(f"RCPT TO:<subscribe+tide@{DOMAIN}>\r\n".encode())
    smtp.say(b"DATA\r\n")
    smuggled = b"MAIL FROM:<a@x.example>\r\nRCPT TO:<help@" + DOMAIN.encode() + b">\r\n"
    reply = smtp.say(b"From: n@reader.example\r\n\r\n" + body + smuggled + b"\r\n.\r\n")
    assert reply.startswith("5"), reply
    assert not SignUp.objects.exists()


def test_large_mail_is_refused(smtp: Talk, newsletter: Newsletter) -> None:
    """Result in EHLO, said to MAIL, and held against who lies."""
    assert "SIZE 1000000" in smtp.say(b"EHLO reader.example\r\n")
    assert smtp.say(f"MAIL FROM:<{NADIA}> SIZE=2000000\r\n".encode()).startswith("552")
    line = "x" * 70 + "\r\n"
    assert mail(smtp, f"subscribe+tide@{DOMAIN}", body=line * 20_000).startswith("552")
    assert not SignUp.objects.exists()


def test_too_many_recipients_wait(smtp: Talk, newsletter: Newsletter) -> None:
    """The twenty-first comes back later (RFC 5321 §4.5.3.1.10)."""
    smtp.say(f"MAIL FROM:<{NADIA}>\r\n".encode())
    replies = [smtp.say(f"RCPT TO:<help@{DOMAIN}>\r\n".encode())[:3] for _ in range(21)]
    assert replies == ["250"] * 20 + ["452"]


def test_a_mailbox_has_its_share_here_too(smtp: Talk, newsletter: Newsletter) -> None:
    """The same limits as on the page, spellings folded."""
    for n in range(8):
        assert mail(smtp, f"subscribe+tide@{DOMAIN}", sender=f"nadia+{n}@gmail.com").startswith(
            "250"
        )
    assert SignUp.objects.count() == 5
    signups.settle_due()
    assert Notice.objects.count() == 1


def test_the_database_away_is_try_again(
    smtp: Talk, newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """451, and nothing is lost."""
    from django.db import OperationalError

    from digest.subscribers import signups as stored_signups

    def fail(*_: object, **__: object) -> None:
        raise OperationalError("the server is gone")

    monkeypatch.setattr(stored_signups, "store_signup", fail)
    assert mail(smtp, f"subscribe+tide@{DOMAIN}").startswith("451")


def test_lmtp_answers_for_each_recipient(serving: Serving, newsletter: Newsletter) -> None:
    """RFC 2033 §4.2: as many replies after the dot as recipients were taken."""
    subscriber = make_subscriber(newsletter, email=NADIA)
    talk = Talk(serving("lmtp"))
    assert talk.say(b"LHLO mx.example\r\n").startswith("250")
    talk.say(f"MAIL FROM:<{NADIA}>\r\n".encode())
    for to in (leave_address(subscriber, newsletter), f"help@{DOMAIN}"):
        assert talk.say(f"RCPT TO:<{to}>\r\n".encode()).startswith("250")
    assert talk.say(b"RCPT TO:<nobody@x.example>\r\n").startswith("550")
    talk.say(b"DATA\r\n")
    first = talk.say(f"From: {NADIA}\r\n\r\nhi\r\n.\r\n".encode())
    assert [first[:3], talk.read_reply()[:3]] == ["250", "250"]
    assert Subscription.objects.get().state == "unsubscribed"
    assert talk.say(b"NOOP\r\n").startswith("250")


def test_smtplib_gets_along_with_it(serving: Serving, newsletter: Newsletter) -> None:
    """An ordinary client, twice over one connection."""
    with smtplib.SMTP("127.0.0.1", serving("smtp"), "reader.example") as client:
        for n in range(2):
            sender = f"subscriber{n}@reader.example"
            message = f"From: {sender}\r\nSubject: x\r\n\r\nPlease.\r\n"
            assert client.sendmail(sender, [f"subscribe+tide@{DOMAIN}"], message) == {}
    assert SignUp.objects.count() == 2


@pytest.mark.parametrize(
    "command",
    [
        b"\r\n",
        b"\0\0\0\r\n",
        b"GET / HTTP/1.1\r\n",
        b"\xff\xfe\r\n",
        b"A" * 5000 + b"\r\n",
        b"AUTH LOGIN\r\n",
        b"VRFY root\r\n",
        b"EXPN list\r\n",
        b"RCPT TO:<a@b>\r\n",
        b"DATA\r\n",
    ],
)
def test_rubbish_gets_a_reply_and_no_more(
    smtp: Talk, newsletter: Newsletter, command: bytes
) -> None:
    """The conversation goes on, or is ended politely."""
    reply = smtp.say(command)
    assert re.match(r"(252|5\d\d)", reply), reply
    assert mail(smtp, f"subscribe+tide@{DOMAIN}").startswith("250")


def test_a_mail_confirms_where_no_page_can_be_opened(smtp: Talk, newsletter: Newsletter) -> None:
    """By the address in the confirmation; an absence note to it is not a command."""
    mail(smtp, f"subscribe+tide@{DOMAIN}")
    signups.settle_due()
    written = content.write_letter(Notice.objects.get(), clock.now())
    assert written is not None
    to = written.links["by_mail"].removeprefix("mailto:").partition("?")[0]
    mail(smtp, to, head="Auto-Submitted: auto-replied\r\n")
    assert Subscription.objects.get().state == "pending"
    assert mail(smtp, to).startswith("250")
    assert Subscription.objects.get().state == "active"
    assert ConsentEvent.objects.latest("pk").via == "mail"
    assert mail(smtp, "confirm+junk@" + DOMAIN).startswith("550")
