"""Mailboxes that mail returns to, polled from a real Dovecot by IMAP and POP."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.test import Client

from digest.bounces.mailboxes import polling, registry
from digest.bounces.mailboxes.address import parse_address, write_address
from digest.bounces.mailboxes.errors import MailboxError
from digest.bounces.mailboxes.sessions import open_session
from digest.bounces.models import Bounce, Mailbox, MailboxMessage
from digest.bounces.reading.structure import LARGEST_MAIL
from digest.bounces.sunset import signs
from digest.core import clock, links
from digest.issues.models import Issue
from digest.subscribers import suppression
from digest.subscribers.models import Subscriber, Suppression
from tests.bounces import shapes
from tests.bounces.factories import message_id
from tests.bounces.mailboxes.conftest import PASSWORD, Dovecot
from tests.cast.accounts import make_superuser

pytestmark = pytest.mark.django_db

UNKNOWN = f"550 5.1.1 <{shapes.ADDRESS}>: User unknown"
LETTER = b"From: kim@x.example\nTo: news@courier.example\nSubject: Hello\n\nNice issue!\n"


def bounce_of(issue: Issue, subscriber: Subscriber) -> bytes:
    """A report as it lies in a mailbox that takes all mail of the bounce domain."""
    token = links.bounce_token(issue, subscriber)
    return f"Delivered-To: bounce+{token}@b.example\n".encode() + shapes.postfix(UNKNOWN)


def url_of(server: Dovecot, user: str, scheme: str = "imap", query: str = "") -> str:
    """The address of a mailbox of the server."""
    port = {"imap": server.imap, "imaps": server.imaps, "pop3": server.pop}[scheme]
    return f"{scheme}://{user}:{quote(PASSWORD, safe='')}@127.0.0.1:{port}{query}"


def test_a_persons_answer_stays(dovecot: Dovecot, issue: Issue, subscriber: Subscriber) -> None:
    """Its References hold our token, but it is for people to read; and a sign of life."""
    token = message_id(issue, subscriber)
    answer = LETTER.replace(b"\n\n", f"\nReferences: <{token}@courier.example>\n\n".encode())
    dovecot.deliver("bounces", answer)
    mailbox = registry.add("main", url_of(dovecot, "bounces"), clock.now())
    for _ in range(2):
        assert polling.poll(mailbox, clock.now()).recorded == 0
    assert dovecot.messages("bounces") == [answer]
    assert MailboxMessage.objects.get().outcome == "letter"
    assert signs.last_sign_of_life(subscriber) is not None


@pytest.mark.parametrize("scheme", ["imap", "pop3"])
def test_a_bounce_is_recorded_then_deleted(
    dovecot: Dovecot, issue: Issue, subscriber: Subscriber, scheme: str
) -> None:
    """And a letter in the same mailbox stays, and is fetched once."""
    for content in (bounce_of(issue, subscriber), LETTER):
        dovecot.deliver("bounces", content)
    mailbox = registry.add("main", url_of(dovecot, "bounces", scheme), clock.now())
    (polled,) = polling.poll_due()
    assert (polled.messages, polled.recorded, polled.problem) == (2, 1, "")
    assert Bounce.objects.get().issue == issue
    assert Suppression.objects.get().address_key == subscriber.address_key
    assert [b"Nice issue!" in content for content in dovecot.messages("bounces")] == [True]
    second = polling.poll(mailbox, clock.now())
    assert (second.messages, second.problem) == (0, "")
    outcomes = MailboxMessage.objects.order_by("outcome").values_list("outcome", flat=True)
    assert list(outcomes) == ["recorded", "unrelated"]


def test_what_was_recorded_before_a_worker_ended_is_not_recorded_again(
    dovecot: Dovecot, issue: Issue, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is only cleared; an editor may have lifted the suppression meanwhile."""
    dovecot.deliver("shared", bounce_of(issue, subscriber))
    mailbox = registry.add("main", url_of(dovecot, "shared", query="/INBOX"), clock.now())
    with monkeypatch.context() as patch:
        patch.setattr("digest.bounces.mailboxes.polling._CLEARED", set())
        polling.poll(mailbox, clock.now())
    assert len(dovecot.messages("shared")) == 1
    suppression.lift(subscriber.address_key)
    polled = polling.poll(mailbox, clock.now())
    assert (polled.messages, dovecot.messages("shared")) == (0, [])
    assert not Suppression.objects.exists()


def test_messages_are_moved_to_a_folder(
    dovecot: Dovecot, issue: Issue, subscriber: Subscriber
) -> None:
    """Which is created when it is first needed."""
    mailbox = registry.add(
        "main", url_of(dovecot, "folders", query="/INBOX?move_to=Read%20bounces"), clock.now()
    )
    for _ in range(2):
        dovecot.deliver("folders", bounce_of(issue, subscriber))
        assert polling.poll(mailbox, clock.now()).problem == ""
    assert dovecot.messages("folders") == []
    assert len(dovecot.messages("folders", "Read bounces")) == 2
    assert Bounce.objects.count() == 1


@pytest.mark.parametrize("scheme", ["imap", "pop3"])
def test_a_message_with_endless_lines_holds_nothing_up(
    dovecot: Dovecot, issue: Issue, subscriber: Subscriber, scheme: str
) -> None:
    """A line of ten megabytes lies before a real report."""
    dovecot.deliver("poison", b"Subject: x\n\n" + b"x" * 10_000_000 + b"\n")
    dovecot.deliver("poison", bounce_of(issue, subscriber))
    mailbox = registry.add("main", url_of(dovecot, "poison", scheme), clock.now())
    polled = polling.poll(mailbox, clock.now())
    assert (polled.recorded, polled.problem) == (1, "")
    assert len(dovecot.messages("poison")) == 1


