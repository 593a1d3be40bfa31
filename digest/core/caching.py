"""The cache that all processes share, in Valkey: counts of failed sign-ins, nothing of worth."""

from collections.abc import Callable
from typing import Any

import redis
import structlog
from django.core.cache.backends.redis import RedisCache

log = structlog.get_logger(__name__)


class ForgivingCache(RedisCache):
    """Is empty while Valkey is away: an editor can sign in and stop an issue even then."""

    def add(self, *args: Any, **named: Any) -> Any:
        """Say that it was added."""
        return _or(True, super().add, *args, **named)  # noqa: FBT003  the answer

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        """Return what is held, or the default."""
        return _or(default, super().get, key, default, version)

    def set(self, *args: Any, **named: Any) -> Any:
        """Hold a value, if there is a place for it."""
        return _or(None, super().set, *args, **named)

    def delete(self, *args: Any, **named: Any) -> Any:
        """Say whether there was one."""
        return _or(False, super().delete, *args, **named)  # noqa: FBT003


def _or(otherwise: Any, do: Callable[..., Any], *args: Any, **named: Any) -> Any:
    try:
        return do(*args, **named)
    except redis.RedisError as problem:
        log.warning("cache away", problem=str(problem))
        return otherwise
