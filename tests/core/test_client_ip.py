"""What a client is counted by."""

import pytest

from digest.core.client_ip import counted_as


@pytest.mark.parametrize(
    ("ip", "client", "network"),
    [
        ("192.0.2.7", "192.0.2.7/32", "192.0.2.0/24"),
        ("2001:db8:1:2:3::7", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("::ffff:192.0.2.7", "192.0.2.7/32", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::/64", "fe80::/48"),
    ],
)
def test_an_ipv6_client_is_a_network(ip: str, client: str, network: str) -> None:
    """It may take another address of it for each request; its provider's network is wider."""
    assert counted_as(ip) == client
    assert counted_as(ip, v4=24, v6=48) == network
