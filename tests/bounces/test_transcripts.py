"""Transcripts with the replies of several hosts: which of them counts."""

import pytest

from digest.bounces.reading import Kind, read_report
from digest.bounces.reading.reasons import Consequence, consequence_of
from digest.bounces.reading.replies import understand
from digest.bounces.reading.transcripts import concluding_reply
from tests.bounces import shapes

_SENDMAIL = f"""   ----- Transcript of session follows -----
... while talking to mx1.mailbox.example.:
>>> RCPT To:<{shapes.ADDRESS}>
<<< 451 4.7.1 Greylisted
... while talking to mx2.mailbox.example.:
>>> RCPT To:<{shapes.ADDRESS}>
<<< 550 5.1.1 <{shapes.ADDRESS}>... User unknown
550 5.1.1 <{shapes.ADDRESS}>... User unknown
<<< 503 5.0.0 Need RCPT (recipient)
"""
_CONCLUDED = [
    _SENDMAIL,
    "Earlier attempt: 421 4.7.0 too busy\n550 5.1.1 <kim@mailbox.example>: User unknown",
    "First attempt: 450 4.2.0 greylisted, try again later\nLast attempt: 550 5.1.1 User unknown",
    "<kim@mailbox.example>: host mx1 said: 421 4.3.2 down\nhost mx2 said: 550 5.2.1 Account closed",
]
# The temporary reply is the cause, or the last; or the later one is about something else.
_OPEN = [
    "550 5.1.1 mail failed (kim@mailbox.example:451 User unknown)",
    "550-Verification failed\n550-Response: 450 4.1.1 User unknown\n550 5.1.1 User unknown",
    "host mx.example said: 450 4.1.1 undeliverable: host\n    said:\n    550 5.1.1 User unknown",
    "host mx.example said: 450 4.1.1 undeliverable: host box said:\n550 5.1.1 User unknown",
    "450-4.2.1 mailbox busy\n550 5.1.1 User unknown",
    "451 4.3.0 directory: 550 5.1.1 User unknown",
    "421 4.7.0 too busy\n550 5.1.1 User unknown\n451 4.3.0 directory failed",
    "We will keep trying.\n<<< 451 4.3.0 busy\n<<< 550 5.1.1 User unknown",
    "<<< 451 4.3.0 busy\n<<< 550 5.1.1 mailbox unavailable, please retry later",
    "<<< 451 4.3.0 busy\n<<< 550 5.1.1 sender address unknown",
    "<<< 451 4.3.0 busy\n<<< 550 5.7.1 no such user, by policy",
]


@pytest.mark.parametrize("text", _CONCLUDED)
def test_a_later_refusal_of_the_address_counts(text: str) -> None:
    """An earlier host was only busy (RFC 5321 §4.2.1: a 4yz reply is about that attempt)."""
    assert _consequence(text) == Consequence.HARD


@pytest.mark.parametrize("text", _OPEN)
def test_a_temporary_reply_that_decides_suppresses_nobody(text: str) -> None:
    """A final code beside it is quoted, or answered by it."""
    assert _consequence(text) != Consequence.HARD


def test_a_whole_report_of_sendmail_is_read() -> None:
    """As it comes, without a delivery report."""
    content = shapes.mail("MAILER-DAEMON@x.example", "Returned mail", "text/plain", _SENDMAIL)
    report = read_report(content)
    assert (report.kind, report.permanent, report.status) == (Kind.BOUNCE, True, "5.1.1")


def test_a_delivery_report_with_a_temporary_status_stays_temporary() -> None:
    """Its own status outweighs the words."""
    assert not understand(_CONCLUDED[1], "4.7.0").permanent


def test_a_single_reply_is_left_as_it_is() -> None:
    """There is nothing to choose from."""
    for text in ("550 5.1.1 User unknown", "451 4.3.0 busy", ""):
        assert concluding_reply(text) is None


def _consequence(text: str) -> Consequence:
    refusal = understand(text)
    return consequence_of(refusal.reason, permanent=refusal.permanent)
