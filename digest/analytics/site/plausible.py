"""Plausible, hosted or self-hosted: Stats API v2 (https://plausible.io/docs/stats-api-v2)."""

from collections.abc import Sequence
from typing import Any

from digest.analytics.errors import SiteAnalyticsError
from digest.analytics.site import base
from digest.analytics.site.base import Account, PageViews, Period
from digest.analytics.site.requests import is_status, reading, request_json


class Plausible:
    """Plausible: an API key of its settings, and the site's domain."""

    name = "Plausible"
    address = "https://plausible.io"
    fields = {
        "address": ("Address", "https://plausible.io, or your own installation."),
        "site": ("Site", "The domain as Plausible lists it: news.example."),
        "secret": ("API key", "Of the kind Stats API, under Settings, API keys."),
    }

    def page_views(self, account: Account, period: Period) -> list[PageViews]:
        """Ask for views and time on page; older versions know the first one alone."""
        try:
            return self._query(account, period, ["pageviews", "time_on_page"])
        except SiteAnalyticsError as problem:
            if not is_status(problem, 400):
                raise
            return self._query(account, period, ["pageviews"])

    def _query(self, account: Account, period: Period, metrics: Sequence[str]) -> list[PageViews]:
        question: dict[str, Any] = {
            "site_id": account.site,
            "metrics": metrics,
            "dimensions": ["event:page"],
            "date_range": period.days,
            "order_by": [["pageviews", "desc"]],
        }
        headers = {"Authorization": f"Bearer {account.secret}"}
        url = account.endpoint("api/v2/query")

        def request_part(offset: int) -> Any:
            question["pagination"] = {"limit": base.PAGES_AT_ONCE, "offset": offset}
            return request_json(self.name, url, headers=headers, question=question)["results"]

        with reading(self.name):
            return base.most_viewed(_page(account, row) for row in base.read_in_turn(request_part))


def _page(account: Account, row: Any) -> PageViews:
    views, *times = row["metrics"]
    return account.page(str(row["dimensions"][0]), views, *times)
