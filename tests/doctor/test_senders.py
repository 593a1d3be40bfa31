"""The checks of what DNS says about senders."""

# ruff: noqa: E501  a case a line reads best

import pytest

from digest.core.findings import Level
from digest.doctor.senders import check_domain, check_senders
from tests.cast import NOON, make_publication
from tests.doctor.levels import Zone

pytestmark = pytest.mark.django_db


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


TEN = {f"i{number}.org": ["v=spf1 ip4:192.0.2.1 -all"] for number in range(11)}


@pytest.mark.parametrize(
    ("record", "included", "fault"),
    [
        ("v=spf1 include:_spf.relay.org a mx ip6:2001:db8::/32 ~all", {"_spf.relay.org": ["v=spf1 ip4:192.0.2.0/24 -all"]}, ""),
        ("V=SPF1 redirect=i1.org", TEN, ""),
        ("v=spf1 exists:%{i}.b.org unknown=x -all", {}, ""),
        ("v=spf1 redirect=missing.org -all", {}, ""),
        ("v=spf10 -all", {}, "no SPF record"),
        ("v=spf1 include example.org -all", {}, "“include”"),
        ("v=spf1 ip4:300.1.1.1 -all", {}, "“ip4:300.1.1.1”"),
        ("v=spf1 include:missing.org -all", {}, "missing.org, which has no SPF record"),
        ("v=spf1 include:two.org -all", {"two.org": ["v=spf1 -all", "v=spf1 ~all"]}, "two.org, which has 2 SPF records"),
        ("v=spf1 include:b.org -all", {"b.org": ["v=spf1 include:a.org -all"]}, "circle"),
        ("v=spf1 " + "".join(f"include:{name} " for name in list(TEN)[:10]) + "-all", TEN, ""),
        ("v=spf1 " + "".join(f"include:{name} " for name in TEN) + "-all", TEN, "more than 10 DNS lookups"),
        ("v=spf1 a mx include:b.org -all", {"b.org": ["v=spf1 a a a a a a a a -all"]}, "more than 10 DNS lookups"),
    ],
)  # fmt: skip
def test_an_spf_record_that_servers_reject_is_named(
    zone: Zone, record: str, included: Zone, fault: str
) -> None:
    """What receivers answer with "permerror" counts as no record (RFC 7208 §4.6)."""
    zone |= {"a.org": [record], "_dmarc.a.org": ["v=DMARC1; p=none"], **included}
    finding = next(check_domain("a.org"))
    assert (finding.level is Level.OK) == (not fault)
    assert fault in finding.summary


@pytest.mark.parametrize(
    ("records", "fault"),
    [
        (["v=DMARC1; p=reject; rua=mailto:d@a.org"], ""),
        (["v=DMARC1;p=none", "some other text"], ""),
        (["v=DMARC1; p=none", "v=DMARC1; p=reject"], "several DMARC records"),
        (["v=DMARC1; p=nonne"], "no valid policy"),
        (["v=DMARC1; rua=mailto:d@a.org"], "no valid policy"),
        (["v=DMARC1 p=none"], "no DMARC record"),
        (["v=DMARC10; p=none"], "no DMARC record"),
    ],
)
def test_a_dmarc_record_needs_one_valid_policy(zone: Zone, records: list[str], fault: str) -> None:
    """RFC 7489 §6.6.3: with several records, or none that is valid, no policy applies."""
    zone |= {"a.org": ["v=spf1 -all"], "_dmarc.a.org": records}
    finding = list(check_domain("a.org"))[1]
    assert (finding.level is Level.OK) == (not fault)
    assert fault in finding.summary


def test_the_policy_of_a_parent_domain_covers_a_subdomain(zone: Zone) -> None:
    """RFC 7489 §6.6.3."""
    zone |= {"mail.a.org": ["v=spf1 -all"], "_dmarc.a.org": ["v=DMARC1; p=none"]}
    assert [finding.level for finding in check_domain("mail.a.org")] == [Level.OK, Level.OK]
