"""Umami, in the cloud (an API key) or self-hosted (a user): https://umami.is/docs/api."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from digest.analytics.errors import SiteAnalyticsError
from digest.analytics.site import base
from digest.analytics.site.base import Account, PageViews, Period
from digest.analytics.site.requests import is_status, reading, request_json


class Umami:
    """Umami: the website's id; a user and password, or an API key of the cloud."""

    name = "Umami"
    address = "https://api.umami.is/v1"
    fields = {
        "address": (
            "Address",
            "https://api.umami.is/v1, or of your own: https://umami.news.example/api.",
        ),
        "site": ("Website ID", "Under Settings, Websites, Edit."),
        "username": ("User", "Of your own installation. Leave empty for an API key of the cloud."),
        "secret": ("Password or API key", "Of that user, or of the cloud."),
    }

    def page_views(self, account: Account, period: Period) -> list[PageViews]:
        """Ask for the pages; since version 3 they are paths, before they were URLs."""
        headers = self._credentials(account)
        try:
            return self._metrics(account, period, headers, "path")
        except SiteAnalyticsError as problem:
            if not is_status(problem, 400):
                raise
            return self._metrics(account, period, headers, "url")

    def _credentials(self, account: Account) -> dict[str, str]:
        """Return the headers that authenticate: of an API key, or of a user who signs in."""
        if not account.username:
            return {"x-umami-api-key": account.secret}
        user = {"username": account.username, "password": account.secret}
        answer = request_json(self.name, account.endpoint("auth/login"), question=user)
        with reading(self.name):
            return {"Authorization": f"Bearer {answer['token']}"}

    def _metrics(
        self, account: Account, period: Period, headers: Mapping[str, str], kind: str
    ) -> list[PageViews]:
        milliseconds = {
            "startAt": int(period.start.timestamp() * 1000),
            "endAt": int(period.end.timestamp() * 1000),
        }
        question = {**milliseconds, "type": kind, "limit": base.PAGES_AT_ONCE}
        site = quote(account.site, safe="")

        def request_part(offset: int) -> Any:
            query = urlencode(question | {"offset": offset})
            url = account.endpoint(f"websites/{site}/metrics?{query}")
            return request_json(self.name, url, headers=headers)

        with reading(self.name):
            rows = base.read_in_turn(request_part)
            return base.most_viewed(account.page(str(row["x"]), row["y"]) for row in rows)
