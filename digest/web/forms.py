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
from digest.newsletters.models import Newsletter, Publication
from digest.newsletters.signup_forms.models import SignUpForm
from digest.selfservice.offers import Subject
from digest.subscribers.evidence.answers import TOPICS
from digest.subscribers.evidence.origins import NOWHERE, Origin, read_origin

SHORTEST_AGE = timedelta(seconds=1.5)
LONGEST_AGE = timedelta(days=1)
HONEYPOT = "website"
LONGEST_VALUE = 2_000  # characters
LONGEST_SLUG = 200
MOST_NEWSLETTERS = 100
MOST_TOPICS = 100
LONGEST_ID = 19  # digits


@dataclass(frozen=True, slots=True)
class SubmittedForm:
    """The fields of a sign-up form."""

    email: str = ""
    newsletters: tuple[str, ...] = ()  # slugs
    token: str = ""
    honeypot: str = ""
    sure: bool = False  # the address looks odd, and the sender was asked about it
    fields: Mapping[str, str] = field(default_factory=dict)  # all of them, for a captcha
    topics: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # ticked, by newsletter id
    origin: Origin = NOWHERE


def read_form(request: HttpRequest) -> SubmittedForm:
    """Return the form in a request: urlencoded, multipart or a JSON object."""
    data: Any = _json(request) if request.content_type == "application/json" else request.POST
    fields = {
        name: _encodable(data.get(name, ""), LONGEST_VALUE)
        for name in data
        if isinstance(name, str)
    }
    return SubmittedForm(
        email=fields.get("email", "").strip(),
        newsletters=tuple(_values(data, "newsletters")[:MOST_NEWSLETTERS]),
        token=fields.get("token", ""),
        honeypot=fields.get(HONEYPOT, ""),
        sure=fields.get("sure", "").lower() in {"1", "true", "on"},
        fields=fields,
        topics=_topics(data),
        origin=read_origin(fields.get("page") or request.headers.get("Referer", "")),
    )


def readable_post(request: HttpRequest) -> QueryDict:
    """Return the fields of a POST, or none if its body cannot be parsed."""
    try:
        return request.POST
    except (MultiPartParserError, BadRequest, SuspiciousOperation):
        return QueryDict()


_PURPOSES: Mapping[type, str] = {
    Newsletter: "form",
    Publication: "catalogue-form",
    SignUpForm: "designed-form",
}


def make_token(subject: Subject, now: datetime) -> str:
    """Return the token that a new form carries; `subject` is whose form it is."""
    return links.sign(_PURPOSES[type(subject)], subject.pk, int(now.timestamp() * 1000))


def is_valid_token(token: str, subject: Subject, now: datetime) -> bool:
    """Return whether a form was made by Digest for this subject, and has a plausible age.

    It must be older than a person needs to type, and too young to have been collected.
    """
    try:
        subject_id, milliseconds = links.read(_PURPOSES[type(subject)], token)
    except (LinkError, ValueError):
        return False
    age = now.timestamp() - milliseconds / 1000
    plausible = SHORTEST_AGE.total_seconds() <= age <= LONGEST_AGE.total_seconds()
    return plausible and subject_id == subject.pk


def _topics(data: Any) -> dict[int, tuple[str, ...]]:
    """Return the topics that were ticked, by the id of their newsletter."""
    names = [name for name in data if isinstance(name, str) and name.startswith(TOPICS)]
    ids = {name: name.removeprefix(TOPICS) for name in names[:MOST_NEWSLETTERS]}
    return {
        int(pk): tuple(_values(data, name)[:MOST_TOPICS])
        for name, pk in ids.items()
        if pk.isascii() and pk.isdigit() and len(pk) < LONGEST_ID
    }


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
