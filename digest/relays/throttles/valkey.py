"""Run scripts on the Valkey that all workers share, with short timeouts."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

from digest.relays.errors import ThrottleUnavailableError

TIMEOUT = 1.0  # seconds, to connect and for an answer


def run(script: str, keys: Sequence[str], arguments: Sequence[str | float]) -> Any:
    """Run a Lua script on the server and return its answer; the text travels once.

    Raises ThrottleUnavailableError when it cannot be reached, within about two seconds.
    """
    try:
        return _registered(settings.DIGEST_REDIS_URL, script)(keys, arguments)
    except redis.RedisError as cause:
        raise ThrottleUnavailableError(
            f"Valkey does not answer, so rate limits cannot be checked: {cause}"
        ) from cause


@cache
def _registered(url: str, script: str) -> Script:
    return _client(url).register_script(script)


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        # If Valkey has closed the connection meanwhile, connect again once, without a pause.
        retry=Retry(NoBackoff(), 1, (redis.ConnectionError,)),
    )
