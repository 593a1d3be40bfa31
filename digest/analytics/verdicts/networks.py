"""Which networks belong to scanners, data centres, image proxies and relays of people's phones.

Hits keep a /24 of IPv4 or a /48 of IPv6; a finer entry of a list counts for all of that. The most
specific entry decides: a private relay's addresses lie inside those of data centres.
"""

from collections.abc import Iterable
from enum import IntEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple

FINEST = {4: 24, 6: 48}  # the prefix length of a hit's network, by IP version
MOST_CACHED = 200_000

IPNetwork = IPv4Network | IPv6Network


class NetworkClass(IntEnum):
    """Who uses a network. Numbers are stored."""

    OTHER = 0  # homes, offices, phones: in no list
    RELAY = 1  # people, by way of a private relay
    IMAGE_PROXY = 2  # of a mailbox provider
    SCANNER = 3  # of a mail security service
    HOSTING = 4  # data centres: scanners, and people with a VPN

    @property
    def label(self) -> str:
        """Its name for people and on the command line: "image-proxy"."""
        return self.name.lower().replace("_", "-")


class NetworkList(NamedTuple):
    """The networks of one source, all of one class; in CIDR notation."""

    name: str
    network_class: NetworkClass
    networks: Iterable[str]


class Networks:
    """Answers which class a hit's network is of."""

    def __init__(self, lists: Iterable[NetworkList]) -> None:
        """Index the lists; where two have the same entry, the class with the lower number wins."""
        self._by_prefix: dict[tuple[int, int], dict[int, NetworkClass]] = {}
        self._cache: dict[str, NetworkClass] = {}
        for networks in sorted(lists, key=lambda row: row.network_class):
            for text in networks.networks:
                self._add(widened(text), networks.network_class)
        self._prefixes = {
            version: sorted((p for v, p in self._by_prefix if v == version), reverse=True)
            for version in FINEST
        }

    def class_of(self, network: str) -> NetworkClass:
        """Return the class of a hit's network, "203.0.113.0/24"; OTHER if it is unreadable."""
        cached = self._cache.get(network)
        if cached is None:
            if len(self._cache) >= MOST_CACHED:
                self._cache.clear()
            cached = self._cache[network] = self._look_up(network)
        return cached

    def _add(self, network: IPNetwork, network_class: NetworkClass) -> None:
        by_address = self._by_prefix.setdefault((network.version, network.prefixlen), {})
        by_address.setdefault(int(network.network_address), network_class)

    def _look_up(self, text: str) -> NetworkClass:
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            return NetworkClass.OTHER
        address, bits = int(network.network_address), network.max_prefixlen
        for prefix in self._prefixes[network.version]:
            start = address >> (bits - prefix) << (bits - prefix)
            if (hit := self._by_prefix[network.version, prefix].get(start)) is not None:
                return hit
        return NetworkClass.OTHER


def widened(text: str) -> IPNetwork:
    """Return a network no finer than those that hits keep; ValueError if the text is none."""
    network = ip_network(text, strict=False)
    finest = FINEST[network.version]
    return network.supernet(new_prefix=finest) if network.prefixlen > finest else network
