"""Candidates for our signed tokens in a message that came back.

They stand in the address it was sent to, in the returned header, and where a relay supports it in
Original-Envelope-Id. Some servers return the message as text, so the whole message is searched.
"""

import re

from digest.bounces.reading.report import Tokens
from digest.bounces.reading.structure import LARGEST, Message

MOST = 20  # candidates of one kind; more are none of ours

_BOUNCE = re.compile(r"bounce\+([A-Za-z2-7]{40,64})@")
_MESSAGE_ID = re.compile(r"<([A-Za-z0-9_-]{34,100})@[A-Za-z0-9.-]{1,253}>")
_UNSUBSCRIBE = re.compile(r"unsubscribe[/+]([A-Za-z0-9_-]{34,120})")
_ENVELOPE_ID = re.compile(r"Original-Envelope-I[dD]: *([A-Za-z0-9_-]{34,100})\b")
_SOFT_BREAK = re.compile(r"=\r?\n")


def find(content: bytes, message: Message) -> Tokens:
    """Return the candidates in a message, those of its own header first."""
    own = "\n".join(f"{name}: {value}" for name, value in message.fields.items())
    raw = _SOFT_BREAK.sub("", content[:LARGEST].decode("latin-1"))
    text = f"{own}\n{message.returned}\n{message.text}\n{raw}"
    envelope_ids = [group.get("original-envelope-id", "") for group in message.status]
    return Tokens(
        _first(_BOUNCE, text),
        tuple(filter(None, envelope_ids))[:MOST]
        + _first(_ENVELOPE_ID, text)
        + _first(_MESSAGE_ID, text),
        _first(_UNSUBSCRIBE, text),
    )


def _first(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    tokens: dict[str, None] = {}
    for match in pattern.finditer(text):
        tokens.setdefault(match[1])
        if len(tokens) >= MOST:
            break
    return tuple(tokens)
