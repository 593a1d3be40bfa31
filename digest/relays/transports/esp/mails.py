"""Our ready bytes as a Django mail, the form in which anymail takes one.

Where a provider takes the bytes themselves, they are wrapped. Elsewhere the message is taken apart:
subject, sender, subscribers' address and name, Reply-To, text, HTML, and every other field as it
is. The provider writes Date and the MIME fields anew.
"""

from collections.abc import Mapping
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage, Message
from email.utils import getaddresses
from typing import Any

from django.core.mail import EmailMultiAlternatives

from digest.relays.errors import DeliveryError
from digest.relays.transports.base import Envelope

# Fields with a place of their own in a Django mail, or that the provider writes.
_PLACED = {
    "bcc",
    "cc",
    "content-transfer-encoding",
    "content-type",
    "date",
    "from",
    "mime-version",
    "reply-to",
    "subject",
    "to",
}


class UnfitMessageError(DeliveryError):
    """A message has a form that cannot be taken apart; ours are text, HTML, or both."""


class ReadyMail(EmailMultiAlternatives):
    """A mail that is written already."""

    def __init__(self, envelope: Envelope, ready: bytes) -> None:
        super().__init__(from_email=envelope.sender, to=[envelope.recipient])
        self.ready = ready

    def message(self, *_: Any, **__: Any) -> Any:
        """Return what serialises to the bytes that were given."""
        return _Ready(self.ready)


class _Ready(Message):
    def __init__(self, ready: bytes) -> None:
        super().__init__()
        self._ready = ready

    def as_bytes(self, *_: Any, **__: Any) -> bytes:
        return self._ready


def composed(
    envelope: Envelope, message: bytes, headers: Mapping[str, str]
) -> EmailMultiAlternatives:
    """Return a message taken apart, with `headers` added; raise UnfitMessageError."""
    read = message_from_bytes(message, _class=EmailMessage, policy=policy.default)
    text, html = _parts(read)
    mail = EmailMultiAlternatives(
        subject=str(read["Subject"] or ""),
        body=text if text is not None else html or "",
        from_email=_one(_mailboxes(read, "From")),
        to=[_named(read, envelope.recipient)],
        reply_to=[str(each) for each in _mailboxes(read, "Reply-To")],
        headers={name: str(value) for name, value in read.items() if name.lower() not in _PLACED}
        | dict(headers),
    )
    if text is None:
        mail.content_subtype = "html"
    elif html is not None:
        mail.attach_alternative(html, "text/html")
    return mail


def _parts(read: EmailMessage) -> tuple[str | None, str | None]:
    """Return text and HTML, None for what there is not."""
    found: dict[str, str] = {}
    for part in read.walk():
        kind = part.get_content_type()
        if part.is_multipart():
            continue
        if kind not in {"text/plain", "text/html"} or kind in found or part.get_filename():
            raise UnfitMessageError(f"A part of type {kind} has no place in a provider's API.")
        found[kind] = part.get_content().replace("\r\n", "\n")
    return found.get("text/plain"), found.get("text/html")


def _mailboxes(read: EmailMessage, name: str) -> list[Address]:
    """Return the mailboxes of a field.

    The modern parser of Python 3.11 keeps the space between two encoded-words of a phrase, against
    RFC 2047 §6.2, so the older one reads it.
    """
    raw = [
        value.replace("\r\n", "") for key, value in read.raw_items() if key.lower() == name.lower()
    ]
    found = [(str(make_header(decode_header(shown))), email) for shown, email in getaddresses(raw)]
    return [_address(shown, email) for shown, email in found if email]


def _one(mailboxes: list[Address]) -> str:
    if len(mailboxes) != 1:
        raise UnfitMessageError("A message is from one mailbox.")
    return str(mailboxes[0])


def _named(read: EmailMessage, recipient: str) -> str:
    """Return the envelope's recipient under the name that To gives."""
    names = [each.display_name for each in _mailboxes(read, "To")]
    return str(_address(names[0] if names else "", recipient))


def _address(shown: str, email: str) -> Address:
    local, _, domain = email.rpartition("@")
    return Address(shown, local, domain)
