"""Google Postmaster Tools, API v2: how Gmail sees a domain, by day.

`domains.domainStats.query` has shares of mail that people reported as spam, that was authenticated,
and that was refused; `getComplianceStatus` says which requirements for senders are not met, of a
subdomain and of the domain above it. Version 2 has no reputation of domains and addresses any more.
Names and shapes are those of Google's discovery document of version 2 (revision 20260512); an
account of ours has not confirmed them.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import quote

from digest.analytics.errors import SiteAnalyticsError
from digest.analytics.site.google import access_token
from digest.analytics.site.requests import is_status, reading, request_json
from digest.reputation.services.base import MOST_READINGS, Account, Answer, Period, Reading

SCOPE = "https://www.googleapis.com/auth/postmaster.traffic.readonly"
PAGE = 200  # the API's largest
MOST_PAGES = 20
_METRICS = {
    "spam_share": ("SPAM_RATE", ""),
    "dkim_share": ("AUTH_SUCCESS_RATE", 'auth_type = "dkim"'),
    "dmarc_share": ("AUTH_SUCCESS_RATE", 'auth_type = "dmarc"'),
    "error_share": ("DELIVERY_ERROR_RATE", ""),
}
_UNMET = "NEEDS_WORK"
_INVISIBLE = "verified in Postmaster Tools, with this account as a user"
_KEY_FILE_HELP = (
    "The JSON of a service account, or of an authorized user, that is a user of your domains in "
    "Postmaster Tools. Enable the Postmaster Tools API in its project."
)


class Postmaster:
    """The key file of an account that may see our domains in Postmaster Tools."""

    name = "Google Postmaster Tools"
    address = "https://gmailpostmastertools.googleapis.com"
    secret = ("Key file", _KEY_FILE_HELP)

    def fetch(self, account: Account, period: Period) -> Answer:
        """Ask for each of our domains; raise SiteAnalyticsError where none may be seen."""
        token = access_token(self.name, account.secret, SCOPE, period.now)
        readings, unmet, refused = list[Reading](), list[str](), dict[str, SiteAnalyticsError]()
        for domain in account.domains:
            try:
                readings += self._stats(account, token, domain, period)
                unmet += self._unmet(account, token, domain)
            except SiteAnalyticsError as problem:
                if not _is_refused(problem):
                    raise
                refused[domain] = problem
        if refused and len(refused) == len(account.domains):
            raise SiteAnalyticsError(
                f"{self.name} does not show {', '.join(refused)} to this account. Add and "
                "verify the domains in Postmaster Tools, and add the account as a user of each."
            ) from next(iter(refused.values()))
        unmet += [f"{domain}: {_INVISIBLE}" for domain in refused]
        return Answer(readings[:MOST_READINGS], unmet)

    def _stats(self, account: Account, token: str, domain: str, period: Period) -> list[Reading]:
        days: dict[date, dict[str, float]] = defaultdict(dict)
        page = ""
        for _ in range(MOST_PAGES):
            answer = self._request(
                account, token, f"{_domain(domain)}/domainStats:query", _question(period, page)
            )
            with reading(self.name):
                for row in answer.get("domainStats", []):
                    day = date(*(int(row["date"][part]) for part in ("year", "month", "day")))
                    if (share := _share(row.get("value", {}))) is not None:
                        days[day][str(row["metric"])] = share
                page = str(answer.get("nextPageToken", ""))
            if not page:
                break
        return [Reading(domain, day, **_shares(shares)) for day, shares in sorted(days.items())]

    def _unmet(self, account: Account, token: str, domain: str) -> list[str]:
        """Return the requirements that are not met, with what Google calls them.

        Not every account that may see the numbers of a domain may see these.
        """
        try:
            answer = self._request(account, token, f"{_domain(domain)}/complianceStatus")
        except SiteAnalyticsError as problem:
            if not _is_refused(problem):
                raise
            return []
        with reading(self.name):
            rows = [
                row
                for part in ("complianceData", "subdomainComplianceData")
                for row in answer.get(part, {}).get("rowData", [])
            ]
            names = dict.fromkeys(
                str(row["requirement"]).replace("_", " ").lower()
                for row in rows
                if row.get("status", {}).get("status") == _UNMET
            )
        return [f"{domain}: {name[:60]}" for name in list(names)[:20]]

    def _request(self, account: Account, token: str, path: str, question: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{account.address.rstrip('/')}/v2/domains/{path}"
        return request_json(self.name, url, headers=headers, question=question)


def _is_refused(problem: SiteAnalyticsError) -> bool:
    return is_status(problem, 403) or is_status(problem, 404)


def _shares(shares: Mapping[str, float]) -> dict[str, Any]:
    return {name: shares[name] for name in _METRICS if name in shares}


def _question(period: Period, page: str) -> dict[str, Any]:
    metrics = [
        {"name": name, "baseMetric": {"standardMetric": metric}}
        | ({"filter": condition} if condition else {})
        for name, (metric, condition) in _METRICS.items()
    ]
    dates = [{"start": _date(period.start), "end": _date(period.end)}]
    return {
        "metricDefinitions": metrics,
        "timeQuery": {"dateRanges": {"dateRanges": dates}},
        "aggregationGranularity": "DAILY",
        "pageSize": PAGE,
    } | ({"pageToken": page} if page else {})


def _date(day: date) -> dict[str, int]:
    return {"year": day.year, "month": day.month, "day": day.day}


def _domain(domain: str) -> str:
    return quote(domain, safe="")


def _share(value: Any) -> float | None:
    """Return a share from 0 to 1, under whichever name of a number; None where there is none."""
    for name in ("doubleValue", "floatValue", "intValue"):
        if name in value:
            return max(0.0, min(1.0, float(value[name])))
    return None
