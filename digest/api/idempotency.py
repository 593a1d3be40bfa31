"""Do a call once, however often it is sent (draft-ietf-httpapi-idempotency-key-header).

    hold the key > was it answered already? > do it > keep the answer

All in one transaction: what was done and the answer to it are there together or not at all, so a
process that dies midway leaves the key as if never used. A call that has a problem is undone whole
and not kept: the same key may try again. The key is held by an advisory lock; who comes at the same
moment is told so (409) and does not wait.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from ninja.decorators import decorate_view

from digest.api import problems
from digest.api.authentication import admit, secret_in
from digest.api.models import Answer
from digest.api.problems import ProblemError
from digest.core import clock, locks
from digest.core.errors import DigestError
from digest.core.locks import Purpose

KEPT = timedelta(hours=24)
LONGEST_KEY = 255

Run = Callable[..., HttpResponse]


def once(run: Run) -> Run:
    """Let an operation (its `run`) be done once for each Idempotency-Key."""

    @wraps(run)
    def answered(request: HttpRequest, **kw: Any) -> HttpResponse:
        try:
            return _answered(run, request, kw)
        except DigestError as problem:
            return problems.of_digest(request, problem)
        except (OperationalError, InterfaceError) as problem:
            return problems.of_database(request, problem)

    answered.takes_key = True  # type: ignore[attr-defined]
    return answered


doing_once = decorate_view(once)


def need_key(request: HttpRequest) -> None:
    """Refuse a call that mails everybody and could be repeated unseen."""
    if not request.headers.get("Idempotency-Key"):
        raise ProblemError(400, "This mails all subscribers: send an Idempotency-Key with it.")


def forget_old(now: datetime) -> int:
    """Delete the answers that are not kept any more; return how many."""
    gone, _ = Answer.objects.filter(at__lte=now - KEPT).delete()
    return gone


def _answered(run: Run, request: HttpRequest, kw: dict[str, Any]) -> HttpResponse:
    key = _key(request)
    secret = secret_in(request)
    with transaction.atomic():
        if not key or not secret:
            return _undone_if_wrong(run(request, **kw))
        token, now = admit(request, secret).token, clock.now()
        _hold(token.pk, key)
        asked = _asked(request)
        if kept := Answer.objects.filter(token=token, key=key, at__gt=now - KEPT).first():
            return _again(kept, asked)
        response = _undone_if_wrong(run(request, **kw))
        if response.status_code < 400:
            _keep(response, token=token, key=key, asked=asked, at=now)
        return response


def _key(request: HttpRequest) -> str:
    """Return the key: a string of RFC 8941 in quotation marks, or the bare word."""
    if "Idempotency-Key" not in request.headers:
        return ""
    said = request.headers["Idempotency-Key"].strip()
    key = said[1:-1] if len(said) > 1 and said[0] == said[-1] == '"' else said
    if not 0 < len(key) <= LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise ProblemError(400, f"An Idempotency-Key has 1 to {LONGEST_KEY} ASCII characters.")
    return key


def _hold(token: int, key: str) -> None:
    """Hold a key until the transaction ends, or raise ProblemError if another call has it."""
    if not locks.try_lock(Purpose.IDEMPOTENCY_KEY, f"{token} {key}"):
        raise ProblemError(409, "A call with this Idempotency-Key is being answered.", wait=1)


def _asked(request: HttpRequest) -> str:
    head = f"{request.method} {request.get_full_path()}\n".encode()
    return hashlib.sha256(head + request.body).hexdigest()


def _again(kept: Answer, asked: str) -> HttpResponse:
    if kept.asked != asked:
        raise ProblemError(422, "This Idempotency-Key was used for another call.")
    response = HttpResponse(
        bytes(kept.body), status=kept.status, content_type=kept.content_type or None
    )
    response["Idempotency-Replayed"] = "true"
    return response


def _keep(response: HttpResponse, **facts: Any) -> None:
    given = {
        "asked": facts.pop("asked"),
        "at": facts.pop("at"),
        "status": response.status_code,
        "body": response.content,
        "content_type": response.get("Content-Type", ""),
    }
    Answer.objects.update_or_create(**facts, defaults=given)


def _undone_if_wrong(response: HttpResponse) -> HttpResponse:
    if response.status_code >= 400:
        transaction.set_rollback(True)
    return response
