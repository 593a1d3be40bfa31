"""Which mailbox provider a domain belongs to."""

import pytest

from digest.reputation.models import MailDomain
from digest.reputation.recipients import exchangers
from digest.reputation.recipients.destinations import destinations_of
from digest.reputation.recipients.providers import (
    name_of,
    provider_by_exchanger,
    provider_by_name,
)
from tests.cast import NOON
from tests.doctor.levels import Zone


@pytest.mark.parametrize(
    ("domain", "key"),
    [
        ("gmail.com", "gmail"),
        ("hotmail.fr", "outlook"),
        ("live.co.uk", "outlook"),
        ("yahoo.com.br", "yahoo"),
        ("gmx.at", "gmx"),
        ("web.de", "gmx"),
        ("me.com", "icloud"),
        ("live.example", ""),
        ("nothotmail.fr", ""),
        ("hotmail.fr.evil.example", ""),
        ("gmail.com.evil.example", ""),
        ("", ""),
    ],
)
def test_domains_by_name(domain: str, key: str) -> None:
    """The whole name counts."""
    assert provider_by_name(domain) == key


@pytest.mark.parametrize(
    ("exchanger", "key"),
    [
        ("aspmx.l.google.com.", "gmail"),
        ("firm-example.mail.protection.outlook.com", "microsoft365"),
        ("hotmail-com.olc.protection.outlook.com", "outlook"),
        ("MTA5.AM0.YAHOODNS.NET", "yahoo"),
        ("notgoogle.com", ""),
        ("", ""),
    ],
)
def test_domains_by_mail_server(exchanger: str, key: str) -> None:
    """A host below one of the provider's."""
    assert provider_by_exchanger(exchanger) == key


@pytest.mark.django_db
def test_mail_servers_are_looked_up_once_a_month(zone: Zone) -> None:
    """The most preferred counts; where DNS has none, that is stored too."""
    zone["MX firm.example"] = ["20 backup.example.", "10 aspmx.l.google.com."]
    domains = ["firm.example", "gone.example", "gmail.com", ""]
    assert exchangers.look_up(domains, NOON) == 2
    assert exchangers.look_up(domains, NOON) == 0
    assert MailDomain.objects.get(domain="firm.example").exchanger == "aspmx.l.google.com"
    assert destinations_of(domains[:3]) == {
        "firm.example": "gmail",
        "gone.example": "gone.example",
        "gmail.com": "gmail",
    }
    assert exchangers.look_up(domains, NOON + exchangers.CHECK_INTERVAL) == 2


def test_a_destination_has_a_name() -> None:
    """A provider's, or the domain itself."""
    assert (name_of("gmail"), name_of("club.example")) == ("Gmail", "club.example")
