"""Captchas, for operators who want more than rate limits between bots and the sign-up form.

DIGEST_CAPTCHA names one: `altcha` (a computation in the browser, without a third party) or
`turnstile:SITEKEY:SECRET`. Each adapter answers two questions: what does the page need, and does
this form pass? The default is none.
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
    """Return the widget that a form shows, or None without a captcha."""
    adapter = _configured(settings.DIGEST_CAPTCHA)
    return adapter.widget(now) if adapter else None


def passes(fields: Mapping[str, str], ip: str | None, now: datetime) -> bool:
    """Return whether a form passes; without a captcha every form does.

    Raises LimiterUnavailableError while it cannot be known whether a solution was used before.
    """
    adapter = _configured(settings.DIGEST_CAPTCHA)
    return adapter.passes(fields, ip, now) if adapter else True


@cache
def _configured(setting: str) -> Captcha | None:
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
        f"DIGEST_CAPTCHA={name!r} is not valid. Use altcha, turnstile:SITEKEY:SECRET or nothing."
    )
