"""Who wrote a mail, and whether a machine did. Pure: bytes in, facts out.

RFC 3834 §2 says what is never answered: mail from nobody (`<>`), what another responder sent, and
what goes to many.
"""

import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import default

from digest.core import addresses
from digest.core.addresses import Address
from digest.core.errors import InvalidAddressError

LONGEST_LINE = 998  # octets, RFC 5322 §2.1.1
# Python's parser of addresses takes quadratic time (cpython#136063): 20 KB of commas, a second.
LONGEST_HEAD = 64 * 1024  # octets; Postfix cuts at 100 KB
LONGEST_FIELD = 1024  # octets of a field that is parsed
_PARSED = {"from", "auto-submitted", "precedence"}
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_MACHINES = re.compile(
    r"(mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?|listserv|majordomo)([+=.-].*)?"
    r"|owner-.*|.*-(request|owner|bounces?)",
    re.IGNORECASE,
)
_TO_MANY = ("list-id", "list-unsubscribe", "list-post", "feedback-id", "x-auto-response-suppress")
_AUTOREPLIES = ("x-autoreply", "x-autorespond", "x-auto-reply-from")


@dataclass(frozen=True, slots=True)
class Mail:
    """What matters of a mail."""

    sender: Address | None  # from From:, exactly one; None: nobody to answer
    machine: str = ""  # why it is taken for a machine's, empty for a person's


def broken(content: bytes) -> str:
    r"""Say what is wrong with a message's bytes, or nothing.

    A bare CR or LF may hide a second message from a careless relay (SMTP smuggling), so such
    mail is refused rather than mended.
    """
    if _BARE.search(content):
        return "5.6.0 A line ends with a bare CR or LF (RFC 5321 section 2.3.8)"
    if b"\0" in content:
        return "5.6.0 The message holds a NUL byte"
    if len(_head(content)) > LONGEST_HEAD:
        return f"5.6.0 The header is larger than {LONGEST_HEAD // 1024} KB"
    if any(len(line) > LONGEST_LINE for line in content.split(b"\r\n")):
        return f"5.6.0 A line is longer than {LONGEST_LINE} octets"
    return ""


def read(content: bytes, envelope_sender: str) -> Mail:
    """Return who wrote a mail and whether a machine did; `envelope_sender` is "" for `<>`."""
    try:
        head = BytesHeaderParser(policy=default).parsebytes(_head(content)[:LONGEST_HEAD])
        assert isinstance(head, EmailMessage)  # the policy's doing
        if _is_overlong(head):
            return Mail(None, "a field of its header is too long")
        sender = _sender(head)
        machine = _machine(head, envelope_sender, sender)
    except Exception:  # noqa: BLE001  the header parser fails in many ways on what strangers send
        return Mail(None, "its header cannot be read")
    return Mail(sender, machine)


def _head(content: bytes) -> bytes:
    return content.partition(b"\r\n\r\n")[0]


def _is_overlong(head: EmailMessage) -> bool:
    """Return whether a field that we parse is too long; nothing is parsed for that."""
    return any(
        name.lower() in _PARSED and len(value) > LONGEST_FIELD for name, value in head.raw_items()
    )


def _sender(head: EmailMessage) -> Address | None:
    fields = head.get_all("From", [])
    mailboxes = [mailbox for field in fields for mailbox in field.addresses]
    if len(fields) != 1 or len(mailboxes) != 1 or fields[0].defects:
        return None
    try:
        return addresses.parse(mailboxes[0].addr_spec)
    except InvalidAddressError:
        return None


def _machine(head: EmailMessage, envelope_sender: str, sender: Address | None) -> str:
    if not envelope_sender.strip("<>"):
        return "it comes from <>"
    submitted = str(head.get("Auto-Submitted", "no")).partition(";")[0].strip().lower()
    if submitted != "no":
        return f"Auto-Submitted: {submitted}"
    if str(head.get("Precedence", "")).strip().lower() in {"bulk", "list", "junk", "auto_reply"}:
        return "it goes to many"
    for name in (*_TO_MANY, *_AUTOREPLIES):
        if name in head:
            return f"it has a {name} field"
    for address in (envelope_sender.strip("<>"), sender.email if sender else ""):
        if _MACHINES.fullmatch(address.rpartition("@")[0]):
            return f"{address} is not a person"
    return ""
