"""Notifications of Amazon SES that SNS sends as mail: JSON within a text (RFC 8259, folded)."""

import re
from dataclasses import replace

from digest.bounces.reading.feedback import complaint
from digest.bounces.reading.replies import understand
from digest.bounces.reading.report import Report
from digest.bounces.reading.structure import Message
from digest.bounces.reading.texts import shortened

_BEGIN = re.compile(r'\A\s*\{\s*"(?:Type|notificationType|eventType)"\s*:')
_KIND = re.compile(r'"(?:notificationType|eventType)":"(Bounce|Complaint)"')
_FIELD = r'"{}":"((?:[^"\\]|\\.){{0,500}})"'
_DIAGNOSTIC = re.compile(_FIELD.format("diagnosticCode"))
_ADDRESS = re.compile(_FIELD.format("emailAddress"))
_STATUS = re.compile(_FIELD.format("status"))
_TYPE = re.compile(_FIELD.format("bounceType"))
_LONGEST = 20_000  # characters


def read(message: Message) -> Report | None:
    """Return what a notification says, or None where the message has none."""
    text = message.text[:_LONGEST].replace('\\"', '"')  # of JSON within JSON
    kind = _KIND.search(text) if _BEGIN.match(text) else None
    if kind is None:
        return None
    recipient = _value(_ADDRESS, text)
    if kind[1] == "Complaint":
        return complaint("abuse", "Amazon SES", recipient)
    diagnostic = _value(_DIAGNOSTIC, text).partition(";")[2].strip()
    refusal = understand(diagnostic, _value(_STATUS, text))
    if _value(_TYPE, text) != "Permanent":
        refusal = replace(refusal, permanent=False)
    return refusal.report(shortened(diagnostic), recipient[:320], "Amazon SES")


def _value(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""
