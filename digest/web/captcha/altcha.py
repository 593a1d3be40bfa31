"""ALTCHA: the visitor's browser computes for a moment, without a third party (https://altcha.org).

A solution is accepted once; Valkey stores that it was used.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

import altcha.v1 as altcha
import redis
from django.conf import settings
from django.templatetags.static import static

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
        """Return whether the field `altcha` has a solution that was not used before."""
        payload = fields.get("altcha", "")
        try:
            solved, _ = altcha.verify_solution(payload, _key())
        except (KeyError, TypeError, ValueError, AttributeError):  # the library trusts its input
            return False
        return bool(solved) and _is_first_use(payload)


def _is_first_use(payload: str) -> bool:
    name = f"digest-altcha:{sha256(payload.encode()).hexdigest()}"
    with redis.Redis.from_url(settings.DIGEST_REDIS_URL, socket_timeout=2) as valkey:
        return bool(valkey.set(name, 1, nx=True, ex=int(LASTS.total_seconds())))


def _key() -> str:
    return hmac.digest(settings.SECRET_KEY.encode(), b"digest.web.altcha", "sha256").hex()
