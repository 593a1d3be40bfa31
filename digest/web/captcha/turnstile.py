"""Cloudflare Turnstile (https://developers.cloudflare.com/turnstile/get-started/server-side-validation/).

Its script and frame come from Cloudflare, so only operators who choose it load them.
"""

from collections.abc import Mapping
from datetime import datetime

import httpx
import structlog

from digest.web.captcha.base import Widget

SCRIPT = "https://challenges.cloudflare.com/turnstile/v0/api.js"
VERIFY = "https://challenges.cloudflare.com/turnstile/v0/siteverify"
ORIGIN = "https://challenges.cloudflare.com"
TIMEOUT = 5.0  # seconds

log = structlog.get_logger(__name__)


class Turnstile:
    """The adapter, with the site's two keys."""

    def __init__(self, sitekey: str, secret: str, verify: str = VERIFY) -> None:
        self.sitekey = sitekey
        self.secret = secret
        self.verify = verify

    def widget(self, now: datetime) -> Widget:  # noqa: ARG002  of the protocol
        """Return the site key; Cloudflare's script draws the rest."""
        sources = {"script-src": ORIGIN, "frame-src": ORIGIN, "connect-src": ORIGIN}
        return Widget("turnstile", SCRIPT, {"sitekey": self.sitekey}, sources)

    def passes(self, fields: Mapping[str, str], ip: str | None, now: datetime) -> bool:  # noqa: ARG002  of the protocol
        """Return whether Cloudflare accepts the response; False if it cannot be reached."""
        payload = {"secret": self.secret, "response": fields.get("cf-turnstile-response", "")}
        if ip:
            payload["remoteip"] = ip
        try:
            answer = httpx.post(self.verify, data=payload, timeout=TIMEOUT).json()
        except (httpx.HTTPError, ValueError) as problem:
            log.warning("turnstile cannot be reached", problem=str(problem))
            return False
        return isinstance(answer, dict) and answer.get("success") is True
