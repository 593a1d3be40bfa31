"""The checks of DMARC reports, one-click unsubscribe and mailboxes."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from digest.bounces.mailboxes import registry
from digest.bounces.models import Mailbox
from digest.doctor.mailboxes import check_mailboxes
from digest.doctor.one_click import check_one_click
from digest.doctor.reports import check_reports
from tests.cast import NOON, make_newsletter
from tests.cast.accounts import make_superuser
from tests.doctor.levels import Zone


@pytest.mark.parametrize(
    ("record", "level", "publish"),
    [
        (
            "v=DMARC1; p=none",
            "ok",
            '_dmarc.a.org. IN TXT "v=DMARC1; p=none; rua=mailto:dmarc@b.net"',
        ),
        ("v=DMARC1; p=none; rua=mailto:x@a.org", "ok", ""),
        (
            "v=DMARC1; rua=mailto:dmarc@b.net!10m",
            "warn",
            'a.org._report._dmarc.b.net. IN TXT "v=DMARC1;"',
        ),
    ],
)
def test_reports_have_an_address(
    zone: Zone, settings: Any, record: str, level: str, publish: str
) -> None:
    """An address at another domain needs that domain's consent."""
    settings.DIGEST_BOUNCE_DOMAIN = "b.net"
    zone["_dmarc.a.org"] = [record]
    (finding,) = check_reports("a.org")
    assert (finding.level, finding.record) == (level, publish)
    zone["a.org._report._dmarc.b.net"] = ["v=DMARC1;"]
    (finding,) = check_reports("a.org")
    assert finding.level == "ok"


def test_a_domain_without_a_record_is_said_elsewhere(zone: Zone) -> None:
    """Once is enough."""
    assert list(check_reports("a.org")) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("base_url", "text"),
    [
        ("http://news.courier.org", "links lead to http://news.courier.org"),
        ("https://intranet", "links lead to https://intranet"),
        ("https://127.0.0.1.nip.invalid", None),
        ("https://10.1.2.3", "leads to a private address here"),
    ],
)
def test_one_click_is_tried(settings: Any, base_url: str, text: str | None) -> None:
    """As far as it can be from here."""
    settings.DIGEST_BASE_URL = base_url
    assert list(check_one_click()) == []
    make_newsletter()
    findings = list(check_one_click())
    assert [text in finding.summary for finding in findings if text] == ([True] if text else [])


@pytest.mark.django_db
def test_a_failing_mailbox_is_reported(client: Client) -> None:
    """By `digest doctor`, and on Home to those who may change it."""
    mailbox = registry.add("returns", "imaps://u:p@imap.example/INBOX", NOON)
    assert [finding.level for finding in check_mailboxes(NOON)] == ["ok"]
    assert [finding.level for finding in check_mailboxes(NOON + timedelta(hours=2))] == ["warn"]
    Mailbox.objects.filter(pk=mailbox.pk).update(
        problem="The server refused the password.", failures=3, polled_at=NOON
    )
    (finding,) = check_mailboxes(NOON)
    assert "returns cannot be polled: The server refused the password." in finding.summary
    client.force_login(make_superuser())
    page = client.get("/admin/").content.decode()
    assert "Mailbox returns cannot be polled, so bounces are not read" in page
