"""The connection of a publication to its site's analytics. The secret is sealed (core.sealing)."""

from collections.abc import Mapping
from datetime import datetime

from digest.analytics.errors import SiteAnalyticsError
from digest.analytics.models import SiteConnection
from digest.analytics.site.base import Account, Adapter
from digest.analytics.site.kinds import KINDS
from digest.core import sealing
from digest.core.http import checked_url
from digest.core.http.errors import FetchError
from digest.newsletters.models import Publication


def connect(
    publication: Publication, kind: str, values: Mapping[str, str], now: datetime
) -> SiteConnection:
    """Connect a publication, or change how it is connected; it is collected at once.

    `values` are fields of Account. An empty secret keeps the stored one, but for another kind or
    address it has to be given: it must not reach whoever is there. Raises SiteAnalyticsError for
    what is missing.
    """
    adapter = _adapter(kind)
    row = SiteConnection.objects.filter(publication=publication).first()
    row = row or SiteConnection(publication=publication)
    previous = (row.kind, row.address)
    row.kind = kind
    row.address = _address(values.get("address", "").strip() or adapter.address)
    row.site = values.get("site", "").strip()
    row.username = values.get("username", "").strip()
    if secret := values.get("secret", "").strip():
        row.sealed_secret = sealing.seal(secret)
    elif (row.kind, row.address) != previous:
        row.sealed_secret = ""
    _check(row)
    row.due_at, row.failures, row.problem = now, 0, ""
    row.save()
    return row


def account_of(connection: SiteConnection) -> Account:
    """Return what an adapter needs. Raises ConfigurationError where the secret cannot be read."""
    sealed = connection.sealed_secret
    return Account(
        site_url=connection.publication.url,
        address=connection.address,
        site=connection.site,
        username=connection.username,
        secret=sealing.unseal(sealed) if sealed else "",
    )


def _adapter(kind: str) -> Adapter:
    if kind not in KINDS:
        raise SiteAnalyticsError(f"{kind!r} is not known. Choose one of {', '.join(KINDS)}.")
    return KINDS[kind]


def _address(address: str) -> str:
    try:
        return str(checked_url(address))
    except FetchError as problem:
        raise SiteAnalyticsError(str(problem)) from problem


def _check(row: SiteConnection) -> None:
    """Raise SiteAnalyticsError for a field that this kind needs and is empty."""
    fields = KINDS[row.kind].fields
    if "site" in fields and not row.site:
        raise SiteAnalyticsError(f"{fields['site'][0]} is missing. {fields['site'][1]}")
    if row.kind != "feed" and not row.sealed_secret:
        label, hint = fields["secret"]
        raise SiteAnalyticsError(f"{label} is missing. {hint} A changed address needs it again.")
