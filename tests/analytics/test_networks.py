"""Networks: which class an address is of, the files of operators, and lists that are loaded."""

import json
from ipaddress import ip_network

import pytest

from digest.analytics import networks
from digest.analytics.models import LoadedNetworks
from digest.analytics.verdicts.network_files import NetworkFileError, parse
from digest.analytics.verdicts.networks import NetworkClass, NetworkList, Networks
from tests.cast import NOON

HOSTING, RELAY, SCANNER = NetworkClass.HOSTING, NetworkClass.RELAY, NetworkClass.SCANNER


def index(**lists: tuple[NetworkClass, list[str]]) -> Networks:
    """Return an index of lists."""
    return Networks(NetworkList(name, *values) for name, values in lists.items())


def test_the_most_specific_network_decides() -> None:
    """A private relay's addresses, finer than a hit's network, lie inside a data centre's."""
    lists = index(cloud=(HOSTING, ["104.16.0.0/12"]), phones=(RELAY, ["104.28.3.7/32"]))
    assert lists.class_of("104.28.3.0/24") is RELAY
    assert lists.class_of("104.28.4.0/24") is HOSTING
    assert lists.class_of("104.32.0.0/24") is NetworkClass.OTHER


def test_people_win_where_two_lists_have_the_same_network() -> None:
    """Better a scanner that is missed by this rule than a person who is lost."""
    lists = index(a=(SCANNER, ["192.0.2.0/24"]), b=(RELAY, ["192.0.2.0/24"]))
    assert lists.class_of("192.0.2.0/24") is RELAY


def test_versions_of_ip_are_apart() -> None:
    """And what is not a network is of no class."""
    lists = index(a=(SCANNER, ["2001:db8::/32", "::/12"]))
    assert lists.class_of("2001:db8:1::/48") is SCANNER
    assert lists.class_of("0.1.2.0/24") is NetworkClass.OTHER
    assert lists.class_of("") is NetworkClass.OTHER


def test_shipped_networks_are_exact() -> None:
    """No host bits, no network twice in a list, and well-known addresses in their class."""
    for row in networks.shipped():
        entries = [ip_network(text) for text in row.networks]
        assert len(set(entries)) == len(entries), row.name
    lists = Networks(networks.shipped())
    assert lists.class_of("67.231.150.0/24") is SCANNER
    assert lists.class_of("52.101.1.0/24") is SCANNER  # inside Azure's
    assert lists.class_of("66.249.84.0/24") is NetworkClass.IMAGE_PROXY
    assert lists.class_of("172.226.1.0/24") is RELAY
    assert lists.class_of("52.20.30.0/24") is HOSTING
    assert lists.class_of("203.0.113.0/24") is NetworkClass.OTHER


AMAZON = {
    "createDate": "2026-11-20-01-02-03",
    "prefixes": [{"ip_prefix": "3.5.140.0/22"}, {"ip_prefix": "3.5.144.0/22"}],
    "ipv6_prefixes": [{"ipv6_prefix": "2600:1f00::/40"}],
}
GOOGLE = {
    "creationTime": "2026-11-20T00:00:00",
    "prefixes": [{"ipv4Prefix": "34.1.208.0/20"}, {"ipv6Prefix": "2600:1900:8000::/44"}],
}
AZURE = {
    "changeNumber": 7,
    "values": [{"properties": {"addressPrefixes": ["4.144.0.0/17", "2603:1000:4::1/128"]}}],
}
ENDPOINTS = [{"id": 10, "ips": ["40.92.0.0/15"]}, {"id": 11, "urls": ["outlook.office.com"]}]
APPLE = "172.224.226.0/31,GB,GB-EN,London,\n172.224.226.2/31,FR,,,\n2a02:26f7:b000::/45,DE,,,\n"
LINES = "# ours\n192.0.2.1\n\n198.51.100.0/24  # the office\n"


@pytest.mark.parametrize(
    ("text", "name", "network_class", "expected"),
    [
        (json.dumps(AMAZON), "amazon", HOSTING, ["3.5.140.0/22", "3.5.144.0/22", "2600:1f00::/40"]),
        (json.dumps(GOOGLE), "google", HOSTING, ["34.1.208.0/20", "2600:1900:8000::/44"]),
        (json.dumps(AZURE), "microsoft-azure", HOSTING, ["4.144.0.0/17", "2603:1000:4::/48"]),
        (json.dumps(ENDPOINTS), "", None, ["40.92.0.0/15"]),
        (APPLE, "apple-private-relay", RELAY, ["172.224.226.0/24", "2a02:26f7:b000::/45"]),
        ("\ufeff" + LINES, "", None, ["192.0.2.0/24", "198.51.100.0/24"]),
    ],
)  # fmt: skip
def test_files_of_operators(
    text: str, name: str, network_class: NetworkClass | None, expected: list[str]
) -> None:
    """Each format is recognised by itself; networks are merged and widened to those of hits."""
    file = parse(text)
    assert (file.name, file.network_class, file.networks) == (name, network_class, expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ('{"prefix": []}', "format is unknown"),
        ("", "no networks"),
        ("192.0.2.0/24\nnonsense", "Entry 2 is not a network: 'nonsense'"),
        ("0.0.0.0/0", "Entry 1 is too wide"),
        ("::/0", "need at least /12"),
    ],
)
def test_files_that_cannot_be_read(text: str, message: str) -> None:
    """The error names what is wrong."""
    with pytest.raises(NetworkFileError, match=message):
        parse(text)


@pytest.mark.django_db
def test_a_loaded_list_replaces_the_shipped_one() -> None:
    """At once, in every process; and the shipped one is back when it is removed."""
    assert networks.current().class_of("67.231.150.0/24") is SCANNER
    networks.load(parse("192.0.2.0/24"), source="scanners.txt", now=NOON, name="proofpoint")
    assert networks.current().class_of("192.0.2.0/24") is SCANNER
    assert networks.current().class_of("67.231.150.0/24") is NetworkClass.OTHER
    networks.load(
        parse("192.0.3.0/24"), source="b.txt", now=NOON.replace(hour=13), name="proofpoint"
    )
    assert networks.current().class_of("192.0.2.0/24") is NetworkClass.OTHER
    networks.remove("proofpoint")
    assert networks.current().class_of("67.231.150.0/24") is SCANNER


@pytest.mark.django_db
def test_a_list_without_name_or_class_is_refused() -> None:
    """Plain lines do not say what they are."""
    with pytest.raises(NetworkFileError, match="--name and --class"):
        networks.load(parse("192.0.2.0/24"), source="a.txt", now=NOON, name="ours")
    assert not LoadedNetworks.objects.exists()
