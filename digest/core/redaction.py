"""Logs without secrets: what opens something for whoever holds it never stands in one.

That is tokens in paths (of subscribers, of invitations, to reset a password), values in query
strings (the setup code), tokens in addresses of mail (unsubscribe+…@), API tokens, webhook secrets,
and passwords in URLs. `install` covers every logger of the process, whoever writes to it;
`RedactingFormatter` covers what is only put together when a line is written, such as tracebacks.
"""

import logging
import re
from typing import Any

import structlog

REDACTED = "[redacted]"

_END = r"/\s?&\"'<>#\\"  # what a segment of a path ends with
_LAST = rf"[^{_END}.,:;)]"  # what it does not end with in a sentence
_PAGES = "unsubscribe|confirm|change|preferences|stay|invitation|reset/key"
_NAMED = "click|open|issue|read|report|provider-events|connections|stripe"
_PATTERNS = [  # of which the first group stays
    # A token, or what somebody made of one; and one word more in `password/reset/key/`.
    rf"(/(?:{_PAGES})/+)[^{_END}]*{_LAST}",
    rf"(/(?:{_NAMED})/+)[^{_END}]{{16,}}(?:/[^{_END}]{{16,}})?",
    r"((?:unsubscribe|confirm|bounce)(?:\+|%2B))[^@%\s\"'<>]+",
    r"\b((?:dg|whsec)_)[A-Za-z0-9+/=_-]{8,}",
    r"\b(bearer\s+)[A-Za-z0-9._~+/=-]{8,}",
    r"(://)[^/\s@\"'<>]*:[^/\s@\"'<>]*(?=@)",
]
_SECRETS = [re.compile(pattern, re.IGNORECASE) for pattern in _PATTERNS]
_MAILBOX = re.compile(r"[\w.!#$%&*+/=?^`{|}~-]+((?:@|%40)(?:[\w-]+\.)+[\w-]{2,})")
_QUERY = re.compile(r"(?<=[\w/.\]-]\?)[^\s\"'<>#\\]+")
_VALUE = re.compile(r"(?<==)[^&;]+|(?:^|(?<=[&;]))[^=&;]{16,}(?=$|[&;])")


def redact(text: str) -> str:
    """Return a text without its secrets; names of parameters stay, their values do not."""
    for pattern in _SECRETS:
        text = pattern.sub(rf"\1{REDACTED}", text)
    return _QUERY.sub(lambda query: _VALUE.sub(REDACTED, query[0]), text)


def anonymize(text: str) -> str:
    """Return a text without its secrets and addresses of mail; of an address the domain stays."""
    return _MAILBOX.sub(rf"{REDACTED}\1", redact(text))


class RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """Writes lines without secrets, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return redact(super().format(record))


class AnonymousFormatter(RedactingFormatter):
    """Writes lines without addresses of mail as well, for logs that are collected elsewhere."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line (`anonymize`)."""
        return anonymize(super().format(record))


def install() -> None:
    """Let every logger of this process make records without secrets, for whatever handlers."""
    make = logging.getLogRecordFactory()
    if not isinstance(make, _Factory):
        logging.setLogRecordFactory(_Factory(make))


def _redacted(value: Any) -> Any:
    return redact(value) if isinstance(value, str) else value


_plain = logging.Formatter()


class _Factory:
    def __init__(self, make: Any) -> None:
        self.make = make

    def __call__(self, *args: Any, **named: Any) -> logging.LogRecord:
        record: logging.LogRecord = self.make(*args, **named)
        if isinstance(record.msg, dict):  # an event of structlog's
            values = record.msg.items()
            record.msg = {name: _redacted(value) for name, value in values}
            return record
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001  whoever formats it reports that
            return record
        redacted = redact(message)
        if redacted != message:
            record.msg, record.args = redacted, ()
        if record.exc_info and record.exc_info[0]:
            # Where handlers look first; it is what they would put there themselves.
            record.exc_text = redact(_plain.formatException(record.exc_info))
        return record
