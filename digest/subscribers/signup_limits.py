"""Rate limits for sign-ups from pages, scripts and email.

Counted over sliding windows in Valkey: by client, by its network, by domain and in total. A sign-up
over one of these limits is refused with a time to try again. A sign-up over the limit of its
mailbox is dropped silently: a different answer would say something about the mailbox.

Nothing here looks up subscribers, so every address takes the same path and time.
"""

from collections.abc import Iterator

import redis
import structlog
from django.conf import settings
from limits import RateLimitItem

from digest.core import addresses, client_ip
from digest.core.addresses import Address
from digest.core.errors import ConfigurationError
from digest.core.rate_limits import limiter, parse_limit
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
    counts = limiter("signups")
    for kind, key in _keys(address, ip):
        if not counts.hit(_limit(kind), kind, key):
            raise TooManyError(counts.seconds_left(_limit(kind), kind, key))
    return counts.hit(_limit("mailbox"), "mailbox", hash_address(addresses.folded(address.key)))


def _keys(address: Address, ip: str | None) -> Iterator[tuple[str, str]]:
    """Yield kinds of limit and keys, the narrowest first: one client uses up no wider limit."""
    if ip:
        yield "client", client_ip.counted_as(ip)
        yield "network", client_ip.counted_as(ip, v4=24, v6=48)
    yield "domain", address.domain
    yield "all", ""


def _limit(kind: str) -> RateLimitItem:
    limits = settings.DIGEST_SIGNUP_LIMITS
    if unknown := set(limits) - set(KINDS):
        raise ConfigurationError(
            f"DIGEST_SIGNUP_LIMITS: {unknown.pop()!r} is not one of {', '.join(KINDS)}."
        )
    return parse_limit(limits[kind], "DIGEST_SIGNUP_LIMITS")
