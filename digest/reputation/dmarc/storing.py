"""Stores reports, each once, and only about domains that we send from."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import structlog
from django.db import DataError, IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from digest.core import addresses
from digest.newsletters.models import Publication
from digest.reputation.dmarc.domains import is_related, organization_of
from digest.reputation.models import DmarcReport, DmarcRow, SendingHost

log = structlog.get_logger(__name__)

MOST_A_DAY = 2_000  # reports about the domains of an organization: receivers are fewer
MOST_ROWS_A_DAY = 50_000  # of those reports together
FEWEST_ROWS = 20  # of a report that comes when these are used up, the largest
KEEP = timedelta(days=400)


class Outcome(StrEnum):
    """What followed from a report."""

    STORED = "stored"
    REPEATED = "repeated"  # stored before: receivers send some twice
    FOREIGN = "foreign"  # about a domain that is not ours
    TOO_MANY = "too many"
    UNFIT = "unfit"  # it has values that the database refuses


def store(report: dict[str, Any], now: datetime) -> Outcome:
    """Store a report as `parsing` gives it. Never raises for what it holds."""
    domain = str(report["domain"])
    related = [sender for sender in sender_domains() if is_related(domain, sender)]
    if not related:
        return Outcome.FOREIGN
    recent = _recent_reports(organization_of(related[0]), now)
    if recent.count() >= MOST_A_DAY:
        return Outcome.TOO_MANY
    counted = report["rows"]
    largest = counted[: _rows_left(recent)]
    try:
        with transaction.atomic():
            row = DmarcReport.objects.create(
                organization=report["organization"],
                report_id=report["report_id"],
                domain=domain,
                policy=report["policy"],
                begin=datetime.fromtimestamp(report["begin"], UTC),
                end=datetime.fromtimestamp(report["end"], UTC),
                left_out=report["left_out"] + sum(mails for _, mails in counted[len(largest) :]),
                received_at=now,
            )
            rows = [_row(row, *values) for values in largest]
            DmarcRow.objects.bulk_create(rows)
            _note_hosts({row.ip for row in rows})
    except IntegrityError:
        return Outcome.REPEATED
    except DataError as problem:
        log.warning("DMARC report not stored", domain=domain, problem=str(problem).strip())
        return Outcome.UNFIT
    return Outcome.STORED


def delete_old(now: datetime) -> int:
    """Delete the reports that came long ago; return how many rows.

    The hosts that only they name are deleted too.
    """
    old = DmarcReport.objects.filter(received_at__lte=now - KEEP)
    ips = set(DmarcRow.objects.filter(report__in=old).values_list("ip", flat=True))
    deleted, _ = old.delete()
    is_named = Exists(DmarcRow.objects.filter(ip=OuterRef("ip")))
    SendingHost.objects.filter(~is_named, ip__in=ips).delete()
    return deleted


def sender_domains(publications: QuerySet[Publication] | None = None) -> list[str]:
    """Return the domains that publications send from, in A-labels; None: of all."""
    rows = Publication.objects.all() if publications is None else publications
    emails = rows.values_list("sender_email", flat=True)
    return sorted({addresses.envelope(email).rpartition("@")[2].lower() for email in emails})


def reported_domains(senders: Iterable[str] | None = None) -> list[str]:
    """Return the domains of stored reports that concern these senders' domains; None: all."""
    domains = DmarcReport.objects.order_by("domain").values_list("domain", flat=True).distinct()
    if senders is None:
        return list(domains)
    own = list(senders)
    return [row for row in domains if any(is_related(row, sender) for sender in own)]


def _recent_reports(organization: str, now: datetime) -> QuerySet[DmarcReport]:
    """Return the reports about the domains of an organization that came within a day."""
    concerned = Q(domain=organization) | Q(domain__endswith=f".{organization}")
    return DmarcReport.objects.filter(concerned, received_at__gt=now - timedelta(days=1))


def _rows_left(recent: QuerySet[DmarcReport]) -> int:
    """Return how many rows a report may have: some, however many came before."""
    stored = DmarcRow.objects.filter(report__in=recent)[:MOST_ROWS_A_DAY].count()
    return max(MOST_ROWS_A_DAY - stored, FEWEST_ROWS)


def _note_hosts(ips: Collection[str]) -> None:
    """Note the addresses that send, to be looked up; in order, for others note them too."""
    hosts = [SendingHost(ip=ip) for ip in sorted(ips)]
    SendingHost.objects.bulk_create(hosts, ignore_conflicts=True)


def _row(report: DmarcReport, values: dict[str, str], mails: int) -> DmarcRow:
    return DmarcRow(
        report=report,
        ip=values["ip"],
        mails=mails,
        disposition=values["disposition"],
        dkim=values["dkim"] == "pass",
        spf=values["spf"] == "pass",
        header_from=values["header_from"],
        dkim_domain=values["dkim_domain"],
        spf_domain=values["spf_domain"],
        override=values["override"],
    )
