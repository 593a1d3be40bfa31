"""Reading what comes back, in the shapes that servers write."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.bounces.reading import Kind, read_report
from digest.bounces.reading.reasons import Reason
from digest.bounces.reading.rules import Rule, rules
from tests import cpu
from tests.bounces import shapes

_SHAPES = list(shapes.FAILURES)


@pytest.mark.parametrize(
    ("number", "rule"),
    list(enumerate(rules())),
    ids=lambda value: getattr(value, "example", "")[:60],
)
def test_words_are_read_in_every_shape(number: int, rule: Rule) -> None:
    """Each reply in one of the shapes: the reason is the rule's, never the returned story's."""
    shape = _SHAPES[number % len(_SHAPES)]
    report = read_report(shapes.FAILURES[shape](rule.example))
    assert report.kind == Kind.BOUNCE
    assert report.reason in {rule.reason, Reason.FILTERED}, shape
    assert report.recipient in {shapes.ADDRESS, "", "kim@example.com"}


@pytest.mark.parametrize("shape", _SHAPES)
def test_a_shape_is_read_whole(shape: str) -> None:
    """Kind, reason, code, address and whether it is for good."""
    reply = f"550 5.1.1 <{shapes.ADDRESS}>: Recipient address rejected: User unknown"
    report = read_report(shapes.FAILURES[shape](reply))
    assert (report.kind, report.reason, report.permanent) == (Kind.BOUNCE, "userunknown", True)
    assert (report.status, report.code) == ("5.1.1", 550)
    assert report.recipient == shapes.ADDRESS
    assert "Recipient address rejected" in report.text


@pytest.mark.parametrize("shape", _SHAPES)
def test_what_a_story_says_means_nothing(shape: str) -> None:
    """Subject and text of the returned message are an editor's words."""
    report = read_report(shapes.FAILURES[shape]("550 5.0.0 computer says no"))
    assert (report.kind, report.reason) == (Kind.BOUNCE, Reason.UNDEFINED)


def test_a_warning_is_no_bounce() -> None:
    """The server still tries."""
    report = read_report(shapes.delayed("450 4.1.1 User unknown"))
    assert report.kind == Kind.DELAY


@pytest.mark.parametrize("kind", ["abuse", "fraud", "virus", "other", "ABUSE", "opt-out"])
def test_a_complaint_is_read(kind: str) -> None:
    """RFC 5965 §7.3, in any case."""
    report = read_report(shapes.complaint(kind))
    assert (report.kind, report.recipient) == (Kind.COMPLAINT, shapes.ADDRESS)
    assert report.reporter == "loop.mailbox.example"


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize(("kind", "permanent"), [("Permanent", True), ("Transient", False)])
def test_a_notification_of_amazon_is_read(kind: str, *, permanent: bool, nested: bool) -> None:
    """As SNS sends it by mail: raw, or as a string within JSON."""
    bounced = {
        "emailAddress": shapes.ADDRESS,
        "status": "5.1.1",
        "diagnosticCode": "smtp; unknown user",
    }
    event = {
        "notificationType": "Bounce",
        "bounce": {"bounceType": kind, "bouncedRecipients": [bounced]},
    }
    text = json.dumps(event, separators=(",", ":"))
    if nested:
        text = json.dumps({"Type": "Notification", "Message": text}, indent=2)
    content = shapes.mail("no-reply@sns.amazonaws.com", "AWS Notification", "text/plain", text)
    report = read_report(content)
    assert (report.kind, report.reason) == (Kind.BOUNCE, "userunknown")
    assert (report.permanent, report.recipient) == (permanent, shapes.ADDRESS)


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "dmarc", "praise"])
def test_other_feedback_is_no_complaint(kind: str) -> None:
    """RFC 6430 and RFC 6591."""
    assert read_report(shapes.complaint(kind)).kind == Kind.OTHER


@pytest.mark.parametrize("field", ["X-HmXmrOriginalRecipient: <kim@mailbox.example>\n", ""])
def test_a_complaint_of_microsoft_is_read(field: str) -> None:
    """Its loop sends the message alone, with a field of its own or a subject of its own."""
    returned = field + shapes.RETURNED
    content = shapes.mail(
        "staff@hotmail.example",
        "complaint about message from 192.0.2.1",
        'multipart/mixed; boundary="b0"',
        shapes.parts_of(("message/rfc822", returned)),
    )
    assert read_report(content).kind == Kind.COMPLAINT


@pytest.mark.parametrize(
    "content",
    [
        shapes.note("Out of office: The Courier"),
        shapes.note("Automatische Antwort: Nachrichten"),
        shapes.note("Re: news", "Auto-Submitted: auto-replied\n"),
        shapes.note("Re: news", "X-Autoreply: yes\n"),
        shapes.note("Please confirm your message", body="550 5.1.1 user unknown unless you click"),
        shapes.note("Réponse automatique", body="user unknown"),
    ],
)
def test_machines_of_people_are_left_alone(content: bytes) -> None:
    """Absence notes and challenges."""
    assert read_report(content).kind == Kind.AUTOMATIC


def test_a_letter_is_left_alone() -> None:
    """Somebody wrote to the address in Return-Path, and quotes an error."""
    content = shapes.note("Question about your newsletter", body="I got 550 5.1.1 user unknown?")
    assert read_report(content).kind == Kind.LETTER


