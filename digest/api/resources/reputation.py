"""What receivers report of our mail: DMARC sources, and the services of Google and Microsoft."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Query
from pydantic import BaseModel, Field

from digest.accounts.scopes import Scope
from digest.api.authentication import Caller, caller_of
from digest.api.paging import Page, PageQuery, paginate
from digest.api.routing import Operations
from digest.core import clock
from digest.reputation.dmarc import sources, storing
from digest.reputation.models import ServiceConnection, ServiceReading
from digest.reputation.services.kinds import KINDS

router = Operations(tags=["deliverability"])

Kind = Literal["postmaster", "snds"]
Days = Annotated[int, Field(ge=1, le=400)]
Share = Annotated[float | None, Field(description="From 0 to 1; null where it is not reported.")]


class DmarcQuery(BaseModel):
    """A period that ends now."""

    days: Days = 30


class DmarcSourceOut(BaseModel):
    """Somebody who sends in the name of the publications' domains."""

    source: str = Field(description="The domain of its hosts in DNS, or an address.")
    standing: Literal["own", "allowed", "forwarding", "failing"]
    mails: int
    passed: int = Field(description="DMARC: by DKIM or SPF, aligned.")
    dkim: int
    spf: int
    stopped: int = Field(description="Quarantined or rejected.")
    addresses: list[str] = Field(description="The largest.")


class DmarcSourcesOut(BaseModel):
    """Who sends in the name of these domains."""

    domains: list[str] = Field(description="That were reported about.")
    items: list[DmarcSourceOut]


class ReadingQuery(PageQuery):
    """Which readings."""

    service: Kind | None = None
    days: Days = 30


class ReadingOut(BaseModel):
    """What a service says of a domain (postmaster) or an address (snds) on one day."""

    id: int
    service: Kind
    subject: str
    day: date
    mails: int | None
    spam_share: Share
    dkim_share: Share
    dmarc_share: Share
    error_share: Share
    color: str = Field(description="SNDS: green, yellow, red; or empty.")
    trap_hits: int | None


class ServiceOut(BaseModel):
    """A service that is asked, and how that goes. Its key is never shown."""

    service: Kind
    name: str
    collected_at: datetime | None
    problem: str = Field(description="Why it could not be asked; empty where it could.")
    unmet: list[str] = Field(description="Google's requirements for senders that are not met.")


class ServicesOut(BaseModel):
    """The services that are connected."""

    items: list[ServiceOut]


@router.read("/dmarc/sources", Scope.STATISTICS_READ, returns=DmarcSourcesOut)
def list_dmarc_sources(request: HttpRequest, query: Query[DmarcQuery]) -> Any:
    """List who sent in the name of the publications' domains, those with most mails first.

    Nobody vouches for the reports: anybody can send one.
    """
    senders = storing.sender_domains(caller_of(request).scope.publications())
    domains = storing.reported_domains(senders)
    rows = sources.sources_of(domains, clock.now(), query.days)
    names = ("mails", "passed", "dkim", "spf", "stopped", "addresses")
    items = [
        {name: getattr(row, name) for name in names}
        | {"source": row.name, "standing": row.standing.value}
        for row in rows
    ]
    return {"domains": domains, "items": items}


@router.read("/reputation/readings", Scope.STATISTICS_READ, returns=Page[ReadingOut])
def list_readings(request: HttpRequest, query: Query[ReadingQuery]) -> Any:
    """List what Google and Microsoft say, newest first.

    Addresses are shared by all publications, so a token of one gets no readings of Microsoft.
    """
    since = clock.now().date() - timedelta(days=query.days)
    rows = _readings_of(caller_of(request)).filter(day__gte=since)
    if query.service:
        rows = rows.filter(kind=query.service)
    return paginate(rows, query, "readings", _serialize, newest_first=True)


@router.read("/reputation/services", Scope.STATISTICS_READ, returns=ServicesOut)
def list_services(request: HttpRequest) -> Any:
    """List the services that are connected; none for a token that is limited to a publication."""
    if not caller_of(request).scope.is_everything:
        return {"items": []}
    rows = ServiceConnection.objects.order_by("kind")
    names = ("collected_at", "problem", "unmet")
    return {
        "items": [
            {name: getattr(row, name) for name in names}
            | {"service": row.kind, "name": KINDS[row.kind].name}
            for row in rows
        ]
    }


def _readings_of(caller: Caller) -> QuerySet[ServiceReading]:
    if caller.scope.is_everything:
        return ServiceReading.objects.all()
    own = storing.sender_domains(caller.scope.publications())
    return ServiceReading.objects.filter(kind="postmaster", subject__in=own)


def _serialize(row: ServiceReading) -> dict[str, Any]:
    names = ("subject", "day", "mails", "color", "trap_hits")
    shares = ("spam_share", "dkim_share", "dmarc_share", "error_share")
    return {name: getattr(row, name) for name in (*names, *shares)} | {
        "id": row.pk,
        "service": row.kind,
    }
