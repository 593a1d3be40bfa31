"""Reading forms: the sign-up form, and the token that shows that a person filled it in.

A sign-up form carries a signed token with the moment it was made. It keeps out scripts that post
without opening the form, or faster than anybody types. It needs no cookie, so it works in a frame
on another site. Next to it is a field that people don't see and bots like to fill.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParserError

from digest.core import links
from digest.core.errors import LinkError
from digest.newsletters.models import Newsletter

SHORTEST_AGE = timedelta(seconds=1.5)
LONGEST_AGE = timedelta(days=1)
HONEYPOT = "website"
LONGEST_VALUE = 2_000  # characters
LONGEST_SLUG = 200
MOST_NEWSLETTERS = 100


@dataclass(frozen=True, slots=True)
class SignUpForm:
    """The fields of a sign-up form."""

    email: str = ""
    newsletters: tuple[str, ...] = ()  # slugs
    token: str = ""
    honeypot: str = ""
    sure: bool = False  # the address looks odd, and the sender was asked about it
    fields: Mapping[str, str] = field(default_factory=dict)  # all of them, for a captcha


def read_form(request: HttpRequest) -> SignUpForm:
    """Return the form in a request: urlencoded, multipart or a JSON object."""
    data: Any = _json(request) if request.content_type == "application/json" else request.POST
    fields = {
        name: _encodable(data.get(name, ""), LONGEST_VALUE)
        for name in data
        if isinstance(name, str)
    }
    return SignUpForm(
        email=fields.get("email", "").strip(),
        newsletters=tuple(_values(data, "newsletters")[:MOST_NEWSLETTERS]),
        token=fields.get("token", ""),
        honeypot=fields.get(HONEYPOT, ""),
        sure=fields.get("sure", "").lower() in {"1", "true", "on"},
        fields=fields,
    )


def readable_post(request: HttpRequest) -> QueryDict:
    """Return the fields of a POST, or none if its body cannot be parsed."""
    try:
        return request.POST
    except (MultiPartParserError, BadRequest, SuspiciousOperation):
        return QueryDict()


def make_token(newsletter: Newsletter, now: datetime) -> str:
    """Return the token that a new form carries."""
    return links.sign("form", newsletter.pk, int(now.timestamp() * 1000))


def is_valid_token(token: str, newsletter: Newsletter, now: datetime) -> bool:
    """Return whether a form was made by Digest for this newsletter, and has a plausible age.

    It must be older than a person needs to type, and too young to have been collected.
    """
    try:
        newsletter_id, milliseconds = links.read("form", token)
    except (LinkError, ValueError):
        return False
    age = now.timestamp() - milliseconds / 1000
    plausible = SHORTEST_AGE.total_seconds() <= age <= LONGEST_AGE.total_seconds()
    return plausible and newsletter_id == newsletter.pk


def _values(data: Any, name: str) -> Sequence[str]:
    if isinstance(data, QueryDict):
        values: list[Any] = list(data.getlist(name))
    else:
        value = data.get(name, [])
        values = value if isinstance(value, list) else [value]
    return [_encodable(value, LONGEST_SLUG) for value in values if value]


def _encodable(value: Any, longest: int) -> str:
    """Return a text that can be encoded as UTF-8: JSON may contain lone surrogates."""
    return str(value)[:longest].encode(errors="replace").decode()


def _json(request: HttpRequest) -> dict[str, Any]:
    try:
        data = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
