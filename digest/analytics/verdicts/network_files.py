"""Reads the files in which operators publish their networks.

Amazon     ip-ranges.json               prefixes[].ip_prefix, ipv6_prefixes[].ipv6_prefix
Google     cloud.json, goog.json        prefixes[].ipv4Prefix or ipv6Prefix
Microsoft  ServiceTags_Public….json     values[].properties.addressPrefixes[]
           endpoints of Microsoft 365   [].ips[]
Apple      egress-ip-ranges.csv         network,country,region,city,
any        one network a line, # begins a comment
"""

import json
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Any, NamedTuple

from digest.analytics.verdicts.networks import IPNetwork, NetworkClass, widened
from digest.core.errors import DigestError

MOST_NETWORKS = 1_000_000
WIDEST = {4: 7, 6: 12}  # prefix lengths; a wider entry is a mistake and would condemn everybody


class NetworkFileError(DigestError):
    """A file of networks cannot be read."""


class NetworkFile(NamedTuple):
    """The networks of a file, and the list that its format stands for; "" and None if for any."""

    name: str
    network_class: NetworkClass | None
    published: str  # as the file says it; "" if it does not
    networks: list[str]


def parse(text: str) -> NetworkFile:
    """Read a file of any of the formats; its networks are merged, and no finer than /24 and /48.

    Raises NetworkFileError, which says what is wrong and in which entry.
    """
    text = text.removeprefix("\ufeff").strip()
    if text[:1] in {"{", "["}:
        name, network_class, published, entries = _of_json(text)
    else:
        entries = _of_lines(text)
        name, network_class, published = "", None, ""
        if "," in text.partition("\n")[0]:
            name, network_class = "apple-private-relay", NetworkClass.RELAY
    return NetworkFile(name, network_class, published, _merged(entries))


def _of_json(text: str) -> tuple[str, NetworkClass | None, str, Iterable[str]]:
    try:
        content = json.loads(text)
    except ValueError as cause:
        raise NetworkFileError(f"The file is not valid JSON: {cause}.") from cause
    match content:
        case {"prefixes": [{"ip_prefix": _}, *_], **rest}:
            rows: list[Any] = content["prefixes"] + rest.get("ipv6_prefixes", [])
            entries = _values(rows)
            return "amazon", NetworkClass.HOSTING, str(rest.get("createDate", "")), entries
        case {"prefixes": list(prefixes), **rest}:
            published = str(rest.get("creationTime", ""))
            return "google", NetworkClass.HOSTING, published, _values(prefixes)
        case {"values": list(tags), **rest}:
            published = f"change {rest.get('changeNumber', '?')}"
            return "microsoft-azure", NetworkClass.HOSTING, published, _of_service_tags(tags)
        case list():
            return "", None, "", _of_endpoints(content)
    raise NetworkFileError(
        "The file's format is unknown. Use a file of Amazon, Google, Microsoft or Apple, "
        "or one network a line."
    )


_KEYS = ("ip_prefix", "ipv6_prefix", "ipv4Prefix", "ipv6Prefix")


def _values(rows: list[Any]) -> Iterator[str]:
    for row in rows:
        yield from (str(row[key]) for key in _KEYS if isinstance(row, dict) and key in row)


def _of_service_tags(tags: list[Any]) -> Iterator[str]:
    for tag in tags:
        properties = tag.get("properties", {}) if isinstance(tag, dict) else {}
        yield from map(str, properties.get("addressPrefixes", []))


def _of_endpoints(rows: list[Any]) -> Iterator[str]:
    for row in rows:
        yield from map(str, row.get("ips", []) if isinstance(row, dict) else [row])


def _of_lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        entry = line.partition("#")[0].partition(",")[0].strip()
        if entry:
            yield entry


def _merged(entries: Iterable[str]) -> list[str]:
    narrow, wide = set[IPv4Network](), set[IPv6Network]()
    for number, entry in enumerate(entries, start=1):
        if number > MOST_NETWORKS:
            raise NetworkFileError(f"The file has more than {MOST_NETWORKS:,} networks.")
        network = _network(entry, number)
        if isinstance(network, IPv4Network):
            narrow.add(network)
        else:
            wide.add(network)
    if not narrow and not wide:
        raise NetworkFileError("The file has no networks.")
    return [*map(str, collapse_addresses(narrow)), *map(str, collapse_addresses(wide))]


def _network(entry: str, number: int) -> IPNetwork:
    try:
        network = widened(entry)
    except ValueError as cause:
        raise NetworkFileError(f"Entry {number} is not a network: {entry[:60]!r}.") from cause
    if network.prefixlen < WIDEST[network.version]:
        raise NetworkFileError(
            f"Entry {number} is too wide: {ip_network(entry, strict=False)}. "
            f"Entries of IPv{network.version} need at least /{WIDEST[network.version]}."
        )
    return network
