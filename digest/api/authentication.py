"""Who calls, and may they? A token in the Authorization header (RFC 6750), and the scopes it needs.

    the body's size > the token > its share of calls > its scopes

Calls are counted for each token, over a sliding window in Valkey. While Valkey is away they are not
counted and pass: to pause or cancel an issue must work on the worst of days.
"""

from dataclasses import dataclass
from functools import cache

import redis
import structlog
from django.conf import settings
from django.http import HttpRequest
from limits import RateLimitItem, parse
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from ninja.security import HttpBearer

from digest.accounts import tokens
from digest.accounts.models import Token
from digest.accounts.scopes import Scope
from digest.api.problems import ProblemError
from digest.core import clock
from digest.core.errors import ConfigurationError
from digest.tenancy.scope import PublicationScope

log = structlog.get_logger(__name__)

LONGEST_BODY = 1_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Caller:
    """The program that calls."""

    token: Token

    @property
    def publication_id(self) -> int | None:
        """The only publication that it reaches; None: all."""
        return self.token.publication_id

    @property
    def scope(self) -> PublicationScope:
        """What it reaches."""
        return PublicationScope.of_publication(self.publication_id)

    def everywhere(self, what: str) -> None:
        """Refuse a token of one publication what reaches beyond it."""
        if self.publication_id is not None:
            raise ProblemError(403, f"{what} reaches every publication; this token is for one.")


class Bearer(HttpBearer):
    """Lets in who has all these scopes. Raises ProblemError: 401, 403, 413, 429."""

    def __init__(self, *scopes: Scope) -> None:
        super().__init__()
        self.scopes = scopes

    def authenticate(self, request: HttpRequest, token: str) -> Caller:
        """Return the caller."""
        caller = admit(request, token)
        missing = [scope.value for scope in self.scopes if scope not in caller.token.scopes]
        if missing:
            words = " and ".join(missing)
            raise ProblemError(403, f"This takes the scope {words}.", scopes=missing)
        return caller


def needs(*scopes: Scope) -> Bearer:
    """Return what lets in a token that has all these scopes."""
    return Bearer(*scopes)


def caller_of(request: HttpRequest) -> Caller:
    """Return who calls, in an operation that let them in."""
    caller: Caller = request.auth  # type: ignore[attr-defined]  # ninja puts it there
    return caller


def admit(request: HttpRequest, secret: str) -> Caller:
    """Recognise and count a call; a second time in the same request nothing is counted."""
    known: Caller | None = getattr(request, "digest_caller", None)
    if known is None:
        known = _recognised(request, secret)
        request.digest_caller = known  # type: ignore[attr-defined]
    return known


def secret_in(request: HttpRequest) -> str:
    """Return the token that a request brings, or nothing."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret if scheme.lower() == "bearer" else ""


def _recognised(request: HttpRequest, secret: str) -> Caller:
    if int(request.META.get("CONTENT_LENGTH") or 0) > LONGEST_BODY:
        raise ProblemError(413, f"A body has {LONGEST_BODY:,} bytes at most.")
    token = tokens.authenticate(secret, clock.now())
    if token is None:
        raise ProblemError(401, "This token is unknown, revoked or expired.")
    _count(token)
    return Caller(token)


def _count(token: Token) -> None:
    limit, key = _limit(settings.DIGEST_API_LIMIT), str(token.pk)
    try:
        if _limiter().hit(limit, key):
            return
        reset = _limiter().get_window_stats(limit, key).reset_time
    except redis.RedisError as problem:
        log.warning("calls are not counted, Valkey is away", problem=str(problem))
        return
    wait = max(1, round(reset - clock.now().timestamp()))
    raise ProblemError(429, f"This token may call {limit}; slow down.", wait=wait)


@cache
def _limit(said: str) -> RateLimitItem:
    try:
        return parse(said)
    except ValueError as cause:
        raise ConfigurationError(
            f"DIGEST_API_LIMIT: {said!r} is no limit; write one like 600/minute."
        ) from cause


@cache
def _limiter() -> SlidingWindowCounterRateLimiter:
    pool = redis.ConnectionPool.from_url(
        settings.DIGEST_REDIS_URL, socket_timeout=2, socket_connect_timeout=2
    )
    storage = RedisStorage("redis://", connection_pool=pool, key_prefix="digest-api")
    return SlidingWindowCounterRateLimiter(storage)
