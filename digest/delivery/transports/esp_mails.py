"""Our ready bytes as a Django mail, the form in which anymail takes one.

Where a provider takes the bytes themselves, they are wrapped. Elsewhere the message is taken apart:
subject, sender, readers' address and name, Reply-To, text, HTML, and every other field as it is.
The provider writes Date and the MIME fields anew.
"""

from collections.abc import Mapping
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage, Message
from typing import Any

from django.core.mail import EmailMultiAlternatives

from digest.delivery.errors import DeliveryError
from digest.delivery.transports.base import Envelope

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
        from_email=_mailboxes(read, "From")[0],
        to=[_named(read, envelope.recipient)],
        reply_to=_mailboxes(read, "Reply-To"),
        headers={name: str(value) for name, value in read.items() if name.lower() not in _PLACED}
        | dict(headers),
    )
    if text is None:
        mail.content_subtype = "html"
    elif html is not None:
        mail.attach_alternative(html, "text/html")
    return mail


def _parts(read: EmailMessage) -> tuple[str | None, str | None]:
    found: dict[str, str] = {}
    for part in read.walk():
        kind = part.get_content_type()
        if part.is_multipart():
            continue
        if kind not in {"text/plain", "text/html"} or kind in found or part.get_filename():
            raise UnfitMessageError(f"A part of type {kind} has no place in a provider's API.")
        found[kind] = part.get_content().replace("\r\n", "\n")
    return found.get("text/plain"), found.get("text/html")


def _mailboxes(read: EmailMessage, name: str) -> list[str]:
    field = read[name]
    found = [str(each) for each in field.addresses] if field else []
    if not found and name == "From":
        raise UnfitMessageError("A message without From.")
    return found


def _named(read: EmailMessage, recipient: str) -> str:
    """Return the envelope's recipient under the name that To gives."""
    field = read["To"]
    name = field.addresses[0].display_name if field and field.addresses else ""
    if not name:
        return recipient
    local, _, domain = recipient.rpartition("@")
    return str(Address(name, local, domain))
