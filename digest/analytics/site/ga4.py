"""Google Analytics 4: Data API, `runReport`, by a service account.

https://developers.google.com/analytics/devguides/reporting/data/v1
"""

from typing import Any
from urllib.parse import quote

from digest.analytics.site import base
from digest.analytics.site.base import Account, PageViews, Period
from digest.analytics.site.google import access_token
from digest.analytics.site.requests import reading, request_json

SCOPE = "https://www.googleapis.com/auth/analytics.readonly"


class GoogleAnalytics:
    """GA4: the property's number, and the key file of a service account that may view it."""

    name = "Google Analytics"
    address = "https://analyticsdata.googleapis.com"
    fields = {
        "site": ("Property ID", "The number under Admin, Property details."),
        "secret": ("Key file", "The JSON of a service account that is a viewer of the property."),
    }

    def page_views(self, account: Account, period: Period) -> list[PageViews]:
        """Ask for views and engagement of the pages, by host and path."""
        token = access_token(self.name, account.secret, SCOPE, period.end)
        first_day, last_day = period.days
        question = {
            "dateRanges": [{"startDate": first_day, "endDate": last_day}],
            "dimensions": [{"name": "hostName"}, {"name": "pagePathPlusQueryString"}],
            "metrics": [{"name": "screenPageViews"}, {"name": "userEngagementDuration"}],
            "orderBys": [{"metric": {"metricName": "screenPageViews"}, "desc": True}],
            "limit": str(base.PAGES_AT_ONCE),
        }
        site = quote(account.site.removeprefix("properties/"), safe="")
        url = account.endpoint(f"v1beta/properties/{site}:runReport")
        headers = {"Authorization": f"Bearer {token}"}

        def request_part(offset: int) -> Any:
            part = question | {"offset": str(offset)}
            return request_json(self.name, url, headers=headers, question=part).get("rows", [])

        with reading(self.name):
            return base.most_viewed(_page(account, row) for row in base.read_in_turn(request_part))


def _page(account: Account, row: Any) -> PageViews:
    host, path = (value["value"] for value in row["dimensionValues"])
    views, engaged = (value["value"] for value in row["metricValues"])
    seconds = float(engaged) / float(views) if float(views) else None
    return account.page(f"https://{host}{path}", views, seconds)
