"""Who wrote a mail, and whether a machine did."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.inbound import reading
from tests import cpu

HEAD = b"From: Nadia <Nadia@Reader.example>\r\nSubject: hello\r\n"


def test_a_person_is_read() -> None:
    """One From, one address."""
    mail = reading.read(HEAD + b"\r\nhi\r\n", "nadia@reader.example")
    assert mail.sender is not None
    assert (mail.sender.key, mail.machine) == ("nadia@reader.example", "")


@pytest.mark.parametrize(
    "field",
    [
        b"Auto-Submitted: auto-replied",
        b"Auto-Submitted: auto-generated; owner-email=x",
        b"auto-submitted:\r\n auto-notified",
        b"Precedence: bulk",
        b"Precedence: LIST",
        b"List-Id: <x.example>",
        b"List-Unsubscribe: <https://x.example>",
        b"X-Auto-Response-Suppress: All",
        b"X-Autoreply: yes",
    ],
)
def test_a_machine_is_known_by_its_fields(field: bytes) -> None:
    """RFC 3834 §2, and what older programs write."""
    assert reading.read(HEAD + field + b"\r\n\r\n", "nadia@reader.example").machine


@pytest.mark.parametrize(
    "sender",
    [
        "",
        "<>",
        "mailer-daemon@x.example",
        "MAILER-DAEMON@x.example",
        "no-reply@x.example",
        "noreply+7@x.example",
        "owner-list@x.example",
        "list-request@x.example",
        "bounces+a=b@x.example",
        "postmaster@x.example",
    ],
)
def test_a_machine_is_known_by_its_envelope(sender: str) -> None:
    """Nobody, and those who never read answers."""
    assert reading.read(HEAD + b"\r\n", sender).machine


def test_auto_submitted_no_is_a_person() -> None:
    """RFC 3834 §5: "no" says that a person sent it."""
    assert not reading.read(HEAD + b"Auto-Submitted: no\r\n\r\n", "nadia@reader.example").machine


@pytest.mark.parametrize(
    "head",
    [
        b"Subject: x\r\n",
        b"From: a@x.example, b@x.example\r\n",
        b"From: a@x.example\r\nFrom: b@x.example\r\n",
        b"From: friends: a@x.example, b@x.example;\r\n",
        b"From: nobody\r\n",
        b"From: =?utf-8?q?a=40x=2Eexample?=\r\n",
        b"From: <a@x.example\r\n b>\r\n",
        b"From: \xff\xfe@x.example\r\n",
    ],
)
def test_no_single_sender_is_nobody(head: bytes) -> None:
    """There must be exactly one sound address."""
    assert reading.read(head + b"\r\n", "nadia@reader.example").sender is None


@given(st.binary(max_size=2000))
def test_rubbish_never_raises(raw: bytes) -> None:
    """Whatever the bytes are."""
    reading.read(raw, "x@x.example")
    reading.read(b"From: " + raw, "x@x.example")
    reading.broken(raw)


@pytest.mark.parametrize(
    "body", [b"a\nb\r\n", b"a\rb\r\n", b"\r.\r\n", b"\n.\n", b"\r\n\0.\r\n", b"x" * 999 + b"\r\n"]
)
def test_unsound_bytes_are_named(body: bytes) -> None:
    """Bare CR, bare LF, NUL, and lines without end."""
    assert reading.broken(HEAD + b"\r\n" + body).startswith("5.6.0")


@pytest.mark.parametrize(
    "junk", [b",", b"(", b"<", b'"', b"a@b,", b"=?utf-8?q?a?=", b": ;", b"\r\n "]
)
@pytest.mark.parametrize("name", [b"From", b"Auto-Submitted", b"Precedence", b"Subject", b"X"])
def test_no_field_takes_long(name: bytes, junk: bytes) -> None:
    """Python's own parser takes seconds for 20 KB of commas (cpython#136063)."""
    for size in (1000, 60_000):
        head = HEAD.replace(b"Subject", b"X-Subject") + name + b": " + junk * (size // len(junk))
        content = head + b"\r\n\r\nhi"
        assert cpu.seconds_of(lambda: reading.read(content, "nadia@reader.example")) < 0.5  # noqa: B023


def test_a_field_that_is_too_long_is_not_answered() -> None:
    """A From of more than a kilobyte is nobody's."""
    mail = reading.read(b"From: " + b"a@b.example," * 90 + b"\r\n\r\nhi", "nadia@reader.example")
    assert (mail.sender, mail.machine) == (None, "a field of its header is too long")


def test_a_header_has_a_limit() -> None:
    """It is refused in SMTP's words; the text of a mail may be as long as ever."""
    fields = b"X: " + b"a" * 900 + b"\r\n"
    assert "header is larger" in reading.broken(HEAD + fields * 80 + b"\r\nhi\r\n")
    assert not reading.broken(HEAD + fields * 60 + b"\r\n" + (b"a" * 900 + b"\r\n") * 500)
