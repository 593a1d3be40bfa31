"""The class of a user agent: all that is stored of it."""

import re
from functools import lru_cache

from digest.analytics.recording.hits import Client

_LONGEST = 1_000  # characters that are looked at
# In this order: Gmail's proxy calls itself a browser, and headless browsers do as well.
_CLASSES = [
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("image proxy", r"GoogleImageProxy|ggpht\.com|YahooMailProxy|YahooCacheSystem"),
        ("image proxy", r"^Mozilla/5\.0$"),  # Apple's Mail Privacy Protection says no more
        ("headless", r"headless|phantomjs|puppeteer|playwright|selenium|electron/"),
        (
            "library",
            (
                r"^(?:curl|wget|python|go-http|java|okhttp|axios|node|undici|ruby|perl|php|guzzle)\b"
                r"|libwww|urllib|python-|aiohttp|httpx|httpclient|winhttp|libcurl|faraday|powershell"
            ),
        ),
        ("mail app", r"thunderbird|microsoft outlook|outlook-ios|ms-office|msoffice|postbox"),
        ("bot", r"bot\b|bot/|crawl|spider|scan|preview|facebookexternalhit|slurp|monitor|check"),
        ("phone", r"iphone|ipad|ipod|android|mobile"),
        ("browser", r"^mozilla/|^opera/"),
    )
]


def classify(client: Client) -> str:
    """Return the class of a client, by its request and then by what it calls itself."""
    if client.is_head:
        return "head"
    if client.is_prefetch:
        return "prefetch"
    return by_name(client.user_agent[:_LONGEST].strip())


@lru_cache(maxsize=4096)
def by_name(user_agent: str) -> str:
    """Return the class of a user agent; what calls itself no browser is a bot."""
    if not user_agent:
        return "empty"
    return next((name for name, pattern in _CLASSES if pattern.search(user_agent)), "bot")
