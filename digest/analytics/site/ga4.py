"""Google Analytics 4: Data API, `runReport`, by a service account.

The account signs a JWT (RFC 7523 §2.1), which is exchanged for a token of an hour.
https://developers.google.com/analytics/devguides/reporting/data/v1
"""

import json
from base64 import urlsafe_b64encode
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from digest.analytics.site.base import (
    MOST_PAGES,
    Account,
    PageViews,
    Period,
    SiteAnalyticsError,
    count,
    endpoint,
    reading,
    request_json,
)

SCOPE = "https://www.googleapis.com/auth/analytics.readonly"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LASTS = 600  # seconds, of the assertion


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
        token = self._token(account, period.end)
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
            return [_page(row) for row in answer.get("rows", [])]

    def _token(self, account: Account, now: datetime) -> str:
        key = _key_file(account.secret)
        form = {"grant_type": GRANT, "assertion": _assertion(key, now)}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(form).encode()
        answer = request_json(self.name, key["token_uri"], headers=headers, body=body)
        with reading(self.name):
            return str(answer["access_token"])


def _page(row: Any) -> PageViews:
    host, path = (value["value"] for value in row["dimensionValues"])
    views, seconds = (value["value"] for value in row["metricValues"])
    engaged = float(seconds) / float(views) if float(views) else 0
    return PageViews(f"https://{host}{path}", count(views), engaged or None)


def _key_file(secret: str) -> dict[str, str]:
    """Return the key file of a service account; raise SiteAnalyticsError for anything else."""
    try:
        key = json.loads(secret)
        return {name: str(key[name]) for name in ("client_email", "private_key", "token_uri")}
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        raise SiteAnalyticsError(
            "The key file is not that of a service account. Paste the whole JSON file that "
            "Google Cloud offers under IAM, Service accounts, Keys."
        ) from problem


def _assertion(key: dict[str, str], now: datetime) -> str:
    """Return a JWT that the service account signs (RS256, RFC 7515)."""
    issued = int(now.timestamp())
    claims = {
        "iss": key["client_email"],
        "scope": SCOPE,
        "aud": key["token_uri"],
        "iat": issued,
        "exp": issued + LASTS,
    }
    head = {"alg": "RS256", "typ": "JWT"}
    signed = f"{_encoded(json.dumps(head).encode())}.{_encoded(json.dumps(claims).encode())}"
    signature = _private_key(key["private_key"]).sign(
        signed.encode(), padding.PKCS1v15(), hashes.SHA256()
    )
    return f"{signed}.{_encoded(signature)}"


def _private_key(pem: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as problem:
        raise SiteAnalyticsError("The key file's private key cannot be read.") from problem
    if not isinstance(key, RSAPrivateKey):
        raise SiteAnalyticsError("The key file's private key is not an RSA key.")
    return key


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
