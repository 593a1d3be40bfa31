"""Who sends in our name, from the reports of a period: a row for each sending organization.

ours        the address of one of our mail servers
allowed     somebody else, and nearly all of it passes: a provider of ours, or a list
forwarding  passes by our signature alone: a mailbox that forwards, or a list
failing     neither passes: a service that is not set up, or a forgery
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import Q, Sum

from digest.reputation.dmarc.domains import organization_of
from digest.reputation.models import DmarcReport, DmarcRow, SendingHost

MOST = 50  # sources of a table, the largest
NEARLY_ALL = 0.95


class Standing(StrEnum):
    """How a source stands to us."""

    OWN = "own"
    ALLOWED = "allowed"
    FORWARDING = "forwarding"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Source:
    """Somebody who sends in the name of a domain."""

    name: str  # the domain of its hosts in DNS, else an address
    standing: Standing
    mails: int
    passed: int  # DMARC: DKIM or SPF, aligned
    dkim: int
    spf: int
    stopped: int  # quarantined or rejected
    addresses: tuple[str, ...]  # the largest

    @property
    def pass_share(self) -> float:
        """From 0 to 1."""
        return self.passed / self.mails if self.mails else 0.0


def sources_of(domains: Collection[str], now: datetime, days: int) -> list[Source]:
    """Return the sources of mail in the name of domains, those with most mails first."""
    rows = _rows(domains, now, days).values("ip").order_by()
    counted = list(
        rows.annotate(
            number=Sum("mails"),
            passed=Sum("mails", filter=Q(dkim=True) | Q(spf=True), default=0),
            with_dkim=Sum("mails", filter=Q(dkim=True), default=0),
            with_spf=Sum("mails", filter=Q(spf=True), default=0),
            stopped=Sum("mails", filter=Q(disposition__in=["quarantine", "reject"]), default=0),
        ).order_by("-number", "ip")[:5_000]
    )
    hosts = {
        host.ip: host for host in SendingHost.objects.filter(ip__in=[r["ip"] for r in counted])
    }
    groups: dict[tuple[bool, str], list[dict[str, Any]]] = defaultdict(list)
    for row in counted:
        host = hosts.get(row["ip"])
        is_ours = bool(host and host.is_ours)
        groups[is_ours, organization_of(host.name) if host and host.name else row["ip"]].append(row)
    sources = [_source(name, rows, is_ours=is_ours) for (is_ours, name), rows in groups.items()]
    return sorted(sources, key=lambda source: (-source.mails, source.name))[:MOST]


def reports_of(domains: Collection[str], now: datetime, days: int) -> Any:
    """Return the reports about domains whose periods ended lately, the newest first."""
    since = now - timedelta(days=days)
    return DmarcReport.objects.filter(domain__in=domains, end__gt=since).order_by("-end", "-pk")


def by_day(domains: Collection[str], now: datetime, days: int) -> list[tuple[str, int, int]]:
    """Return how many mails passed and failed DMARC, by the day (UTC) on which reports began."""
    rows = _rows(domains, now, days).values("report__begin__date").order_by("report__begin__date")
    counted = rows.annotate(
        number=Sum("mails"), passed=Sum("mails", filter=Q(dkim=True) | Q(spf=True), default=0)
    )
    return [
        (f"{row['report__begin__date']:%-d %b}", row["passed"], row["number"] - row["passed"])
        for row in counted
    ]


def judge(mails: int, passed: int, spf: int, *, is_ours: bool) -> Standing:
    """Say how a source stands. Pure."""
    if is_ours:
        return Standing.OWN
    if passed < mails * NEARLY_ALL:
        return Standing.FAILING
    return Standing.ALLOWED if spf >= mails * (1 - NEARLY_ALL) else Standing.FORWARDING


def _rows(domains: Collection[str], now: datetime, days: int) -> Any:
    since = now - timedelta(days=days)
    return DmarcRow.objects.filter(report__domain__in=domains, report__end__gt=since)


def _source(name: str, rows: Sequence[dict[str, Any]], *, is_ours: bool) -> Source:
    numbers = {
        key: sum(row[key] for row in rows)
        for key in ("number", "passed", "with_dkim", "with_spf", "stopped")
    }
    mails, passed, spf = numbers["number"], numbers["passed"], numbers["with_spf"]
    return Source(
        name=name,
        standing=judge(mails, passed, spf, is_ours=is_ours),
        mails=mails,
        passed=passed,
        dkim=numbers["with_dkim"],
        spf=spf,
        stopped=numbers["stopped"],
        addresses=tuple(row["ip"] for row in rows[:4]),
    )
