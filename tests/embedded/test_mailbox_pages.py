"""The mailbox pages: what they show, to whom, and what strangers' mail cannot do."""

import re
from datetime import time
from pathlib import Path

import pytest
from django.test import Client

from digest.embedded.mailbox import maildir
from tests.cast import make_newsletter, make_schedule
from tests.embedded.test_mails import WHOLE


@pytest.fixture
def box(embedded: Path) -> Path:
    """An empty Maildir where the pages look for it."""
    maildir.create(embedded / "mailbox")
    return embedded / "mailbox"


def mail(number: int = 1, subject: str = "Seals return", body: str = "Forty.") -> bytes:
    """A small mail as it lies in the Maildir."""
    lines = [
        "Return-Path: <bounces@courier.example>",
        f"Delivered-To: subscriber{number}@reader.example",
        f"X-Original-To: subscriber{number}@reader.example",
        "From: The Courier <news@courier.example>",
        f"Subject: {subject}",
        "Content-Type: text/html; charset=utf-8",
        "",
        body,
    ]
    return "\r\n".join(lines).encode()


def test_mails_are_listed_newest_first_fifty_a_page(client: Client, box: Path) -> None:
    """Sender, subject, recipient of each; the rest are a page away."""
    for number in range(1, 53):
        maildir.deliver(box, mail(number, f"Issue {number}"))
    first, second = client.get("/mailbox/").text, client.get("/mailbox/?page=2").text
    assert re.findall(r"Issue (\d+)", first) == [str(number) for number in range(52, 2, -1)]
    assert re.findall(r"Issue (\d+)", second) == ["2", "1"]
    assert "The Courier" in first
    assert "to subscriber52@reader.example" in first
    assert "Page 1 of 2" in first


@pytest.mark.parametrize("page", ["0", "-1", "99999999999999", "x", "", "²"])
def test_a_page_that_does_not_exist_is_the_nearest(client: Client, box: Path, page: str) -> None:
    """Nobody gets an error page for a number in an address."""
    maildir.deliver(box, mail())
    assert client.get("/mailbox/", {"page": page}).status_code == 200


def test_two_thousand_mails_are_listed_without_being_read(client: Client, box: Path) -> None:
    """Only the fifty shown are opened: unreadable others do no harm."""
    for number in range(1_950):
        (box / "new" / f"16000{number:05}.M000000P1Q1.digest,S=1").mkdir()
    for number in range(50):
        maildir.deliver(box, mail(number))
    assert "2,000 emails" in client.get("/mailbox/").text


@pytest.mark.django_db
def test_an_empty_mailbox_says_when_the_first_mail_will_come(client: Client, box: Path) -> None:
    """With the newsletter's name, and the time with its zone."""
    make_schedule(make_newsletter(name="The Morning Tide"), time=time(7, 31))
    page = client.get("/mailbox/").text
    assert "No emails yet" in page
    assert re.search(r"The Morning Tide is sent next at .*07:31 (GMT|BST)", page)


@pytest.mark.django_db
def test_an_empty_mailbox_without_a_schedule_says_how_to_send(client: Client, box: Path) -> None:
    """There is always a next step."""
    assert "digest send" in client.get("/mailbox/").text


@pytest.mark.parametrize("view", ["", "/html", "/text", "/headers", "/source"])
def test_every_view_of_a_mail_has_a_page(client: Client, box: Path, view: str) -> None:
    """Each is a link, no script needed."""
    key = maildir.deliver(box, WHOLE)
    page = client.get(f"/mailbox/{key}{view}")
    assert page.status_code == 200
    for name in ("html", "text", "headers", "source"):
        assert f"/mailbox/{key}/{name}".replace(",", "%2C").replace(
            "=", "%3D"
        ) in page.text.replace(",", "%2C").replace("=", "%3D")


def test_envelope_and_headers_are_shown(client: Client, box: Path) -> None:
    """Return-Path is where bounces go; it is not part of what was sent."""
    key = maildir.deliver(box, WHOLE)
    page = client.get(f"/mailbox/{key}/headers").text
    envelope, headers = page.split("Headers</caption>")
    assert "b@courier.example" in envelope
    assert "List-Unsubscribe-Post" in headers


def test_a_mail_can_be_downloaded_byte_for_byte(client: Client, box: Path) -> None:
    """For looking at it with other tools."""
    key = maildir.deliver(box, WHOLE)
    answer = client.get(f"/mailbox/{key}/download")
    assert answer.content == WHOLE
    assert answer["Content-Disposition"].startswith("attachment")


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.mark.parametrize("view", ["", "/text", "/headers", "/source"])
def test_nothing_in_a_mail_becomes_markup_of_our_page(client: Client, box: Path, view: str) -> None:
    """Subject, names, addresses, headers, text and source are all escaped."""
    raw = mail(subject=HOSTILE, body=HOSTILE).replace(b"text/html", b"text/plain")
    raw = raw.replace(b"The Courier", HOSTILE.encode()).replace(b"subscriber1@", b"<script>@")
    key = maildir.deliver(box, raw)
    for page in (client.get("/mailbox/").text, client.get(f"/mailbox/{key}{view}").text):
        assert "<script" not in page
        assert "<img" not in page


def test_a_mails_own_html_is_sandboxed(client: Client, box: Path) -> None:
    """Shown as it is, but no script, form, frame or origin of ours goes with it."""
    key = maildir.deliver(box, mail(body=f"<p>{HOSTILE}</p>"))
    policy = client.get(f"/mailbox/{key}/frame")["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "form-action 'none'" in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert (
        'sandbox="allow-popups allow-popups-to-escape-sandbox"'
        in client.get(f"/mailbox/{key}").text
    )


def test_one_click_posts_only_to_this_installation(client: Client, box: Path) -> None:
    """A mail that names another site gets no button."""
    own_mail = WHOLE.replace(b"https://digest.example", b"http://testserver")
    page = client.get(f"/mailbox/{maildir.deliver(box, own_mail)}").text
    assert 'action="/unsubscribe/abc" method="post"' in page
    other = client.get(f"/mailbox/{maildir.deliver(box, WHOLE)}").text
    assert "<form" not in other


@pytest.mark.parametrize("key", ["..", "x", "1234567890.M000000P1Q1.digest,S=1"])
def test_an_unknown_mail_is_not_found(client: Client, box: Path, key: str) -> None:
    """404, whatever the name."""
    assert client.get(f"/mailbox/{key}").status_code == 404
    assert client.get(f"/mailbox/{key}/frame").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"REMOTE_ADDR": "192.168.1.20"},
        {"REMOTE_ADDR": ""},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.9"},
        {"REMOTE_ADDR": "::1", "HTTP_FORWARDED": "for=203.0.113.9"},
    ],
)
def test_only_this_machine_may_read_mail(
    client: Client, box: Path, headers: dict[str, str]
) -> None:
    """Mails hold links that act for subscribers; a proxy's visitors are not this machine."""
    key = maildir.deliver(box, WHOLE)
    for path in (
        "/mailbox/",
        f"/mailbox/{key}",
        f"/mailbox/{key}/frame",
        f"/mailbox/{key}/download",
    ):
        assert client.get(path, **headers).status_code == 404  # type: ignore[arg-type]
