"""The class of a user agent: all that is stored of it."""

import re
from functools import lru_cache

from crawleruseragents import is_crawler

from digest.analytics.recording.hits import Client
from digest.analytics.verdicts.agents import Agent

_LONGEST = 1_000  # characters that are looked at
# In this order: Gmail's proxy calls itself a browser, and headless browsers do as well.
_CLASSES = [
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        (Agent.IMAGE_PROXY, r"GoogleImageProxy|ggpht\.com|YahooMailProxy|YahooCacheSystem"),
        (Agent.IMAGE_PROXY, r"^Mozilla/5\.0$"),  # Apple's Mail Privacy Protection says no more
        (Agent.HEADLESS, r"headless|phantomjs|puppeteer|playwright|selenium|electron/"),
        (
            Agent.LIBRARY,
            (
                r"^(?:curl|wget|python|go-http|java|okhttp|axios|node|undici|ruby|perl|php|guzzle)\b"
                r"|libwww|urllib|python-|aiohttp|httpx|httpclient|winhttp|libcurl|faraday|powershell"
            ),
        ),
        (Agent.MAIL, r"thunderbird|microsoft outlook|outlook-ios|ms-office|msoffice|postbox"),
        (
            Agent.BOT,
            r"bot\b|bot/|crawl|spider|scan|preview|facebookexternalhit|slurp|monitor|check",
        ),
        (Agent.PHONE, r"iphone|ipad|ipod|android|mobile"),
        (Agent.BROWSER, r"^mozilla/|^opera/"),
    )
]


def classify(client: Client) -> Agent:
    """Return the class of a client, by its request and then by what it calls itself."""
    if client.is_head:
        return Agent.HEAD
    if client.is_prefetch:
        return Agent.PREFETCH
    return by_name(client.user_agent[:_LONGEST].strip())


@lru_cache(maxsize=4096)
def by_name(user_agent: str) -> Agent:
    """Return the class of a user agent; what calls itself neither browser nor mail is a bot.

    Besides the names above, the patterns of monperrus/crawler-user-agents are bots.
    """
    if not user_agent:
        return Agent.EMPTY
    name = next((name for name, pattern in _CLASSES if pattern.search(user_agent)), Agent.BOT)
    may_be_person = name in {Agent.PHONE, Agent.BROWSER}
    return Agent.BOT if may_be_person and is_crawler(user_agent) else name