@pytest.mark.parametrize("scheme", ["imap", "pop3"])
def test_a_mail_is_fetched_whole_up_to_a_limit(dovecot: Dovecot, scheme: str) -> None:
    """A DMARC report may be larger than what a bounce is read from."""
    lines = b"".join(b"%075d\n" % number for number in range(20_000))
    for size in (760_000, 1_500_000):
        dovecot.deliver("large", b"Subject: x\n\n" + lines[:size])
    with open_session(parse_address(url_of(dovecot, "large", scheme))) as session:
        whole, cut = sorted((session.fetch(key) for key in session.keys()), key=len)  # noqa: SIM118
    assert whole.replace(b"\r\n", b"\n").rstrip().endswith(lines[:760_000].rstrip())
    assert LARGEST_MAIL * 0.98 < len(cut) <= LARGEST_MAIL


def test_a_certificate_is_verified(dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    """With TLS from the first byte, and with STARTTLS."""
    urls = [url_of(dovecot, "tls", "imaps")]
    urls += [url_of(dovecot, "tls", scheme, "?starttls=required") for scheme in ("imap", "pop3")]
    for url in urls:
        with pytest.raises(MailboxError, match="certificate"):
            registry.check_address(url)
    monkeypatch.setenv("SSL_CERT_FILE", str(dovecot.folder / "certificate.pem"))
    assert [registry.check_address(url) for url in urls] == [0, 0, 0]


@pytest.mark.parametrize("scheme", ["imap", "pop3"])
def test_a_problem_is_said_and_tried_later(dovecot: Dovecot, scheme: str) -> None:
    """With growing waits; the password is in no message."""
    url = url_of(dovecot, "bounces", scheme).replace("sea", "see")
    mailbox = registry.add("main", url, clock.now())
    now = clock.now()
    for wait in (1, 2, 4):
        mailbox.refresh_from_db()
        polling.poll(mailbox, now)
        mailbox.refresh_from_db()
        assert mailbox.due_at == now + timedelta(minutes=wait)
    assert "Check the user, the password" in mailbox.problem
    assert "salt" not in mailbox.problem
    registry.change(mailbox, now, url="imap://a:b@127.0.0.1:1")
    assert "cannot be reached" in polling.poll(mailbox, now).problem


@pytest.mark.parametrize(
    "url",
    [
        "imaps://host",
        "imaps://u@host",
        "http://u:p@host",
        "imaps://u:p@host:x",
        "imaps://u:p@host?delete=1",
        "imaps://u:p%0d%0aA1@host",
        "imaps://u:p@host/IN%22BOX",
        "imaps://u:p@host/INBOX?move_to=INBOX",
        "pop3s://u:p@host?move_to=Done",
        "imap://u:p@host?starttls=maybe",
    ],
)
def test_an_address_that_cannot_be_used_is_refused(url: str) -> None:
    """Before anything is stored."""
    with pytest.raises(MailboxError):
        registry.add("main", url, clock.now())
    assert not Mailbox.objects.exists()


def test_an_address_is_written_as_it_is_read() -> None:
    """Whatever the password has in it; STARTTLS is required beyond this machine."""
    url = write_address("imap", "::1", "kim@x", PASSWORD, port=1143, move_to="Read/done")
    address = parse_address(url)
    assert (address.host, address.port, address.user) == ("::1", 1143, "kim@x")
    assert (address.password, address.move_to, address.starttls) == (PASSWORD, "Read/done", False)
    assert PASSWORD not in repr(address)
    assert parse_address("imap://u:p@mail.example").starttls


def test_the_console_adds_polls_and_removes_a_mailbox(dovecot: Dovecot, client: Client) -> None:
    """The password is sealed and not shown; a login that is refused stores nothing."""
    client.force_login(make_superuser())
    form = {
        "name": "main",
        "scheme": "imap",
        "host": "127.0.0.1",
        "port": dovecot.imap,
        "user": "tls",
        "password": "wrong",
    }
    page = client.post("/admin/relays/mailboxes/", form).content.decode()
    assert "Check the user, the password" in page
    assert not Mailbox.objects.exists()
    form["password"] = PASSWORD
    page = client.post("/admin/relays/mailboxes/", form, follow=True).content.decode()
    assert "main is polled every minute" in page
    mailbox = Mailbox.objects.get()
    assert "salt" not in page + mailbox.sealed_url
    Mailbox.objects.update(problem="The password has expired.", failures=3)
    path = f"/admin/relays/mailboxes/?change={mailbox.pk}"
    page = client.get(path).content.decode()
    assert "Change main" in page
    assert 'value="127.0.0.1"' in page
    assert PASSWORD not in page
    changes = {**form, "user": "large"}
    assert "main is saved" in client.post(path, changes, follow=True).content.decode()
    mailbox.refresh_from_db()
    assert (mailbox.problem, mailbox.failures) == ("", 0)
    assert registry.address_of(mailbox).user == "large"
    base = f"/admin/relays/mailboxes/{mailbox.pk}"
    for verb, text in (
        ("poll", "0 new messages, 0 recorded."),
        ("disable", "main is disabled."),
        ("enable", "main is enabled."),
        ("remove", "main was removed."),
    ):
        assert text in client.post(f"{base}/{verb}/", follow=True).content.decode()
    assert not Mailbox.objects.exists()
