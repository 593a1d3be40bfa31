"""Finds DMARC reports in a mail (RFC 9990 §5). Pure.

The subject says `Report Domain: …`, and the file's name `receiver!domain!begin!end.xml.gz`.
"""

import re
from email import message_from_bytes, policy
from email.message import Message
from itertools import islice

from digest.core.mime.bounding import is_deep, with_bounded_types
from digest.reputation.errors import ReputationError

_HEAD = 64 * 1024  # octets in which a name or a subject is looked for
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_SUBJECT = re.compile(rb"^subject:[^\n]{0,200}report[ _]domain", re.IGNORECASE | re.MULTILINE)
_FILE = re.compile(
    rb"name\*?0?\*?=[^\n]{0,80}[\w.-]{1,255}!(?:\r?\n\s+)?[\w.-]{1,255}!\d{8,10}!", re.IGNORECASE
)
_BOUNDARY = re.compile(rb"[\r\n]--")
_TYPES = ("gzip", "zip", "xml", "octet-stream")
MOST_PARTS = 100  # that are looked at
MOST_BOUNDARIES = 2_000  # lines that may begin a part: the parser makes an object of each
MOST_LINES = 500_000  # each may be a field of a header
MOST_REPORTS = 10  # in one mail


def looks_like_report(content: bytes) -> bool:
    """Return whether a mail, whole or cut, says that it carries a DMARC report.

    The subject is its own, for a bounce returns the header of another mail. Files are named below.
    """
    start = content[:_HEAD]
    head = _END_OF_HEAD.split(start, maxsplit=1)[0]
    return bool(_SUBJECT.search(head) or _FILE.search(start))


def attachments(content: bytes) -> list[bytes]:
    """Return the files of a mail that may be reports, decoded; a bare file is its own.

    Raises ReputationError for a mail whose parts nest too deep, or that has too many of them.
    """
    if content.startswith((b"\x1f\x8b", b"PK\x03\x04")) or content.lstrip()[:1] == b"<":
        return [content]
    if _is_excessive(content):
        raise ReputationError("The mail has too many parts or lines.")
    message = message_from_bytes(with_bounded_types(content), policy=policy.compat32)
    files: list[bytes] = []
    for number, part in enumerate(message.walk()):
        if number >= MOST_PARTS or len(files) >= MOST_REPORTS:
            break
        if _may_be_report(part):
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes) and payload.strip():
                files.append(payload)
    return files


def _is_excessive(content: bytes) -> bool:
    if max(content.count(b"\n"), content.count(b"\r")) > MOST_LINES or is_deep(content):
        return True
    return any(islice(_BOUNDARY.finditer(content), MOST_BOUNDARIES, None))


def _may_be_report(part: Message) -> bool:
    kind = part.get_content_type()
    return not part.is_multipart() and any(kind.endswith(name) for name in _TYPES)
