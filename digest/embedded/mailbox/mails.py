"""What a mail says, read from its bytes. Nothing in it is believed; pages escape all of it."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import Header, decode_header, make_header
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from typing import NamedTuple

ENVELOPE = ("Return-Path", "Delivered-To", "X-Original-To")
HEAD = 64 * 1024  # octets in which a mail's headers are looked for
_ONE_CLICK = re.compile(r"<\s*(https?://[^\s<>]+)\s*>", re.ASCII | re.IGNORECASE)
_BY_MAIL = re.compile(r"<mailto:([^\s<>?]+@[^\s<>?]+)(?:\?[^\s<>]*)?>", re.ASCII)
_HEAD_TAG = re.compile(r"<head(\s[^>]*)?>", re.IGNORECASE)


class Summary(NamedTuple):
    """A line of the list."""

    subject: str
    sender: str  # name, or address where there is no name
    recipient: str  # the envelope's
    sent_at: datetime | None  # the Date header, in UTC


class Mail(NamedTuple):
    """A mail, opened."""

    summary: Summary
    sender_address: str
    to: str
    envelope: list[tuple[str, str]]
    headers: list[tuple[str, str]]
    html: str  # empty: there is no such part
    text: str
    attachments: list[str]
    unsubscribe_url: str  # the one-click address (RFC 8058 §3.1), or empty
    unsubscribe_mail: str = ""  # the address that one may write to instead (RFC 2369 §3.2)


def summary(head: bytes) -> Summary:
    """Read a list line out of the first octets of a mail."""
    return _summary(message_from_bytes(head.partition(b"\r\n\r\n")[0]))


def open_mail(raw: bytes) -> Mail:
    """Read a whole mail, however broken it is."""
    message = message_from_bytes(raw)
    headers = [(name, decoded(value)) for name, value in message.items()]
    return Mail(
        summary=_summary(message),
        sender_address=parseaddr(decoded(message.get("From", "")))[1],
        to=decoded(message.get("To", "")),
        envelope=[pair for pair in headers[: len(ENVELOPE)] if pair[0] in ENVELOPE],
        headers=[pair for pair in headers if pair[0] not in ENVELOPE],
        html=_first(message, "text/html"),
        text=_first(message, "text/plain"),
        attachments=[name for part in message.walk() if (name := part.get_filename())],
        unsubscribe_url=_one_click(message),
        unsubscribe_mail=_by_mail(message),
    )


def opening_links_outside(html: str) -> str:
    """Return the document with its links opening in a window of their own, not in our frame."""
    base = '<base target="_blank">'
    head = _HEAD_TAG.search(html)
    return html[: head.end()] + base + html[head.end() :] if head else html


def decoded(value: str | Header) -> str:
    """Return a header's value unfolded, with encoded words (RFC 2047) read where they can be."""
    text = str(value)
    with suppress(LookupError, ValueError, HeaderParseError):  # then it is shown as it came
        text = str(make_header(decode_header(text)))
    return " ".join(text.split())


def _summary(message: Message) -> Summary:
    name, address = parseaddr(decoded(message.get("From", "")))
    recipient = message.get("Delivered-To") or parseaddr(decoded(message.get("To", "")))[1]
    return Summary(
        subject=decoded(message.get("Subject", "")) or "(no subject)",
        sender=name or address or "(no sender)",
        recipient=decoded(recipient),
        sent_at=_date(message),
    )


def _date(message: Message) -> datetime | None:
    try:
        sent = parsedate_to_datetime(str(message.get("Date", "")))
        return sent.astimezone(UTC) if sent.tzinfo else sent.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _first(message: Message, content_type: str) -> str:
    return next((_text(part) for part in _leaves(message, content_type)), "")


def _leaves(message: Message, content_type: str) -> Iterator[Message]:
    for part in message.walk():
        if part.get_content_type() == content_type and not part.get_filename():
            yield part


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    octets = payload if isinstance(payload, bytes) else b""
    try:
        return octets.decode(part.get_content_charset("utf-8"), "replace")
    except (LookupError, ValueError):  # unknown, or with a NUL in its name
        return octets.decode("utf-8", "replace")


def _by_mail(message: Message) -> str:
    match = _BY_MAIL.search(str(message.get("List-Unsubscribe", "")))
    return match[1] if match else ""


def _one_click(message: Message) -> str:
    post_field = str(message.get("List-Unsubscribe-Post", "")).strip()
    match = _ONE_CLICK.search(str(message.get("List-Unsubscribe", "")))
    return match[1] if match and post_field == "List-Unsubscribe=One-Click" else ""
