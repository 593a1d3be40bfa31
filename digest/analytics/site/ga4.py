"""Google Analytics 4: Data API, `runReport`, by a service account.

https://developers.google.com/analytics/devguides/reporting/data/v1
"""

import json
from typing import Any
from urllib.parse import quote

from digest.analytics.site.base import (
    MOST_PAGES,
    Account,
    PageViews,
    Period,
    count,
    endpoint,
    most_viewed,
    reading,
    request_json,
    seconds,
)
from digest.analytics.site.google import access_token

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
        question = {
            "dateRanges": [
                {"startDate": f"{period.start:%Y-%m-%d}", "endDate": f"{period.end:%Y-%m-%d}"}
            ],
            "dimensions": [{"name": "hostName"}, {"name": "pagePathPlusQueryString"}],
            "metrics": [{"name": "screenPageViews"}, {"name": "userEngagementDuration"}],
            "orderBys": [{"metric": {"metricName": "screenPageViews"}, "desc": True}],
            "limit": str(MOST_PAGES),
        }
        site = quote(account.site.removeprefix("properties/"), safe="")
        url = endpoint(account, f"v1beta/properties/{site}:runReport")
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        answer = request_json(self.name, url, headers=headers, body=json.dumps(question).encode())
        with reading(self.name):
            return most_viewed(_page(row) for row in answer.get("rows", []))


def _page(row: Any) -> PageViews:
    host, path = (value["value"] for value in row["dimensionValues"])
    views, engaged = (value["value"] for value in row["metricValues"])
    time = seconds(float(engaged) / float(views)) if float(views) else None
    return PageViews(f"https://{host}{path}", count(views), time)
