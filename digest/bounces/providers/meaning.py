"""What a provider's event means. Pure.

The server's words decide, by the rules of `reading`. Where a provider passes none on, its own
classification does: `is_permanent` looks for it in each provider's fields.
"""

import json
import re
from typing import Any

from digest.bounces.models import Bounce
from digest.bounces.reading.reasons import Reason
from digest.bounces.reading.replies import understand
from digest.bounces.reading.report import Tokens
from digest.bounces.reading.texts import shortened
from digest.bounces.recording import Finding

MOST_TOKENS = 40
_TOKEN = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{34,120}(?![A-Za-z0-9_-])")
_BOUNCED = {"bounced", "rejected", "failed"}
_COMPLAINED = {"complained"}
# anymail's reject reasons that say that mail to the address never arrives
_UNREACHABLE = {"invalid", "bounced"}
_REASONS = {"spam": Reason.SPAM}  # the server calls our mail so
_PERMANENT = {
    "hardbounce",
    "hardbounces",
    "hard_bounce",
    "hard_bounced",
    "permanent",
    "bademailaddress",
}
_PERMANENT |= {"invalid_email", "manuallydeactivated"}
_TEMPORARY = {"softbounce", "soft_bounce", "soft_bounced", "transient", "temporary", "blocked"}
_TEMPORARY |= {"undetermined"}
# SparkPost's bounce_class: 10 invalid recipient, 30 no recipient, 90 unsubscribed
_SPARKPOST = {"10": True, "30": True, "90": True}
# Not Mailgun's severity: it calls refusals of our mail permanent too.
_TYPE_FIELDS = ("Type", "event", "type", "bounceType", "bounce_class")
_LONGEST = 20_000  # characters of an event that are searched for a token


def finding_of(event: Any) -> Finding | None:
    """Return what one of anymail's tracking events says, None where nothing follows from it."""
    kind = event.event_type
    if kind in _COMPLAINED:
        return _finding(event, Reason.FEEDBACK, permanent=True)
    if kind not in _BOUNCED:
        return None
    text = _server_text(event)
    refusal = understand(text, *_codes(event))
    permanent = is_permanent(event.esp_event)
    if refusal.reason != Reason.UNDEFINED:
        return _finding(
            event,
            refusal.reason,
            permanent=refusal.permanent and permanent is not False,
            status=refusal.status,
            code=refusal.code,
        )
    unreachable = permanent or (permanent is None and event.reject_reason in _UNREACHABLE)
    reason = Reason.USER_UNKNOWN if unreachable else _REASONS.get(event.reject_reason)
    reason = reason or Reason.UNDEFINED
    return _finding(event, reason, permanent=unreachable, status=refusal.status, code=refusal.code)


def tokens_of(event: Any) -> Tokens:
    """Return what may be signed tokens of ours, wherever the provider repeats them."""
    text = json.dumps([event.metadata, event.tags, event.message_id, event.esp_event], default=str)
    candidates = tuple(dict.fromkeys(_TOKEN.findall(text[:_LONGEST])))[:MOST_TOKENS]
    return Tokens(message_id=candidates, unsubscribe=candidates)


def is_permanent(esp_event: Any) -> bool | None:
    """Return how a provider classifies a bounce; None where it does not."""
    for fields in _objects(esp_event):
        for name in _TYPE_FIELDS:
            value = str(fields.get(name, "")).lower()
            if value in _PERMANENT or (name == "bounce_class" and _SPARKPOST.get(value)):
                return True
            if value in _TEMPORARY or (name == "bounce_class" and value):
                return False
    return None


def _finding(
    event: Any, reason: Reason, *, permanent: bool, status: str = "", code: int | None = None
) -> Finding:
    return Finding(
        Bounce.Source.PROVIDER,
        reason,
        permanent,
        status,
        code,
        shortened(_server_text(event)),
        shortened(str(event.recipient or ""), 320),
    )


def _server_text(event: Any) -> str:
    """Return the server's words, or the provider's."""
    texts = [event.mta_response, event.description]
    texts += [fields.get("message") for fields in _objects(event.esp_event)]
    return next((str(text) for text in texts if text and isinstance(text, str)), "")


def _codes(event: Any) -> tuple[str, int | None]:
    """Return the enhanced code and the reply code, where a provider has fields for them."""
    for fields in _objects(event.esp_event):
        code = fields.get("code") or fields.get("error_code")
        status = fields.get("enhanced-code") or fields.get("status")
        is_status = isinstance(status, str) and re.fullmatch(r"[45]\.\d{1,3}\.\d{1,3}", status)
        number = int(str(code)) if re.fullmatch(r"[45][0-9][0-9]", str(code)) else None
        if is_status or number:
            return (str(status) if is_status else "", number)
    return "", None


def _objects(value: Any, depth: int = 0) -> list[dict[str, Any]]:
    """Return the objects in an event, the outer ones first."""
    if not isinstance(value, dict) or depth > 4:
        return []
    inner = [_objects(item, depth + 1) for item in list(value.values())[:50]]
    return [value, *(fields for group in inner for fields in group)]
