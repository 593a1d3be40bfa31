"""The door that every wish to subscribe passes, whichever way it comes: page, script or mail.

Counted over sliding windows in Valkey: by client, by its network, by domain and in all; whoever is
over one of these is told to come back later. A mailbox that has had its share is not told, or the
answer would say something about it: the wish is dropped, with the same words.

Nothing here looks at subscribers, so known and unknown addresses take the same way and time.
"""

from functools import cache
from ipaddress import IPv6Address, ip_address, ip_network

import redis
import structlog
from django.conf import settings
from limits import RateLimitItem, parse
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from digest.core import addresses, clock
from digest.core.addresses import Address
from digest.core.errors import ConfigurationError
from digest.subscribers.errors import LimiterUnavailableError, TooManyError
from digest.subscribers.hashing import hashed

log = structlog.get_logger(__name__)

KINDS = ("client", "network", "mailbox", "domain", "all")


def admit(address: Address, ip: str | None) -> bool:
    """Count a wish for `address` from `ip` (None: by mail); False if its mailbox had its share.

    Raises TooManyError, which says when to come back, and LimiterUnavailableError while nobody can
    count: a door that cannot count stays shut, or a flood would pass.
    """
    try:
        return _admitted(address, ip)
    except redis.RedisError as problem:
        log.warning("sign-ups closed, Valkey is away", problem=str(problem))
        raise LimiterUnavailableError(
            "Sign-ups cannot be taken at this moment. Try again soon."
        ) from None


def _admitted(address: Address, ip: str | None) -> bool:
    counted = _shared(address, ip)
    for kind, key in counted.items():
        if not _limiter().hit(_limit(kind), kind, key):
            raise TooManyError(_seconds_left(kind, key))
    return _limiter().hit(_limit("mailbox"), "mailbox", hashed(addresses.folded(address.key)))


def _shared(address: Address, ip: str | None) -> dict[str, str]:
    """Return what is counted beside the mailbox, and under which name."""
    found = {"all": "", "domain": address.domain}
    if ip:
        client = ip_address(ip)
        six = isinstance(client, IPv6Address)
        found["client"] = str(ip_network((ip, 64 if six else 32), strict=False))
        found["network"] = str(ip_network((ip, 48 if six else 24), strict=False))
    return dict(reversed(found.items()))  # the narrowest first: one client fills nothing wider


def _seconds_left(kind: str, key: str) -> int:
    reset = _limiter().get_window_stats(_limit(kind), kind, key).reset_time
    return max(1, round(reset - clock.now().timestamp()))


@cache
def _limit(kind: str) -> RateLimitItem:
    said = settings.DIGEST_SIGNUP_LIMITS
    if unknown := set(said) - set(KINDS):
        raise ConfigurationError(f"DIGEST_SIGNUP_LIMITS: there is no {unknown.pop()!r}.")
    try:
        return parse(said[kind])
    except ValueError as cause:
        raise ConfigurationError(
            f"DIGEST_SIGNUP_LIMITS: {said[kind]!r} is no limit; write one like 20/hour."
        ) from cause


@cache
def _limiter() -> SlidingWindowCounterRateLimiter:
    pool = redis.ConnectionPool.from_url(
        settings.DIGEST_REDIS_URL, socket_timeout=2, socket_connect_timeout=2
    )
    storage = RedisStorage("redis://", connection_pool=pool, key_prefix="digest-door")
    return SlidingWindowCounterRateLimiter(storage)
