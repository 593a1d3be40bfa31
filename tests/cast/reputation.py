"""What mailbox providers report of our mail."""

from datetime import timedelta
from typing import Any

from digest.core import clock
from digest.reputation.models import DmarcReport, DmarcRow, SendingHost, ServiceReading


def make_report(domain: str, mails: int) -> None:
    """Make a DMARC report of a day, with one address that fails."""
    now = clock.now()
    report = DmarcReport.objects.create(
        organization="mailbox.example",
        report_id=domain,
        domain=domain,
        begin=now - timedelta(days=1),
        end=now,
        received_at=now,
    )
    DmarcRow.objects.create(report=report, ip="192.0.2.7", mails=mails, dkim=False, spf=False)
    SendingHost.objects.get_or_create(ip="192.0.2.7")


def make_reading(kind: str, subject: str, **values: Any) -> ServiceReading:
    """Make a reading of today."""
    day = clock.now().date()
    return ServiceReading.objects.create(kind=kind, subject=subject, day=day, **values)
