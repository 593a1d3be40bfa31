"""ALTCHA: the visitor's browser computes for a moment, without a third party (https://altcha.org).

A challenge is accepted once; Valkey stores that it was used, under the challenge's signature. The
same solution can be written in many ways (other base64, spaces, further fields); its signature
cannot.
"""

import hmac
import json
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import altcha.v1 as altcha
import redis
from django.conf import settings
from django.templatetags.static import static

from digest.subscribers.errors import LimiterUnavailableError
from digest.web.captcha.base import Widget

LASTS = timedelta(hours=1)
MOST_HASHES = 50_000  # about a second on a phone


class Altcha:
    """The adapter."""

    def widget(self, now: datetime) -> Widget:
        """Return a new challenge."""
        options = altcha.ChallengeOptions(
            max_number=MOST_HASHES, hmac_key=_key(), expires=now + LASTS
        )
        challenge = altcha.create_challenge(options)
        widget_options = {"challenge": challenge.to_dict()}
        return Widget("altcha", static("web/altcha.js"), widget_options, {"script-src": "'self'"})

    def passes(self, fields: Mapping[str, str], ip: str | None, now: datetime) -> bool:  # noqa: ARG002  of the protocol
        """Return whether the field `altcha` solves a challenge that was not used before.

        Raises LimiterUnavailableError without Valkey.
        """
        try:
            solution: Any = json.loads(b64decode(fields.get("altcha", "")))
            is_solved, _ = altcha.verify_solution(solution, _key())
            return bool(is_solved) and _is_first_use(solution["signature"])
        # The library trusts its input.
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
            return False


def _is_first_use(signature: str) -> bool:
    """Store that a challenge was used; False if it was used before. The library verified it."""
    name = f"digest-altcha:{signature}"
    try:
        with redis.Redis.from_url(
            settings.DIGEST_REDIS_URL, socket_timeout=2, socket_connect_timeout=2
        ) as valkey:
            return bool(valkey.set(name, 1, nx=True, ex=int(LASTS.total_seconds())))
    except redis.RedisError as cause:
        raise LimiterUnavailableError("Solutions of captchas cannot be counted.") from cause


def _key() -> str:
    return hmac.digest(settings.SECRET_KEY.encode(), b"digest.web.altcha", "sha256").hex()
