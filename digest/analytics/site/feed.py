"""A plain feed of page views, for whatever else counts them: CSV or JSON at an address.

CSV has a heading: url, views and, if known, seconds. JSON is a list of objects with these names, or
an object of views by address.
"""

import csv
import json
from collections.abc import Iterable
from typing import Any

from digest.analytics.errors import SiteAnalyticsError
from digest.analytics.site.base import Account, PageViews, Period, most_viewed
from digest.analytics.site.requests import reading
from digest.core.http.calling import call
from digest.core.http.errors import FetchError


class Feed:
    """A CSV or JSON file at an address, with a token if it needs one."""

    name = "The feed"
    address = ""
    fields = {
        "address": ("Address", "Of a CSV or JSON file with url, views and, if known, seconds."),
        "secret": ("Token", "Sent as “Authorization: Bearer …”. Leave empty if it needs none."),
    }

    def page_views(self, account: Account, period: Period) -> list[PageViews]:  # noqa: ARG002  the feed decides
        """Fetch the file."""
        headers = {"Accept": "application/json, text/csv"}
        if account.secret:
            headers["Authorization"] = f"Bearer {account.secret}"
        try:
            answer = call(account.address, headers=headers)
        except FetchError as problem:
            raise SiteAnalyticsError(f"{problem} Check the address and the token.") from problem
        with reading(self.name):
            rows = _rows(answer.body.decode("utf-8-sig"))
            return most_viewed(
                _page(account, row, number) for number, row in enumerate(rows, start=1)
            )


def _rows(text: str) -> Iterable[dict[str, Any]]:
    if not text.lstrip().startswith(("{", "[")):
        return _csv_rows(text)
    document = json.loads(text)
    if isinstance(document, dict):
        return ({"url": url, "views": views} for url, views in document.items())
    rows: list[dict[str, Any]] = list(document)
    return rows


def _csv_rows(text: str) -> Iterable[dict[str, Any]]:
    rows = csv.DictReader(text.splitlines())
    if not {"url", "views"} <= set(rows.fieldnames or ()):
        raise SiteAnalyticsError("The feed has no columns url and views. Add a heading with them.")
    return rows


def _page(account: Account, row: dict[str, Any], number: int) -> PageViews:
    try:
        return account.page(str(row["url"]), row["views"], row.get("seconds"))
    except (KeyError, ValueError, OverflowError) as problem:
        raise SiteAnalyticsError(
            f"Row {number} of the feed has no address or no number of views. Check that row."
        ) from problem
