"""Stores reports, each once, and only about domains that we send from."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import IntegrityError, transaction

from digest.core import addresses
from digest.newsletters.models import Publication
from digest.reputation.models import DmarcReport, DmarcRow

MOST_A_DAY = 2_000  # reports about one domain: there are not that many receivers
KEEP = timedelta(days=400)


class Outcome(StrEnum):
    """What followed from a report."""

    STORED = "stored"
    REPEATED = "repeated"  # stored before: receivers send some twice
    FOREIGN = "foreign"  # about a domain that is not ours
    TOO_MANY = "too many"


def store(report: dict[str, Any], now: datetime) -> Outcome:
    """Store a report as `parsing` gives it."""
    domain = str(report["domain"])
    if not any(is_related(domain, sender) for sender in sender_domains()):
        return Outcome.FOREIGN
    recent = DmarcReport.objects.filter(domain=domain, received_at__gt=now - timedelta(days=1))
    if recent.count() >= MOST_A_DAY:
        return Outcome.TOO_MANY
    try:
        with transaction.atomic():
            row = DmarcReport.objects.create(
                organization=report["organization"],
                report_id=report["report_id"],
                domain=domain,
                policy=report["policy"],
                begin=datetime.fromtimestamp(report["begin"], UTC),
                end=datetime.fromtimestamp(report["end"], UTC),
                left_out=report["left_out"],
                received_at=now,
            )
            DmarcRow.objects.bulk_create(_row(row, *values) for values in report["rows"])
    except IntegrityError:
        return Outcome.REPEATED
    return Outcome.STORED


def delete_old(now: datetime) -> int:
    """Delete the reports that came long ago; return how many."""
    deleted, _ = DmarcReport.objects.filter(received_at__lte=now - KEEP).delete()
    return deleted


def sender_domains() -> list[str]:
    """Return the domains that publications send from, in A-labels."""
    emails = Publication.objects.values_list("sender_email", flat=True)
    return sorted({addresses.envelope(email).rpartition("@")[2].lower() for email in emails})


def reported_domains(senders: Iterable[str] | None = None) -> list[str]:
    """Return the domains of stored reports that concern these senders' domains; None: all."""
    domains = DmarcReport.objects.order_by("domain").values_list("domain", flat=True).distinct()
    if senders is None:
        return list(domains)
    own = list(senders)
    return [row for row in domains if any(is_related(row, sender) for sender in own)]


def is_related(domain: str, sender: str) -> bool:
    """Return whether a policy of `domain` concerns mail from `sender`, or the other way round."""
    return f".{sender}".endswith(f".{domain}") or f".{domain}".endswith(f".{sender}")


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
