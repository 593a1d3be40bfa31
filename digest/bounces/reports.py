"""Take a message that came back: read it, find whose it is, record what it says.

The same for mail to our own address, for a mailbox that is polled, and for a relay's own copies.
What names nobody by a signed token has no effect: anybody can write to these addresses.
"""

import re
from datetime import datetime
from enum import StrEnum

import structlog

from digest.bounces.models import Bounce
from digest.bounces.reading import Kind, Report, read_report
from digest.bounces.recording import Finding, record
from digest.bounces.tracing import trace
from digest.reputation.dmarc import receiving
from digest.reputation.dmarc.message import looks_like_report
from digest.subscribers.activity import record_activity

log = structlog.get_logger(__name__)

_MESSAGE_ID = re.compile(rb"^message-id:\s*<([^<>\s]{1,250})>", re.IGNORECASE | re.MULTILINE)
_HEAD = 64 * 1024  # octets in which a header is looked for


class Outcome(StrEnum):
    """What followed from a message."""

    RECORDED = "recorded"  # a bounce, a complaint or a DMARC report
    UNCHANGED = "unchanged"  # about our mail, and nothing follows
    LETTER = "letter"  # a person answers our mail: it is for people to read
    UNRELATED = "unrelated"  # nothing shows that it is about our mail
    UNREADABLE = "unreadable"  # it could not be fetched from its mailbox


def receive(content: bytes, now: datetime, *, token: str = "") -> Outcome:
    """Take a message, whole or cut; `token` is that of the address it was sent to.

    Never raises for what the message says. Raises UnavailableError where a DMARC report cannot
    be read now.
    """
    if not token and looks_like_report(content):
        outcome = receive_dmarc(content, now)
        if outcome != Outcome.UNRELATED:
            return outcome
    return receive_report(read_report(content), now, token=token)


def receive_dmarc(content: bytes, now: datetime) -> Outcome:
    """Take a mail with DMARC reports about our domains (digest.reputation.dmarc)."""
    received = receiving.receive(content, now)
    if received.stored:
        return Outcome.RECORDED
    return Outcome.UNCHANGED if received.repeated else Outcome.UNRELATED


def receive_report(report: Report, now: datetime, *, token: str = "") -> Outcome:
    """Take a report that has been read."""
    mail = trace(report.tokens, token)
    if mail is None:
        log.info("bounce of nobody", kind=report.kind.value, reason=report.reason.value)
        return Outcome.UNRELATED
    if report.kind == Kind.LETTER:
        record_activity(mail.subscriber.pk, now)
        return Outcome.LETTER
    if report.kind not in {Kind.BOUNCE, Kind.COMPLAINT}:
        log.info("mail that came back left alone", kind=report.kind.value)
        return Outcome.UNCHANGED
    finding = Finding.of(report, Bounce.Source.REPORT)
    bounce = record(mail.subscriber, mail.issue, finding, now)
    return Outcome.UNCHANGED if bounce is None else Outcome.RECORDED


def message_id_of(content: bytes) -> str:
    """Return the Message-ID of a message, or ""."""
    head = re.split(rb"\r?\n\r?\n", content[:_HEAD], maxsplit=1)[0]
    match = _MESSAGE_ID.search(head)
    return match[1].decode("ascii", "replace") if match else ""
