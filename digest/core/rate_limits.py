"""Rate limits over sliding windows in Valkey, shared by all processes (the library `limits`)."""

from functools import cache

import redis
from django.conf import settings
from limits import RateLimitItem, parse
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from digest.core import clock
from digest.core.errors import ConfigurationError

_TIMEOUT = 2  # seconds, to connect and for a reply


class RateLimiter:
    """Counts under keys of its own. Its methods raise redis.RedisError without Valkey."""

    def __init__(self, name: str) -> None:
        pool = redis.ConnectionPool.from_url(
            settings.DIGEST_REDIS_URL, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT
        )
        storage = RedisStorage("redis://", connection_pool=pool, key_prefix=f"digest-{name}")
        self._windows = SlidingWindowCounterRateLimiter(storage)

    def hit(self, limit: RateLimitItem, *key: str) -> bool:
        """Count once under `key`; False, without counting, where that exceeds the limit."""
        return self._windows.hit(limit, *key)

    def allows(self, limit: RateLimitItem, *key: str) -> bool:
        """Say whether one more would be within the limit, without counting."""
        return self._windows.test(limit, *key)

    def seconds_left(self, limit: RateLimitItem, *key: str) -> int:
        """Return in how many seconds, at least 1, a window over the limit begins again."""
        reset = self._windows.get_window_stats(limit, *key).reset_time
        return max(1, round(reset - clock.now().timestamp()))


@cache
def limiter(name: str) -> RateLimiter:
    """Return the limiter of a purpose, such as `api`; one connection pool in each process."""
    return RateLimiter(name)


@cache
def parse_limit(text: str, setting: str) -> RateLimitItem:
    """Read a limit such as `600/minute`. Raises ConfigurationError that names the setting."""
    try:
        return parse(text)
    except ValueError as cause:
        raise ConfigurationError(
            f"{setting}: {text!r} is not a limit. Write one such as 20/hour."
        ) from cause
