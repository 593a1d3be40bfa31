"""The checks of MTA-STS, BIMI and PTR."""

# ruff: noqa: E501  a case a line reads best

import pytest

from digest.doctor import standing
from digest.doctor.senders import check_domain, dmarc_records
from digest.relays import registry
from digest.relays.registry import RelayOptions
from tests.doctor.levels import Zone

LOGO = "v=BIMI1; l=https://a.org/logo.svg"


def test_what_is_not_published_is_fine(zone: Zone) -> None:
    """MTA-STS and BIMI are optional."""
    assert [finding.level for finding in standing.check_standing("a.org")] == ["ok", "ok"]
    assert list(standing.check_standing("courier.example")) == []


@pytest.mark.parametrize(
    ("logo", "policy", "fault"),
    [
        (LOGO, "v=DMARC1; p=quarantine", ""),
        (LOGO, "v=DMARC1; p=none", "not shown"),
        ("v=BIMI1; l=http://a.org/logo.svg", "v=DMARC1; p=reject", "names no logo"),
        ("v=BIMI1; l=", "v=DMARC1; p=reject", "names no logo"),
    ],
)
def test_a_logo_needs_https_and_a_strict_policy(
    zone: Zone, logo: str, policy: str, fault: str
) -> None:
    """And the record to publish is given."""
    zone["default._bimi.a.org"], zone["_dmarc.a.org"] = [logo], [policy]
    finding = list(standing.check_standing("a.org"))[-1]
    assert (finding.level, bool(finding.record)) == (("warn", True) if fault else ("ok", False))
    assert fault in finding.summary


def test_a_policy_that_cannot_be_fetched_is_named(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens at mta-sts.a.org here."""
    zone["_mta-sts.a.org"] = ["v=STSv1; id=1"]
    finding = next(standing.check_standing("a.org"))
    assert finding.level == "warn"
    assert "cannot be fetched" in finding.summary


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("records", "level", "record"),
    [
        ({"PTR 34.216.184.93.in-addr.arpa": ["mail.a.org."], "A mail.a.org": ["93.184.216.34"]}, "ok", ""),
        ({"A mail.a.org": ["93.184.216.34"]}, "warn", "34.216.184.93.in-addr.arpa. IN PTR mail.a.org."),
        (
            {"PTR 34.216.184.93.in-addr.arpa": ["host-34.isp.org."], "A mail.a.org": ["93.184.216.34"]},
            "warn",
            "host-34.isp.org. IN A 93.184.216.34",
        ),
    ],
)  # fmt: skip
def test_a_servers_address_has_a_name(zone: Zone, records: Zone, level: str, record: str) -> None:
    """Which leads back to it; servers of our own network are left out."""
    zone.update(records)
    registry.add("main", "smtp://mail.a.org:587", RelayOptions())
    registry.add("lan", "smtp://192.168.1.9:25", RelayOptions())
    registry.add("esp", "anymail+brevo://key@default", RelayOptions())
    (finding,) = standing.check_pointers()
    assert (finding.level, finding.record) == (level, record)


@pytest.mark.django_db
def test_missing_records_are_given(zone: Zone) -> None:
    """SPF with the hosts of the SMTP servers, and DMARC."""
    registry.add("main", "smtp://mail.a.org:587", RelayOptions())
    zone["a.org"] = []
    assert [finding.record for finding in check_domain("a.org")] == [
        'a.org. IN TXT "v=spf1 a:mail.a.org ~all"',
        '_dmarc.a.org. IN TXT "v=DMARC1; p=none"',
    ]


def test_dmarc_is_looked_for_above(zone: Zone) -> None:
    """Of more than eight labels only the last seven are asked (RFC 9989 §4.10)."""
    zone["_dmarc.news.org"] = ["v=DMARC1; p=none"]
    assert dmarc_records("a.b.c.d.e.f.g.h.news.org") == ["v=DMARC1; p=none"]
    zone["_dmarc.b.c.d.e.f.g.h.news.org"] = ["v=DMARC1; p=reject"]
    assert dmarc_records("a.b.c.d.e.f.g.h.news.org") == ["v=DMARC1; p=none"]
