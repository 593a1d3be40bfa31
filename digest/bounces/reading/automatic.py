"""Absence notes, challenges and receipts: they say nothing about an address, and are left alone."""

import re

from digest.bounces.reading.structure import Message

_SUBJECT = re.compile(
    r"out of (?:the )?office|auto(?:mati[a-z]{1,6})?[ -]?(?:reply|response|antwort)"
    r"|vacation|on holiday"
    r"|abwesen|urlaub|absence|absent du bureau|r[ée]ponse automatique|fuori (?:sede|ufficio)"
    r"|risposta automatica|fuera de la oficina|respuesta autom|resposta autom|afwezig|away from"
    r"|please (?:confirm|verify) your (?:e-?mail|message)|confirm your message|challenge|tmda",
    re.IGNORECASE,
)
_FIELDS = ("x-autoreply", "x-autorespond", "x-auto-reply-from", "x-tmda-fingerprint")
_RECEIPT = "report-type=disposition-notification"
_DAEMON = re.compile(
    r"mailer[-_ ]?daemon|post[-_]?master|mail delivery|mail administrator|mail\s?system",
    re.IGNORECASE,
)


def is_automatic(message: Message) -> bool:
    """Return whether a message is a person's machine answering, not a mail server reporting."""
    fields = message.fields
    if message.receipt or _RECEIPT in fields.get("content-type", "").replace('"', ""):
        return True
    if is_by_server(message):
        return False
    submitted = fields.get("auto-submitted", "").lower()
    if submitted.startswith("auto-replied") or any(name in fields for name in _FIELDS):
        return True
    if fields.get("precedence", "").lower() == "auto_reply":
        return True
    return bool(_SUBJECT.search(fields.get("subject", "")[:500]))


def is_by_server(message: Message) -> bool:
    """Return whether a message names a mail server as its author."""
    fields = message.fields
    authors = " ".join(fields.get(name, "")[:500] for name in ("from", "sender", "reply-to"))
    return is_daemon(authors) or "x-failed-recipients" in fields


def is_daemon(author: str) -> bool:
    """Return whether a name or address is one of a mail server's."""
    return bool(_DAEMON.search(author))


def has_no_sender(message: Message) -> bool:
    """Return whether nobody can be replied to, as RFC 5321 §4.5.5 wants it of reports."""
    return message.fields.get("return-path", "").strip() == "<>"
