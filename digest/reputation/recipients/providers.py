"""The mailbox providers that are known, as data, and which domains are theirs. Pure."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).parents[1] / "data" / "mailbox_providers.toml"
_FAMILY = re.compile(r"([a-z0-9-]+)\.(?:com?\.)?[a-z]{2}\Z")


@dataclass(frozen=True, slots=True)
class Provider:
    """A mailbox provider."""

    key: str
    name: str
    domains: frozenset[str]
    families: frozenset[str]
    exchangers: tuple[str, ...]

    def hosts(self, exchanger: str) -> bool:
        """Return whether a host, in lower case, is one of its mail servers."""
        return any(f".{exchanger}".endswith(f".{name}") for name in self.exchangers)


@cache
def providers() -> dict[str, Provider]:
    """Return the providers by their keys."""
    rows = tomllib.loads(_FILE.read_text("utf-8"))["provider"]
    return {
        row["key"]: Provider(
            row["key"],
            row["name"],
            frozenset(row["domains"]),
            frozenset(row["families"]),
            tuple(row["exchangers"]),
        )
        for row in rows
    }


@cache
def consumer_domains() -> dict[str, str]:
    """Return the providers' keys by the domains that are theirs by name."""
    return {domain: row.key for row in providers().values() for domain in row.domains}


def provider_by_name(domain: str) -> str:
    """Return the key of the provider whose own domain this is, or ""."""
    if key := consumer_domains().get(domain):
        return key
    match = _FAMILY.match(domain)
    family = match[1] if match else ""
    return next((row.key for row in providers().values() if family in row.families), "")


def provider_by_exchanger(exchanger: str) -> str:
    """Return the key of the provider whose mail server this is, or ""."""
    host = exchanger.rstrip(".").lower()
    return next((row.key for row in providers().values() if row.hosts(host)), "")


def name_of(destination: str) -> str:
    """Return what people call a destination: a provider by its key, or a domain."""
    row = providers().get(destination)
    return row.name if row else destination
