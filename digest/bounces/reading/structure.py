"""The parts of a message that came back, whatever its shape, within limits.

The parser of the standard library is recursive, and takes time by depth; so a message that nests
deeper than any real report is read as one text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message as Mime
from email.parser import BytesParser
from email.policy import compat32

from digest.bounces.reading.charsets import text_of
from digest.bounces.reading.texts import decoded, one_line, text_of_html
from digest.core.mime.bounding import is_deep, with_bounded_types

LARGEST_MAIL = 1_000_000  # octets of a mail that is taken at all: a DMARC report is read whole
LARGEST = 256 * 1024  # octets that are read; a report begins with what matters
MOST_LINES = 4_000
LONGEST_TEXT = 32_000  # characters of all texts for people
MOST_GROUPS = 100  # of fields: recipients of a delivery report

# Reports are texts of fields here: the parser takes whatever is "message/" for a message, and does
# not decode it. RFC 6533 has a type of its own for each in UTF-8.
_REPORTS = re.compile(
    rb"message/(?:global-)?(delivery-status|disposition-notification|feedback-report)"
    rb"|message/global(-headers)?",
    re.IGNORECASE,
)

# A line of a header that neither begins a field nor continues one.
_UNFOLDED = re.compile(rb"^(?![\x21-\x39\x3b-\x7e]{1,76}:|[ \t]|From )(?=.)", re.MULTILINE)

Fields = dict[str, str]  # names in lower case; of a repeated field the first


@dataclass(slots=True)
class Message:
    """The parts of a message that a report can be made of."""

    fields: Fields  # of its own header
    text: str = ""  # for people, before any returned message
    status: list[Fields] = field(default_factory=list)  # the groups of delivery reports
    feedback: Fields | None = None
    receipt: bool = False  # it has a disposition notification (RFC 8098)
    returned: str = ""  # the header of the message that was returned, as text


def parse(content: bytes) -> Message:
    """Return the parts of a message; what exceeds the limits is left out."""
    bounded = b"\n".join(content[:LARGEST].splitlines()[:MOST_LINES])
    bounded = with_bounded_types(_REPORTS.sub(_readable_type, bounded))
    if is_deep(bounded):
        return _flat(bounded)
    try:
        mime = BytesParser(policy=compat32).parsebytes(bounded)
        if mime.defects:
            mime = BytesParser(policy=compat32).parsebytes(_with_folds(bounded))
        message = Message(fields_of(mime))
        _collect(mime, message)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError):
        return _flat(bounded)  # the parser fails in several ways on what strangers send
    return message


def _with_folds(content: bytes) -> bytes:
    """Return a message whose folded header fields are indented, where a mailbox lost that.

    The parser takes the first such line for the body, and the sender and subject behind it as well.
    """
    head, separator, body = content.partition(b"\n\n")
    return with_bounded_types(_UNFOLDED.sub(rb" \g<0>", head)) + separator + body


def fields_of(mime: Mime) -> Fields:
    """Return a header's fields, decoded, each on one line."""
    fields: Fields = {}
    for name, value in mime.raw_items():
        fields.setdefault(name.lower(), one_line(decoded(str(value))))
    return fields


def _readable_type(match: re.Match[bytes]) -> bytes:
    if kind := match[1]:
        return b"text/" + kind.lower()
    return b"text/rfc822-headers" if match[2] else b"message/rfc822"


def _flat(content: bytes) -> Message:
    """Return a message as its header and one text."""
    head, _, body = content.partition(b"\n\n")
    mime = BytesParser(policy=compat32).parsebytes(head, headersonly=True)
    return Message(fields_of(mime), body.decode("utf-8", "replace")[:LONGEST_TEXT])


def _collect(mime: Mime, message: Message) -> None:
    for part in _parts(mime):
        kind = part.get_content_type()
        if part.get_content_maintype() == "multipart":  # without its boundary: all is one text
            message.text += _text(part, "text/plain")[:LONGEST_TEXT] + "\n"
        elif kind == "text/delivery-status" or _is_status_in_disguise(part, kind):
            message.status += groups_of_text(_text(part, "text/plain"))
        elif kind == "text/feedback-report":
            message.feedback = message.feedback or _feedback(part)
        elif kind == "text/disposition-notification":
            message.receipt = True
        elif kind in {"message/rfc822", "text/rfc822-headers", "message/partial"}:
            message.returned += _header_of(part)
        elif kind in {"text/plain", "text/html"} and len(message.text) < LONGEST_TEXT:
            message.text += _text(part, kind)[:LONGEST_TEXT] + "\n"


def _parts(mime: Mime) -> Iterator[Mime]:
    """Return the parts that are not containers, in order, without those of returned messages."""
    if mime.get_content_maintype() == "multipart" and isinstance(mime.get_payload(), list):
        for part in mime.get_payload():
            if isinstance(part, Mime):
                yield from _parts(part)
    elif report := _wrapped_report(mime):
        yield from _parts(report)
    else:
        yield mime


def _is_status_in_disguise(part: Mime, kind: str) -> bool:
    """Return whether a gateway passes on a delivery report as an attachment without a type."""
    is_untyped = kind == "application/octet-stream"
    return is_untyped and _text(part, "text/plain").lstrip().lower().startswith("reporting-mta:")


def _wrapped_report(mime: Mime) -> Mime | None:
    """Return the report that a gateway passes on within a message of its own (InterScan)."""
    payload = mime.get_payload() if mime.get_content_type() == "message/rfc822" else None
    inner = payload[0] if isinstance(payload, list) and payload else None
    if isinstance(inner, Mime) and inner.get_content_type() == "multipart/report":
        return inner
    return None


def groups_of_text(text: str) -> list[Fields]:
    """Return groups of fields that stand in a text, separated by empty lines."""
    blocks = re.split(r"\n(?:[ \t]*\n)+", text.replace("\r\n", "\n").strip())[:MOST_GROUPS]
    parser = BytesParser(policy=compat32)
    parsed = [parser.parsebytes(block.encode(), headersonly=True) for block in blocks]
    return [fields for mime in parsed if (fields := fields_of(mime))]


def _feedback(part: Mime) -> Fields:
    groups = groups_of_text(_text(part, "text/plain"))
    fields = {name: value for group in groups for name, value in group.items()}
    return fields if "feedback-type" in fields else {}


def _header_of(part: Mime) -> str:
    payload = part.get_payload()
    if isinstance(payload, list):
        lines = [f"{name}: {value}" for mime in payload[:1] for name, value in _fields(mime)]
        return "\n".join(lines) + "\n"
    return _text(part, "text/plain").partition("\n\n")[0][:LONGEST_TEXT] + "\n"


def _fields(mime: Mime | str) -> list[tuple[str, str]]:
    return list(fields_of(mime).items()) if isinstance(mime, Mime) else []


def _text(part: Mime, kind: str) -> str:
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else str(part.get_payload()).encode()
    text = text_of(raw, str(part.get_content_charset() or "utf-8"))
    return text_of_html(text) if kind == "text/html" else text.replace("\r\n", "\n")
