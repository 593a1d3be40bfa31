"""The checks of what DNS says about senders."""

import pytest

from digest.core.findings import Level
from digest.doctor.senders import check_domain, check_senders
from tests.cast import NOON, make_publication
from tests.doctor.levels import Zone


@pytest.mark.django_db
def test_senders_need_a_postal_address_and_their_own_domain() -> None:
    """A domain that is reserved for examples gets a warning."""
    make_publication(postal_address=" ", sender_email="news@courier.example")
    assert [finding.level for finding in check_senders(NOON)] == [Level.FAIL, Level.WARN]


@pytest.mark.parametrize(
    ("records", "levels"),
    [
        ({"a.org": ["v=spf1 -all"], "_dmarc.a.org": ["v=DMARC1; p=none"]}, ["ok", "ok"]),
        ({"a.org": ["other"], "_dmarc.a.org": ["v=DMARC1; p=none"]}, ["warn", "ok"]),
        ({"a.org": ["v=spf1 -all", "v=spf1 +all"]}, ["warn", "warn"]),
        ({"a.org": []}, ["warn", "warn"]),
        ({}, ["fail"]),
        ({"timeout": []}, ["warn"]),
    ],
)
def test_what_dns_says_about_a_sender(zone: Zone, records: Zone, levels: list[str]) -> None:
    """Missing records are a warning, a missing domain a failure; without DNS nobody can tell."""
    zone.update(records)
    assert [finding.level.value for finding in check_domain("a.org")] == levels


def test_the_policy_of_a_parent_domain_covers_a_subdomain(zone: Zone) -> None:
    """RFC 7489 §6.6.3."""
    zone |= {"mail.a.org": ["v=spf1 -all"], "_dmarc.a.org": ["v=DMARC1; p=none"]}
    assert [finding.level for finding in check_domain("mail.a.org")] == [Level.OK, Level.OK]
