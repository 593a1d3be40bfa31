"""Authenticate requests: an API token in the Authorization header (RFC 6750), and its scopes.

    size of the body > token > rate limit > scopes

Requests are counted for each token, over a sliding window in Valkey. While Valkey is unavailable,
they are not limited: it must always be possible to pause or cancel an issue.
"""

from dataclasses import dataclass

import redis
import structlog
from django.conf import settings
from django.http import HttpRequest
from ninja.security import HttpBearer

from digest.accounts import tokens
from digest.accounts.models import Token
from digest.accounts.scopes import Scope
from digest.api.problems import ProblemError
from digest.core import clock
from digest.core.rate_limits import limiter, parse_limit
from digest.tenancy.scope import PublicationScope

log = structlog.get_logger(__name__)

MAX_BODY_SIZE = 1_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Caller:
    """The API token that makes a request."""

    token: Token

    @property
    def publication_id(self) -> int | None:
        """The only publication that it reaches; None is every publication."""
        return self.token.publication_id

    @property
    def scope(self) -> PublicationScope:
        """What it reaches."""
        return PublicationScope.of_publication(self.publication_id, self.token.newsletter_ids)

    def require_scopes(self, *scopes: Scope) -> None:
        """Raise ProblemError (403) if the token lacks one of these scopes."""
        missing = [scope.value for scope in scopes if scope not in self.token.scopes]
        if missing:
            raise ProblemError(
                403, f"This token lacks the scope {' and '.join(missing)}.", scopes=missing
            )

    def require_every_publication(self, action: str) -> None:
        """Raise ProblemError (403) if the token is limited to one publication."""
        if self.publication_id is not None:
            raise ProblemError(
                403, f"{action} affects every publication, but this token is limited to one."
            )


class TokenAuth(HttpBearer):
    """Accepts tokens that have all of these scopes. Raises ProblemError: 401, 403, 413, 429."""

    def __init__(self, *scopes: Scope) -> None:
        super().__init__()
        self.scopes = scopes

    def authenticate(self, request: HttpRequest, token: str) -> Caller:
        """Return the caller."""
        caller = authenticate(request, token)
        caller.require_scopes(*self.scopes)
        return caller


def require_scopes(*scopes: Scope) -> TokenAuth:
    """Return the `auth` of an operation that needs all of these scopes."""
    return TokenAuth(*scopes)


def caller_of(request: HttpRequest) -> Caller:
    """Return the caller of an authenticated request."""
    caller: Caller = request.auth  # type: ignore[attr-defined]  # ninja puts it there
    return caller


def authenticate(request: HttpRequest, secret: str) -> Caller:
    """Return the caller and count the request, once for each request. Raises ProblemError."""
    caller: Caller | None = getattr(request, "digest_caller", None)
    if caller is None:
        caller = _authenticate(request, secret)
        request.digest_caller = caller  # type: ignore[attr-defined]
    return caller


def secret_in(request: HttpRequest) -> str:
    """Return the token in a request's header, or an empty string."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret if scheme.lower() == "bearer" else ""


def _authenticate(request: HttpRequest, secret: str) -> Caller:
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY_SIZE:
        raise ProblemError(413, f"The body may have at most {MAX_BODY_SIZE:,} bytes.")
    token = tokens.authenticate(secret, clock.now())
    if token is None:
        raise ProblemError(401, "This token is unknown, revoked or expired.")
    _limit_rate(token)
    return Caller(token)


def _limit_rate(token: Token) -> None:
    """Count a request; raise ProblemError (429) if the token has used up its limit."""
    limit, key = parse_limit(settings.DIGEST_API_LIMIT, "DIGEST_API_LIMIT"), str(token.pk)
    try:
        if limiter("api").hit(limit, key):
            return
        wait = limiter("api").seconds_left(limit, key)
    except redis.RedisError as problem:
        log.warning("requests are not limited, Valkey is unavailable", problem=str(problem))
        return
    raise ProblemError(429, f"This token may make {limit} requests. Slow down.", wait=wait)
