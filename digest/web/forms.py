"""The sign-up form as it comes back: what was typed, and what says that a person typed it.

A form carries a signed token with the moment it was made. It keeps out scripts that post without
having looked, or faster than anybody types. It needs no cookie, so it works in a frame on another
site. Beside it stands a field that people don't see and bots like to fill.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, QueryDict

from digest.core import links
from digest.core.errors import LinkError
from digest.newsletters.models import Newsletter

YOUNGEST = timedelta(seconds=1.5)
OLDEST = timedelta(days=1)
HONEYPOT = "website"
LONGEST = 2_000  # characters of an answer


@dataclass(frozen=True, slots=True)
class SignUpForm:
    """What somebody sent."""

    email: str = ""
    newsletters: tuple[str, ...] = ()
    token: str = ""
    honey: str = ""
    sure: bool = False  # they have seen that the address looks odd
    fields: Mapping[str, str] = field(default_factory=dict)  # all of them, for a captcha


def read(request: HttpRequest) -> SignUpForm:
    """Take the form out of a request: urlencoded, multipart or a JSON object."""
    sent: Any = _json(request) if request.content_type == "application/json" else request.POST
    chosen = _listed(sent, "newsletters")
    plain = {name: _text(sent.get(name, ""), LONGEST) for name in sent if isinstance(name, str)}
    return SignUpForm(
        email=plain.get("email", "").strip(),
        newsletters=tuple(chosen[:100]),
        token=plain.get("token", ""),
        honey=plain.get(HONEYPOT, ""),
        sure=plain.get("sure", "").lower() in {"1", "true", "on"},
        fields=plain,
    )


def token_for(newsletter: Newsletter, now: datetime) -> str:
    """Return the token that a new form carries."""
    return links.sign("form", newsletter.pk, int(now.timestamp() * 1000))


def is_sound(token: str, newsletter: Newsletter, now: datetime) -> bool:
    """Say whether a form with this token was made by us for this newsletter, and filled in since.

    Neither faster than a person types nor so long ago that it may have been collected.
    """
    try:
        newsletter_id, made = links.read("form", token)
    except (LinkError, ValueError):
        return False
    age = now.timestamp() - made / 1000
    fits = YOUNGEST.total_seconds() <= age <= OLDEST.total_seconds()
    return fits and newsletter_id == newsletter.pk


def _listed(sent: Any, name: str) -> Sequence[str]:
    if isinstance(sent, QueryDict):
        values: list[Any] = list(sent.getlist(name))
    else:
        given = sent.get(name, [])
        values = given if isinstance(given, list) else [given]
    return [_text(value, 200) for value in values if value]


def _text(value: Any, most: int) -> str:
    """Return what can be shown again: JSON may hold halves of characters, which nothing encodes."""
    return str(value)[:most].encode(errors="replace").decode()


def _json(request: HttpRequest) -> dict[str, Any]:
    import json

    try:
        found = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
