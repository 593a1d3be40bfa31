"""SMTP replies within texts: their codes, and whether they are for good."""

import re
from dataclasses import dataclass

from digest.bounces.reading import phrases
from digest.bounces.reading.about_sender import LONGEST_REPLY, contradiction_in, reason_about_us
from digest.bounces.reading.doubts import asserted, is_doubtful
from digest.bounces.reading.phrases.families import without_marks
from digest.bounces.reading.reasons import UNREACHABLE, Reason
from digest.bounces.reading.report import Kind, Report
from digest.bounces.reading.rules import normalized, reason_in_words, reason_of
from digest.bounces.reading.transcripts import concluding_reply

_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")
_CODE = re.compile(r"(?<![\d.:-])([45][0-5]\d)(?=[ -]|$)(?![ -]?(?:MB|KB|bytes|days|hours|users))")
_TEMPORARY = re.compile(r"temporar\w{1,4}|\btry (?:again |it )?later|in progress", re.IGNORECASE)
# What another server replied, which this one quotes: "(kim@mailbox.example:451 User unknown)".
_QUOTED_TEMPORARY = re.compile(r"(?:->|:) ?4[25]\d[ -](?:4\.\d|[A-Za-z])")
_AFTER_MAIL = re.compile(
    r"(?:in reply to|after|our|>>>) (?:end of )?mail(?: from|:)|in mail command", re.IGNORECASE
)
_AFTER_DATA = re.compile(
    r"in reply to (?:end of )?data|after (?:end of data|data)|smtp command data|>>> (?:data|\.)\s",
    re.IGNORECASE,
)
# A reply within a text, up to the end of its paragraph.
_REPLY = re.compile(r"(?<![\d.:-])5[0-5]\d[ -].{0,500}?(?=\n[ \t]*\n|\Z)", re.DOTALL)
_REFUSES_RECIPIENTS = {542, 550, 551, 553, 554}
_CARRIERS = re.compile(r"unknown user|user unknown")
_ABOUT_SENDER = {".1.7", ".1.8", ".7.20", ".7.23", ".7.25", ".7.26"}
_ABOUT_LETTERS = (".6.7", ".6.8", ".6.9", ".6.10")  # RFC 6531 §3.5: an address or header in UTF-8
_CERTAIN = (".1.1", ".1.10")
_OUT_OF_ORDER = 503  # RFC 5321 §4.2.3: a command, which says nothing of an address
# How Cisco begins a report, before the reply; its code is a class, not the server's.
_CLASS = re.compile(r"^\s*5\.\d\.\d - [A-Z][a-z ]{3,40} (?=[45]\d\d[ -]')")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal that was understood."""

    reason: Reason
    permanent: bool
    status: str
    code: int | None

    def report(self, text: str, recipient: str, reporter: str) -> Report:
        """Return the report of a bounce with this refusal, in the server's words."""
        return Report(
            Kind.BOUNCE,
            self.reason,
            self.permanent,
            self.status,
            self.code,
            text,
            recipient,
            reporter,
        )


def status_in(text: str) -> str:
    """Return the first enhanced code (RFC 3463) in a text, or ""."""
    match = _STATUS.search(text)
    return match[1] if match else ""


def code_in(text: str) -> int | None:
    """Return the first reply code of a refusal in a text."""
    match = _CODE.search(text)
    return int(match[1]) if match else None


def understand(text: str, status: str = "", code: int | None = None) -> Refusal:
    """Return what a refusal means, by a server's words and the codes that came with them.

    A code that says nothing (5.0.0) gives way to the one in the words. The refusal is for good
    unless one of its codes begins with 4, or its words say that it is not. Of several replies, one
    after another, a final one about the address counts (see `transcripts`).
    """
    text = _CLASS.sub("", text)
    if code is None and not status.startswith("4"):
        text = concluding_reply(text) or text
    inner = status_in(text)
    code = code or code_in(text)
    if inner and (not status or status.endswith(".0.0")):
        status = inner
    temporary = status.startswith("4") or inner.startswith("4") or (code or 500) < 500
    reason = _at_its_stage(reason_of(text, status, code), text, status, inner)
    if code == _OUT_OF_ORDER and reason in UNREACHABLE and not _names_address(text, status):
        reason = Reason.SYNTAX
    passes = temporary or _TEMPORARY.search(text) or _QUOTED_TEMPORARY.search(text)
    return Refusal(reason, not passes, status, code)


def _names_address(text: str, status: str) -> bool:
    """Return whether both the code and the words of a reply are about an address."""
    return status[1:3] in {".1", ".2"} and reason_in_words(text, status) is not None


def _at_its_stage(reason: Reason, text: str, status: str, inner: str) -> Reason:
    """Return the reason with regard to the command that was refused, and to whom the words name.

    What is refused after MAIL is the sender; so is what has a code about the sender, be it the
    report's or the one in the words (`inner`). "User unknown" after DATA, by a server that had
    accepted the recipient before, is a filter of that subscriber (NTT DoCoMo, KDDI); so is it with
    5.2.0, which names the mailbox rather than the address. Other words mean what they say: Mail.ru
    and Yahoo look for the mailbox after DATA.
    """
    if reason not in {*UNREACHABLE, Reason.UNDEFINED}:
        return reason
    compared = normalized(text)
    if contrary := _contrary(compared, reason, status):
        return contrary
    if reason == Reason.UNDEFINED:
        return Reason.USER_UNKNOWN if _is_bare_refusal(text) else reason
    if {status[1:], inner[1:]} & _ABOUT_SENDER or _AFTER_MAIL.search(text):
        return Reason.REJECTED
    is_by_code = reason_in_words(text, status) is None
    contradiction = contradiction_in(compared) if is_by_code else None
    is_late = status == "5.2.0" or _AFTER_DATA.search(text)
    is_filter = is_late and _CARRIERS.search(compared)
    if reason == Reason.USER_UNKNOWN and status[1:] not in _CERTAIN and is_filter:
        reason = Reason.FILTERED
    return contradiction or reason


def _contrary(compared: str, reason: Reason, status: str) -> Reason | None:
    """Return the reason of a reply that takes back that somebody is gone, or says it of us."""
    if about_us := reason_about_us(compared, reason):
        return about_us
    if status[1:] in _ABOUT_LETTERS:
        return Reason.CONTENT
    if reason == Reason.HOST_UNKNOWN and (
        status[1:] in {".5.2", ".5.4"} or ("syntax" in compared and len(compared) <= LONGEST_REPLY)
    ):
        return Reason.SYNTAX  # "Invalid domain name", of our EHLO
    is_open = is_doubtful(compared) or _is_conditional(compared)
    return Reason.UNDEFINED if is_open else None


def _is_conditional(compared: str) -> bool:
    """Return whether a reply says that somebody is gone with an "if" or an "or" alone."""
    plain, certain = without_marks(compared), asserted(compared)
    return certain != plain and _says_gone(plain) and not _says_gone(certain)


def _says_gone(text: str) -> bool:
    return reason_in_words(text) in UNREACHABLE


def _is_bare_refusal(text: str) -> bool:
    """Return whether a reply to RCPT says no more than that the recipient is refused."""
    reply = _REPLY.search(text)
    if reply is None or code_in(reply[0]) not in _REFUSES_RECIPIENTS:
        return False
    is_elsewhere = _AFTER_DATA.search(text) or _AFTER_MAIL.search(text)
    return not is_elsewhere and phrases.is_bare_refusal(normalized(reply[0]))
