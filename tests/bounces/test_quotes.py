"""What a report says itself: not what it returns, nor what scanners and people add."""

import pytest

from digest.bounces.reading import Kind, read_report
from digest.bounces.reading.quotes import cleaned, own_words
from digest.bounces.reading.reasons import Reason
from tests.bounces import shapes

_FOOTERS = [
    "-- \nThis message has been scanned for viruses and\ndangerous content by MailGuard.",
    "This e-mail was checked by Gate Antivirus.",
    "Este mensaje ha sido analizado con Gate antivirus\nhttps://gate.example",
    "Diese Nachricht wurde auf Viren geprüft.",
    "No virus found in this incoming message.",
]
_STATUS = (
    f"Reporting-MTA: dns; mx.mailbox.example\n\nFinal-Recipient: rfc822; {shapes.ADDRESS}\n"
    "Action: failed\nStatus: 5.1.1\n"
)


@pytest.mark.parametrize("footer", _FOOTERS)
def test_a_scanners_footer_is_no_reason(footer: str) -> None:
    """It speaks of viruses because none was found."""
    content = shapes.exim(f"550 5.1.1 nobody\n\n{footer}\n")
    assert read_report(content).reason == Reason.USER_UNKNOWN
    report = _report(f"Delivery to {shapes.ADDRESS} failed.\n\n{footer}\n", _STATUS)
    assert (read_report(report).reason, read_report(report).permanent) == ("userunknown", True)


@pytest.mark.parametrize(
    "text",
    [
        "Scanned by Gate antivirus: a virus was found (Eicar).",
        "554 5.6.0 checked for viruses: contains a virus",
        "Your attachment was scanned for viruses and is infected.",
    ],
)
def test_a_virus_that_was_caught_is_a_reason(text: str) -> None:
    """The same words, with a result."""
    assert cleaned(f"Your message was not delivered.\n\n{text}\n").endswith(text)


def test_a_forwarded_report_is_read() -> None:
    """Somebody forwards a report to the address in Return-Path, quoted by their mail program."""
    quoted = "".join(f"> {line}\n" for line in ("Your mail failed.", "", *_STATUS.splitlines()))
    text = f"This came today.\n\nBegin forwarded message:\n\n> From: MAILER-DAEMON\n{quoted}"
    content = shapes.mail("Lee <lee@news.example>", "Fwd: Returned mail", "text/plain", text)
    report = read_report(content)
    assert (report.kind, report.reason, report.status) == (Kind.BOUNCE, "userunknown", "5.1.1")
    assert report.recipient == shapes.ADDRESS


def test_a_report_within_a_message_is_read() -> None:
    """A gateway passes a report on as an attachment of a message of its own."""
    inner = shapes.postfix("550 5.1.1 nobody").decode()
    content = shapes.mail(
        "MAILER-DAEMON@gate.example",
        "Delivery Status Notification (Failure)",
        'multipart/mixed; boundary="outer"',
        f"--outer\nContent-Type: message/rfc822\n\n{inner}\n--outer\nContent-Type: text/plain\n\n"
        "This e-mail is confidential.\n--outer--\n",
    )
    report = read_report(content)
    assert (report.kind, report.reason) == (Kind.BOUNCE, Reason.USER_UNKNOWN)


def test_the_diagnostic_code_outweighs_the_text() -> None:
    """Words that a rule knows count, whatever the text for people says less exactly."""
    groups = f"{_STATUS}Diagnostic-Code: smtp; 550 5.1.1 refused due to recipient preferences\n"
    report = read_report(_report("The person could not be reached.\n", groups))
    assert report.reason == Reason.FILTERED


def test_a_challenge_in_the_shape_of_a_report_is_left_alone() -> None:
    """It names no recipient, and no mail server wrote it."""
    groups = "Reporting-MTA: dns; guests.example\nAction: failed\n"
    text = "Your message waits. Click to be added to my guest list.\n"
    content = _report(text, groups).replace(b"MAILER-DAEMON@", b"noreply@")
    assert read_report(content.replace(b"Delivery failure", b"Re: news")).kind == Kind.LETTER


def test_words_end_where_the_returned_message_begins() -> None:
    """Its header, or a line that announces it."""
    for line in ("Received: from a by b", "----- Original message -----", "Old message:"):
        assert own_words(f"It failed.\n\n{line}\nuser unknown\n") == "It failed."


def _report(text: str, groups: str) -> bytes:
    body = shapes.parts_of(("text/plain; charset=utf-8", text), ("message/delivery-status", groups))
    kind = 'multipart/report; report-type=delivery-status; boundary="b0"'
    return shapes.mail("MAILER-DAEMON@mx.mailbox.example", "Delivery failure", kind, body)
