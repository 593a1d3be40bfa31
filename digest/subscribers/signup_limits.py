"""Rate limits for sign-ups from pages, scripts and email.

Counted over sliding windows in Valkey: by client, by its network, by domain and in total. A sign-up
over one of these limits is refused with a time to try again. A sign-up over the limit of its
mailbox is dropped silently: a different answer would say something about the mailbox.

Nothing here looks up subscribers, so every address takes the same path and time.
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
from digest.subscribers.hashing import hash_address

log = structlog.get_logger(__name__)

KINDS = ("client", "network", "mailbox", "domain", "all")


def admit(address: Address, ip: str | None) -> bool:
    """Count a sign-up for `address` from `ip` (None: by email); False if over its mailbox's limit.

    Raises TooManyError, with the time to wait, and LimiterUnavailableError if Valkey cannot be
    reached: without a count no sign-up is accepted, or a flood would pass.
    """
    try:
        return _count(address, ip)
    except redis.RedisError as problem:
        log.warning("sign-ups closed, valkey unreachable", problem=str(problem))
        raise LimiterUnavailableError(
            "Sign-ups are temporarily unavailable. Try again soon."
        ) from None


def _count(address: Address, ip: str | None) -> bool:
    for kind, key in _keys(address, ip).items():
        if not _limiter().hit(_limit(kind), kind, key):
            raise TooManyError(_seconds_left(kind, key))
    return _limiter().hit(_limit("mailbox"), "mailbox", hash_address(addresses.folded(address.key)))


def _keys(address: Address, ip: str | None) -> dict[str, str]:
    """Return the keys to count under, by kind of limit, except for the mailbox's."""
    keys = {"all": "", "domain": address.domain}
    if ip:
        client = ip_address(ip)
        is_ipv6 = isinstance(client, IPv6Address)
        keys["client"] = str(ip_network((ip, 64 if is_ipv6 else 32), strict=False))
        keys["network"] = str(ip_network((ip, 48 if is_ipv6 else 24), strict=False))
    return dict(
        reversed(keys.items())
    )  # the narrowest first, so one client exhausts no wider limit


def _seconds_left(kind: str, key: str) -> int:
    reset = _limiter().get_window_stats(_limit(kind), kind, key).reset_time
    return max(1, round(reset - clock.now().timestamp()))


@cache
def _limit(kind: str) -> RateLimitItem:
    limits = settings.DIGEST_SIGNUP_LIMITS
    if unknown := set(limits) - set(KINDS):
        raise ConfigurationError(
            f"DIGEST_SIGNUP_LIMITS: {unknown.pop()!r} is not one of {', '.join(KINDS)}."
        )
    try:
        return parse(limits[kind])
    except ValueError as cause:
        raise ConfigurationError(
            f"DIGEST_SIGNUP_LIMITS: {limits[kind]!r} is not a limit. Write one such as 20/hour."
        ) from cause


@cache
def _limiter() -> SlidingWindowCounterRateLimiter:
    pool = redis.ConnectionPool.from_url(
        settings.DIGEST_REDIS_URL, socket_timeout=2, socket_connect_timeout=2
    )
    storage = RedisStorage("redis://", connection_pool=pool, key_prefix="digest-signups")
    return SlidingWindowCounterRateLimiter(storage)
