"""Delivery reports (RFC 3464), as a part of their own or within a text."""

import re

from digest.bounces.reading.automatic import is_automatic, is_by_server
from digest.bounces.reading.quotes import cleaned, own_words
from digest.bounces.reading.reasons import Consequence, Reason, consequence_of
from digest.bounces.reading.replies import Refusal, status_in, understand
from digest.bounces.reading.report import Kind, Report
from digest.bounces.reading.rules import reason_in_words
from digest.bounces.reading.structure import Fields, Message, groups_of_text
from digest.bounces.reading.texts import shortened

_ADDRESSES = ("final-recipient", "original-recipient", "x-actual-recipient")
_OF_RECIPIENT = (*_ADDRESSES, "action", "status")
_SEVERITY = {Consequence.HARD: 3, Consequence.SENDER: 2, Consequence.SOFT: 1}
_WITHIN_TEXT = re.compile(r"^[ \t>]*(?:final|original)-recipient:", re.MULTILINE | re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>;,\"]{1,64}@[^\s<>;,\"]{1,255}")
_QUOTED = re.compile(r"^(?:[ \t]?>){1,10}[ \t]?", re.MULTILINE)
_MOST = 20  # recipients that are read; ours have one
_BEFORE = 4_000  # characters of a text before a recipient, and after it


def read(message: Message) -> Report | None:
    """Return what a delivery report says, or None where the message has none."""
    groups = message.status or _groups_written_in(message)
    recipients = _of_recipients(groups)
    if not recipients or not (_has_address(recipients[0]) or is_by_server(message)):
        return None  # challenges have this shape too
    by_action = [(_action(group), group) for group in recipients]
    failed = [group for action, group in by_action if action == "failed"][:_MOST]
    reporter = _reporter(groups)
    if not failed:
        delayed = any(action == "delayed" for action, _ in by_action)
        kind = Kind.DELAY if delayed else Kind.OTHER
        return Report(kind, text=_diagnostic(recipients[0]), reporter=reporter)
    text = cleaned(message.text) if message.status else own_words(message.text)
    reports = [_report(group, text, reporter) for group in failed]
    return max(reports, key=_severity)


def _of_recipients(groups: list[Fields]) -> list[Fields]:
    """Return the groups of recipients (RFC 3464 §2.3); without an address where none has one.

    A receipt (RFC 8098) names its recipient too.
    """
    groups = [group for group in groups if "disposition" not in group]
    named = [group for group in groups if _has_address(group)]
    return named or [group for group in groups if any(name in group for name in _OF_RECIPIENT)]


def _has_address(group: Fields) -> bool:
    return any(name in group for name in _ADDRESSES)


def _groups_written_in(message: Message) -> list[Fields]:
    """Return the groups in the text of a message, unless it is a person's and names nobody.

    A letter and an absence note quote what they answer, which may be a story about such reports.
    """
    if is_by_server(message):
        return _groups_within(message.text)
    groups = [] if is_automatic(message) else _groups_within(message.text)
    return groups if any(_recipient(group) for group in groups) else []


def _groups_within(text: str) -> list[Fields]:
    """Return the groups that stand in a text, also in one that a person forwarded, quoted."""
    match = _WITHIN_TEXT.search(text)
    if match is None:
        return []
    start = max(match.start() - _BEFORE, 0)
    before = _QUOTED.sub("", text[start : match.start()])
    after = _QUOTED.sub("", text[match.start() : match.start() + _BEFORE])
    return groups_of_text(before[max(before.rfind("\n\n"), 0) :] + after)


def _action(group: Fields) -> str:
    action = group.get("action", "").lower().split(" ")[0].strip("();,")
    if action in {"delayed", "delivered", "relayed", "expanded", "failed"}:
        return action
    return {"4": "delayed", "2": "delivered"}.get(group.get("status", "")[:1], "failed")


def _report(group: Fields, text: str, reporter: str) -> Report:
    diagnostic = _diagnostic(group)
    refusal = understand(diagnostic, status_in(group.get("status", "")))
    if refusal.reason == Reason.UNDEFINED or not diagnostic or _is_generic(refusal, diagnostic):
        refusal = _by_text(refusal, text)
    return refusal.report(
        shortened(diagnostic or text),
        _recipient(group),
        group.get("remote-mta", "").rpartition(";")[2].strip()[:253] or reporter,
    )


def _is_generic(refusal: Refusal, diagnostic: str) -> bool:
    """Return whether only the subject of a status was understood, not a word."""
    return reason_in_words(diagnostic) is None and refusal.reason in {
        *(Reason.POLICY, Reason.NETWORK, Reason.SYSTEM, Reason.FILTERED, Reason.SYNTAX),
    }


def _by_text(refusal: Refusal, text: str) -> Refusal:
    """Return the refusal with the reason that the text for people gives, where it gives one."""
    reason = understand(text, refusal.status, refusal.code).reason
    if reason == Reason.UNDEFINED:
        return refusal
    return Refusal(reason, refusal.permanent, refusal.status, refusal.code)


def _diagnostic(group: Fields) -> str:
    names = ("diagnostic-code", "x-supplementary-info", "x-display-name", "status-description")
    diagnostic = next((group[name] for name in names if group.get(name)), "")
    kind, separator, rest = diagnostic.partition(";")
    return shortened(rest if separator and len(kind) < 20 else diagnostic)


def _recipient(group: Fields) -> str:
    for name in _ADDRESSES:
        if match := _ADDRESS.search(group.get(name, "").rpartition(";")[2]):
            return match[0]
    return ""


def _reporter(groups: list[Fields]) -> str:
    for group in groups:
        if value := group.get("reporting-mta"):
            return value.rpartition(";")[2].strip()[:253]
    return ""


def _severity(report: Report) -> int:
    return _SEVERITY[consequence_of(report.reason, permanent=report.permanent)]
