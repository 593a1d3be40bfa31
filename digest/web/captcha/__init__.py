"""What stands between bots and the form, where the operator wants more than limits.

DIGEST_CAPTCHA names one: `altcha` (a computation, on our own pages, nobody else involved) or
`turnstile:SITEKEY:SECRET`. Each adapter answers two questions: what does the page need, and does
this form pass? None is the default.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache

from django.conf import settings

from digest.core.errors import ConfigurationError
from digest.web.captcha.altcha import Altcha
from digest.web.captcha.base import Captcha, Widget
from digest.web.captcha.turnstile import Turnstile


def widget(now: datetime) -> Widget | None:
    """Return what a form has to show, or None without a captcha."""
    chosen = _chosen(settings.DIGEST_CAPTCHA)
    return chosen.widget(now) if chosen else None


def passes(fields: Mapping[str, str], ip: str | None, now: datetime) -> bool:
    """Say whether a form may pass; always without a captcha."""
    chosen = _chosen(settings.DIGEST_CAPTCHA)
    return chosen.passes(fields, ip, now) if chosen else True


@cache
def _chosen(setting: str) -> Captcha | None:
    """Return the adapter that DIGEST_CAPTCHA names."""
    name, _, keys = setting.partition(":")
    sitekey, _, secret = keys.partition(":")
    if not name:
        return None
    if name == "altcha" and not keys:
        return Altcha()
    if name == "turnstile" and sitekey and secret:
        return Turnstile(sitekey, secret)
    raise ConfigurationError(
        f"DIGEST_CAPTCHA={name!r}: use altcha, or turnstile:SITEKEY:SECRET, or nothing."
    )
