"""The kinds of site analytics, and the adapter of each."""

from digest.analytics.site.base import Adapter
from digest.analytics.site.feed import Feed
from digest.analytics.site.ga4 import GoogleAnalytics
from digest.analytics.site.matomo import Matomo
from digest.analytics.site.plausible import Plausible
from digest.analytics.site.umami import Umami

KINDS: dict[str, Adapter] = {
    "plausible": Plausible(),
    "matomo": Matomo(),
    "umami": Umami(),
    "ga4": GoogleAnalytics(),
    "feed": Feed(),
}
LABELS = {
    "plausible": "Plausible",
    "matomo": "Matomo",
    "umami": "Umami",
    "ga4": "Google Analytics 4",
    "feed": "CSV or JSON feed",
}