@pytest.mark.parametrize(
    "subject",
    [
        "Paper not delivered",
        "Zeitung nicht zugestellt",
        "Krant niet bezorgd",
        "Gazety nie dostarczono",
    ],
)
def test_a_subscriber_who_misses_a_newspaper_writes_a_letter(subject: str) -> None:
    """Words of servers are also words of people and of bug trackers: it takes the empty sender."""
    body = "Is my address unknown? I moved, and my account was closed."
    for fields, kind in (
        ("", Kind.LETTER),
        ("Auto-Submitted: auto-generated\n", Kind.LETTER),
        ("Return-Path: <>\n", Kind.BOUNCE),
    ):
        assert read_report(shapes.note(subject, fields, body=body)).kind == kind


@pytest.mark.parametrize(
    "subject", ["Kan niet worden bezorgd", "Недоставленное письмо", "系统退信", "배달되지 않음"]
)
def test_a_report_of_an_unnamed_server_is_known_by_its_subject(subject: str) -> None:
    """Where no daemon is its author, in the language of the server."""
    content = shapes.note(subject, "Return-Path: <>\n", body="550 User unknown")
    assert read_report(content).reason == Reason.USER_UNKNOWN


def test_the_subject_of_a_report_may_name_the_reason_alone() -> None:
    """Sendmail writes it there; nothing else marks the report."""
    content = shapes.note("Returned mail: User unknown", body="See the subject.")
    assert read_report(content).reason == Reason.USER_UNKNOWN


def test_our_tokens_are_found_wherever_they_stand() -> None:
    """In the address, the returned header, ENVID, and broken over lines."""
    bounce, message_id = "a2" * 25, "Ab_-" * 15
    returned = (
        f"Return-Path: <bounce+{bounce.upper()}@bounces.example>\n"
        f"Message-ID:\n <{message_id}@news.example>\n"
        f"List-Unsubscribe: <https://news.example/unsubscribe/{message_id}x>\n"
    )
    report = read_report(shapes.complaint(returned=returned + shapes.RETURNED))
    assert report.tokens.bounce == (bounce.upper(),)
    assert message_id in report.tokens.message_id
    assert report.tokens.unsubscribe == (f"{message_id}x",)


_HOSTILE = {
    "10 MB in one line": b"From: MAILER-DAEMON\nSubject: failure\n\n" + b"x" * 10_000_000,
    "a line of addresses": b"From: postmaster@x\n\n" + b"a@b.c" * 2_000_000,
    "a field of 10 MB": b"From: MAILER-DAEMON\nSubject: " + b"=?utf-8?q?a?=" * 800_000,
    "a flood of fields": b"".join(b"X-%d: 1\n" % number for number in range(200_000)) + b"\nhi",
    "1,000 nested parts": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number)
        for number in range(1000)
    ),
    "1,000 nested messages": b"Content-Type: message/rfc822\n\n" * 1000,
    "1,000 nested messages in UTF-8": b"Content-Type: message/global\n\n" * 1000,
    "tags that never end": b"From: postmaster@x\nContent-Type: text/html\n\n" + b"<br " * 60_000,
    "a style that never ends": b"From: MAILER-DAEMON@x\nContent-Type: text/html\n\n"
    + b"<style>" * 4_000,
    "tokens": b"From: postmaster@x\n\n" + b"bounce+" * 40_000 + b"unsubscribe/" * 20_000,
    "dashes": b"From: postmaster@x\nSubject: failure\n\n" + b"-" * 250_000,
    "stars and spaces": b"From: postmaster@x\nSubject: failure\n\n" + b"* -> \t" * 40_000,
    "newlines": b"From: postmaster@x\nSubject: failure\n" + b"\n" * 250_000,
    "colons": b"From: postmaster@x\nSubject: failure\n\n" + b"Final-Recipient:\n\n" * 20_000,
    "10,000 groups": b"Content-Type: message/delivery-status\n\n" + b"Action: x\n\n" * 20_000,
    "a charset that isn't": b"From: postmaster@x\nContent-Type: text/plain; charset=x\x80y\n\nhi",
    "words that might go on": b"From: postmaster@x\n\n550 user " + b"not a an the any be " * 12_000,
    "replies without an end": b"From: postmaster@x\n\n" + b"550 5.1.1 said: " * 16_000,
    "a word that never ends": b"From: postmaster@x\nSubject: =?utf-8?b?" + b"QUFB" * 2_000_000,
    "a type with quotes": b'Content-Type: multipart/mixed; boundary="' + b'\\"' * 120_000 + b"\n\n",
    "parameters": b"Content-Type: text/plain" + b"; a=b" * 50_000 + b"\n\nx",
    "4,000 parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 80_000,
    "entities": b"From: postmaster@x\nContent-Type: text/html\n\n" + b"&amp;&#1;&lt" * 20_000,
    "nothing": b"",
    "zeros": b"\0" * 300_000,
}


@pytest.mark.parametrize("name", _HOSTILE)
def test_hostile_reports_take_bounded_time(name: str) -> None:
    """Whatever its shape, a report takes less than half a second of a thread."""
    read_report(b"warm: up\n\n")
    assert cpu.seconds_of(lambda: read_report(_HOSTILE[name])) < 0.5


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=2_000))
def test_nothing_fails(content: bytes) -> None:
    """Whatever comes in, it is read as something."""
    for head in (b"", b"From: MAILER-DAEMON\nContent-Type: multipart/report; boundary=b\n\n--b\n"):
        assert read_report(head + content).kind in set(Kind)
