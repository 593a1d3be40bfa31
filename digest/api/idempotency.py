"""Run a request once, however often it is sent (draft-ietf-httpapi-idempotency-key-header).

    lock the key > is a response stored? > run the operation > store its response

All in one transaction: the operation's changes and its response are committed together or not at
all, so a process that dies midway leaves the key unused. A failed request is rolled back and its
response is not stored: the same key may be used again. The key is locked by an advisory lock; a
second request at the same time is refused (409) and does not wait.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from ninja.decorators import decorate_view

from digest.accounts.models import Token
from digest.api import problems
from digest.api.authentication import authenticate, secret_in
from digest.api.models import IdempotentResponse
from digest.api.problems import ProblemError
from digest.core import clock
from digest.core.database.locks import Purpose, try_lock
from digest.core.errors import DigestError

RETENTION = timedelta(hours=24)
MAX_KEY_LENGTH = 255

Run = Callable[..., HttpResponse]


def run_once(run: Run) -> Run:
    """Wrap an operation's `run`, so that it runs once for each Idempotency-Key."""

    @wraps(run)
    def respond(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            return _respond(run, request, kwargs)
        except DigestError as problem:
            return problems.of_digest(request, problem)
        except (OperationalError, InterfaceError) as problem:
            return problems.of_database(request, problem)

    respond.takes_key = True  # type: ignore[attr-defined]
    return respond


idempotent = decorate_view(run_once)


def require_key(request: HttpRequest) -> None:
    """Raise ProblemError (400) for a request that mails all subscribers without a key."""
    if not request.headers.get("Idempotency-Key"):
        raise ProblemError(400, "This mails all subscribers: send an Idempotency-Key with it.")


def delete_expired(now: datetime) -> int:
    """Delete the responses that are older than RETENTION; return how many."""
    count, _ = IdempotentResponse.objects.filter(created_at__lte=now - RETENTION).delete()
    return count


def _respond(run: Run, request: HttpRequest, kwargs: dict[str, Any]) -> HttpResponse:
    key = _key(request)
    secret = secret_in(request)
    with transaction.atomic():
        if not key or not secret:
            return _roll_back_failure(run(request, **kwargs))
        token, now = authenticate(request, secret).token, clock.now()
        _lock(token.pk, key)
        request_hash = _hash(request)
        rows = IdempotentResponse.objects.filter(token=token, key=key)
        if stored := rows.filter(created_at__gt=now - RETENTION).first():
            return _replay(stored, request_hash)
        response = _roll_back_failure(run(request, **kwargs))
        if response.status_code < 400:
            _store(response, token, key, request_hash, now)
        return response


def _key(request: HttpRequest) -> str:
    """Return the key: a string of RFC 8941 in quotation marks, or without them."""
    if "Idempotency-Key" not in request.headers:
        return ""
    header = request.headers["Idempotency-Key"].strip()
    quoted = len(header) > 1 and header[0] == header[-1] == '"'
    key = header[1:-1] if quoted else header
    if not 0 < len(key) <= MAX_KEY_LENGTH or not (key.isascii() and key.isprintable()):
        raise ProblemError(400, f"An Idempotency-Key has 1 to {MAX_KEY_LENGTH} ASCII characters.")
    return key


def _lock(token_id: int, key: str) -> None:
    """Lock a key until the transaction ends; raise ProblemError (409) if it is locked already."""
    if not try_lock(Purpose.IDEMPOTENCY_KEY, f"{token_id} {key}"):
        raise ProblemError(409, "A request with this Idempotency-Key is in progress.", wait=1)


def _hash(request: HttpRequest) -> str:
    head = f"{request.method} {request.get_full_path()}\n".encode()
    return hashlib.sha256(head + request.body).hexdigest()


def _replay(stored: IdempotentResponse, request_hash: str) -> HttpResponse:
    if stored.request_hash != request_hash:
        raise ProblemError(422, "This Idempotency-Key was used for a different request.")
    response = HttpResponse(
        bytes(stored.body), status=stored.status, content_type=stored.content_type or None
    )
    response["Idempotency-Replayed"] = "true"
    return response


def _store(
    response: HttpResponse, token: Token, key: str, request_hash: str, now: datetime
) -> None:
    values = {
        "request_hash": request_hash,
        "created_at": now,
        "status": response.status_code,
        "body": response.content,
        "content_type": response.get("Content-Type", ""),
    }
    IdempotentResponse.objects.update_or_create(token=token, key=key, defaults=values)


def _roll_back_failure(response: HttpResponse) -> HttpResponse:
    if response.status_code >= 400:
        transaction.set_rollback(True)
    return response
