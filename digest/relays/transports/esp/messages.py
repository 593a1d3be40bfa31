"""Our ready message as a Django EmailMessage, the form that anymail accepts.

RawMessage wraps it for a provider that accepts raw MIME. For the others `parsed_message` takes it
apart into subject, sender, recipient, Reply-To, text, HTML, and every other field unchanged. The
provider writes its own Date and MIME fields.
"""

from collections.abc import Mapping
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage, Message
from email.utils import getaddresses
from typing import Any

from django.core.mail import EmailMultiAlternatives

from digest.relays.errors import UnfitMessageError
from digest.relays.transports.base import Envelope

# Fields that Django's EmailMessage has arguments for, or that the provider writes.
_SEPARATE = {
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


_LONGEST_TOKEN = 80  # of a value of Postmark's metadata


class RawMessage(EmailMultiAlternatives):
    """A message whose bytes are ready."""

    def __init__(self, envelope: Envelope, content: bytes) -> None:
        super().__init__(from_email=envelope.sender, to=[envelope.recipient])
        self.content = content

    def message(self, *_: Any, **__: Any) -> Any:
        """Return an object that serialises to the content."""
        return _RawMime(self.content)


class _RawMime(Message):
    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._content = content

    def as_bytes(self, *_: Any, **__: Any) -> bytes:
        return self._content


def parsed_message(
    envelope: Envelope, content: bytes, headers: Mapping[str, str]
) -> EmailMultiAlternatives:
    """Return a message taken apart, with `headers` added.

    Raises UnfitMessageError unless the message is text, HTML, or both, from one mailbox.
    """
    mime = message_from_bytes(content, _class=EmailMessage, policy=policy.default)
    text, html = _bodies(mime)
    message = EmailMultiAlternatives(
        subject=str(mime["Subject"] or ""),
        body=text if text is not None else html or "",
        from_email=_from_email(mime),
        to=[_to_email(mime, envelope.recipient)],
        reply_to=[str(mailbox) for mailbox in _mailboxes(mime, "Reply-To")],
        headers={name: str(value) for name, value in mime.items() if name.lower() not in _SEPARATE}
        | dict(headers),
    )
    if text is None:
        message.content_subtype = "html"
    elif html is not None:
        message.attach_alternative(html, "text/html")
    return message


def mark(message: EmailMultiAlternatives, place: str) -> None:
    """Give a message its token (of Message-ID) as metadata or a tag, which events repeat."""
    headers = {name.lower(): str(value) for name, value in message.extra_headers.items()}
    token = headers.get("message-id", "").strip("<> ").rpartition("@")[0]
    if 0 < len(token) <= _LONGEST_TOKEN:
        marked: Any = message
        setattr(marked, place, [token] if place == "tags" else {"digest": token})


def _bodies(mime: EmailMessage) -> tuple[str | None, str | None]:
    """Return text and HTML, None for a missing one."""
    bodies: dict[str, str] = {}
    for part in mime.walk():
        kind = part.get_content_type()
        if part.is_multipart():
            continue
        if kind not in {"text/plain", "text/html"} or kind in bodies or part.get_filename():
            raise UnfitMessageError(f"A part of type {kind} does not fit into a provider's API.")
        bodies[kind] = part.get_content().replace("\r\n", "\n")
    return bodies.get("text/plain"), bodies.get("text/html")


def _mailboxes(mime: EmailMessage, name: str) -> list[Address]:
    """Return the mailboxes of a field.

    The modern parser of Python 3.11 does not remove the space between two encoded-words of a
    phrase, against RFC 2047 §6.2, so the older one reads it.
    """
    raw = [
        value.replace("\r\n", "") for key, value in mime.raw_items() if key.lower() == name.lower()
    ]
    return [
        _address(str(make_header(decode_header(phrase))), email)
        for phrase, email in getaddresses(raw)
        if email
    ]


def _from_email(mime: EmailMessage) -> str:
    mailboxes = _mailboxes(mime, "From")
    if len(mailboxes) != 1:
        raise UnfitMessageError("A message needs exactly one mailbox in From.")
    return str(mailboxes[0])


def _to_email(mime: EmailMessage, recipient: str) -> str:
    """Return the envelope's recipient with the display name in To."""
    names = [mailbox.display_name for mailbox in _mailboxes(mime, "To")]
    return str(_address(names[0] if names else "", recipient))


def _address(display_name: str, email: str) -> Address:
    local, _, domain = email.rpartition("@")
    return Address(display_name, local, domain)
