"""Matomo, in the cloud or self-hosted: Reporting API, Actions.getPageUrls.

https://developer.matomo.org/api-reference/reporting-api
"""

from typing import Any

from digest.analytics.errors import SiteAnalyticsError
from digest.analytics.site import base
from digest.analytics.site.base import Account, PageViews, Period
from digest.analytics.site.requests import reading, request_json


class Matomo:
    """Matomo: a token of a user who may view the site, and the site's id."""

    name = "Matomo"
    address = ""
    fields = {
        "address": ("Address", "Where you open Matomo: https://matomo.news.example."),
        "site": ("Site ID", "The number under Administration, Websites."),
        "secret": ("Token", "Under Administration, Personal, Security: an auth token."),
    }

    def page_views(self, account: Account, period: Period) -> list[PageViews]:
        """Ask for the pages of the days, flat; the token goes in the body, not in the address."""
        question = {
            "module": "API",
            "method": "Actions.getPageUrls",
            "idSite": account.site,
            "period": "range",
            "date": ",".join(period.days),
            "format": "JSON",
            "flat": "1",
            "filter_limit": str(base.PAGES_AT_ONCE),
            "token_auth": account.secret,
        }
        url = account.endpoint("index.php")

        def request_part(offset: int) -> Any:
            form = question | {"filter_offset": str(offset)}
            answer = request_json(self.name, url, form=form)
            self._check(answer)
            return answer

        with reading(self.name):
            rows = (
                row for row in base.read_in_turn(request_part) if row.get("url") or row.get("label")
            )
            return base.most_viewed(_page(account, row) for row in rows)

    def _check(self, answer: Any) -> None:
        """Raise SiteAnalyticsError for an error, which Matomo sends with the status 200."""
        if isinstance(answer, dict) and answer.get("result") == "error":
            message = str(answer.get("message", ""))[:200]
            raise SiteAnalyticsError(f"Matomo refused: {message} Check the token and the site ID.")


def _page(account: Account, row: dict[str, Any]) -> PageViews:
    address = str(row.get("url") or row["label"])
    return account.page(address, row["nb_hits"], row.get("avg_time_on_page"))
