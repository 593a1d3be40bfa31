"""Reads mail that comes back: what happened, to whom, and the tokens of ours in it. Pure.

    structure   the parts of a message, within limits, however it is nested
    dsn         delivery reports (RFC 3464, RFC 6533)
    feedback    complaints (ARF, RFC 5965)
    notifications  bounces and complaints that Amazon SES reports by mail
    automatic   absence notes and challenges, which mean nothing
    plain       reports in a server's own words
    transcripts which of several replies counts
    rules       the reason, by the words and codes of a reply
    phrases     the same for words that no rule knows
    about_sender  words that speak of us rather than of a subscriber
    doubts      words that take back that somebody is gone
    charsets, texts  octets and texts of strangers

Whatever is read was written by strangers. Only `Report.tokens` can be checked, by their signature.
"""

from email.utils import parseaddr

from digest.bounces.reading import automatic, dsn, feedback, notifications, plain, structure, tokens
from digest.bounces.reading.report import Kind, Report

__all__ = ["Kind", "Report", "read_report"]


def read_report(content: bytes) -> Report:
    """Read a message that came back; never raises. Takes time linear in a bounded size."""
    message = structure.parse(content)
    candidates = tokens.find(content, message)
    report = (
        feedback.read(message)
        or dsn.read(message)
        or notifications.read(message)
        or (None if automatic.is_automatic(message) else plain.read(message))
    )
    if report is None or _is_by_recipient(message, report):
        report = Report(_kind_of(message))
    return report.with_tokens(candidates)


def _is_by_recipient(message: structure.Message, report: Report) -> bool:
    """Return whether the one who is said to be gone wrote the message, which quotes a report."""
    if report.kind != Kind.BOUNCE or not report.recipient:
        return False
    is_by_machine = (
        bool(message.status) or automatic.is_by_server(message) or _is_by_system(message, report)
    )
    _, author = parseaddr(message.fields.get("from", "")[:500])
    return not is_by_machine and report.recipient.lower() == author.lower()


def _is_by_system(message: structure.Message, report: Report) -> bool:
    """Return whether a server wrote in the recipient's name, without a sender and with a code.

    Absence notes without a sender have no code.
    """
    return automatic.has_no_sender(message) and bool(report.status or report.code)


def _kind_of(message: structure.Message) -> Kind:
    if automatic.is_automatic(message):
        return Kind.AUTOMATIC
    return Kind.OTHER if automatic.is_by_server(message) else Kind.LETTER
