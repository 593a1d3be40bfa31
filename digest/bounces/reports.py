"""Take a message that came back: read it, find whose it is, record what it says.

The same for mail to our own address, for a mailbox that is polled, and for a relay's own copies.
What names nobody by a signed token has no effect: anybody can write to these addresses.
"""

from datetime import datetime

import structlog

from digest.bounces.models import Bounce
from digest.bounces.reading import Kind, Report, read_report
from digest.bounces.recording import Finding, record
from digest.bounces.tracing import trace

log = structlog.get_logger(__name__)

NO_EFFECT = "no effect"
RECORDED = "recorded"


def receive(content: bytes, now: datetime, *, token: str = "") -> str:
    """Take a message, whole or cut; `token` is that of the address it was sent to.

    Returns RECORDED where a bounce or a complaint was recorded, else NO_EFFECT. Never raises for
    what the message says.
    """
    return receive_report(read_report(content), now, token=token)


def receive_report(report: Report, now: datetime, *, token: str = "") -> str:
    """Take a report that has been read."""
    if report.kind not in {Kind.BOUNCE, Kind.COMPLAINT}:
        log.info("mail that came back left alone", kind=report.kind.value)
        return NO_EFFECT
    mail = trace(report.tokens, token)
    if mail is None:
        log.info("bounce of nobody", kind=report.kind.value, reason=report.reason.value)
        return NO_EFFECT
    finding = Finding.of(report, Bounce.Source.REPORT)
    bounce = record(mail.subscriber, mail.issue, finding, now)
    return NO_EFFECT if bounce is None else RECORDED
