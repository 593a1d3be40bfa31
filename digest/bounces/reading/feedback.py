"""Complaints: feedback reports (ARF, RFC 5965) and what Microsoft's and others' loops send."""

import re

from digest.bounces.reading.reasons import Reason
from digest.bounces.reading.report import Kind, Report
from digest.bounces.reading.structure import Message
from digest.bounces.reading.texts import shortened

# RFC 5965 §7.3 and RFC 6650 §5; "opt-out" and "opt-out-list" are of older drafts.
_COMPLAINTS = {"abuse", "fraud", "virus", "other", "opt-out", "opt-out-list", "miscategorized"}
_NO_COMPLAINTS = {"not-spam", "auth-failure", "dmarc"}
# Where a gateway made a text of the part for machines.
_KIND = re.compile(r"^feedback-type:[ \t]*([\w-]{1,40})", re.IGNORECASE | re.MULTILINE)


def read(message: Message) -> Report | None:
    """Return a complaint, or None where the message is none."""
    if message.feedback:
        return _arf(message, message.feedback)
    if _is_of_microsoft(message):
        return complaint("abuse", "Microsoft JMRP", "")
    if "report-type=feedback-report" in message.fields.get("content-type", "").replace('"', ""):
        kind = _KIND.search(message.text)
        return _arf(message, {"feedback-type": kind[1] if kind else "abuse"})
    return None


def _is_of_microsoft(message: Message) -> bool:
    """Return whether Microsoft's loop sent a message: by its field, or by its former subject."""
    field = "x-hmxmroriginalrecipient"
    if field in message.returned or field in message.fields:
        return True
    subject = message.fields.get("subject", "").lower()
    return subject.startswith("complaint about message from ") and bool(message.returned)


def _arf(message: Message, fields: dict[str, str]) -> Report:
    kind = fields["feedback-type"].lower()
    if kind in _NO_COMPLAINTS or kind not in _COMPLAINTS:
        return Report(Kind.OTHER, Reason.FEEDBACK, text=shortened(f"Feedback-Type: {kind}"))
    recipient = fields.get("original-rcpt-to") or fields.get("original-recipient", "")
    reporter = fields.get("reporting-mta") or fields.get("user-agent", "")
    return complaint(kind, reporter or message.fields.get("from", ""), recipient)


def complaint(kind: str, reporter: str, recipient: str) -> Report:
    """Return a complaint; `kind` is a Feedback-Type (RFC 5965 §7.3)."""
    return Report(
        Kind.COMPLAINT,
        Reason.FEEDBACK,
        permanent=True,
        text=shortened(f"Feedback-Type: {kind}"),
        recipient=recipient.rpartition(";")[2].strip(" <>")[:320],
        reporter=shortened(reporter.rpartition(";")[2], 253),
    )
