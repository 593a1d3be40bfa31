"""What else shows that a domain is well kept: MTA-STS, BIMI, and names for the relays' addresses.

MTA-STS (RFC 8461) and BIMI are optional; what is published has to be right. An address without a
name (PTR) is refused by Gmail and others.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

import dns.exception
import dns.resolver
import dns.reversename

from digest.core import http
from digest.core.errors import DigestError
from digest.core.findings import Finding, ok, warn
from digest.doctor.senders import (
    LOOKUP_SECONDS,
    LookupFailedError,
    dmarc_records,
    is_reserved,
    txt_records,
)
from digest.relays import registry
from digest.relays.models import Relay

LARGEST_POLICY = 64_000  # bytes, RFC 8461 §3.3
MOST_ADDRESSES = 8
_STRICT = re.compile(r";\s*p\s*=\s*(?:quarantine|reject)\b", re.IGNORECASE)
_POLICY_MODE = re.compile(r"^mode:\s*(enforce|testing|none)\s*$", re.MULTILINE)
_LOGO = re.compile(r"(?:^|;)\s*l\s*=\s*([^;\s]*)")


def check_standing(domain: str) -> Iterator[Finding]:
    """The MTA-STS policy and the BIMI record of a domain (in A-labels) are right, if it has any."""
    if is_reserved(domain):
        return
    try:
        yield _judge_mta_sts(domain, _records(f"_mta-sts.{domain}", "v=STSv1"))
        yield _judge_bimi(domain, _records(f"default._bimi.{domain}", "v=BIMI1"))
    except LookupFailedError as problem:
        yield warn(
            f"DNS gives no answer about {domain}: {problem}",
            "Run this again where DNS can be reached.",
        )


def check_pointers() -> Iterator[Finding]:
    """The address of each active SMTP server has a name that leads back to it."""
    for relay in Relay.objects.filter(active=True).order_by("name"):
        try:
            place = urlsplit(registry.adapter_of(relay).describe())
        except DigestError:
            continue  # reported among the relays
        host = place.hostname or ""
        if place.scheme in {"smtp", "smtps"} and "." in host and not is_reserved(host):
            for address in _public_addresses(host)[:MOST_ADDRESSES]:
                yield _judge_pointer(host, address)


def _judge_mta_sts(domain: str, records: list[str]) -> Finding:
    if not records:
        return ok(f"{domain} has no MTA-STS policy, which is optional.")
    url = f"https://mta-sts.{domain}/.well-known/mta-sts.txt"
    try:
        policy = http.fetch(url, largest=LARGEST_POLICY).body.decode("utf-8", "replace")
    except DigestError as problem:
        return warn(
            f"{domain} announces an MTA-STS policy that cannot be fetched: {problem}",
            f"Serve it at {url}, or remove the record at _mta-sts.{domain}.",
        )
    mode = _POLICY_MODE.search(policy.replace("\r\n", "\n"))
    if len(records) > 1 or mode is None or "version: STSv1" not in policy:
        return warn(
            f"The MTA-STS policy of {domain} is not valid, so it protects nothing.",
            "It needs the lines version, mode, mx and max_age (RFC 8461), and one record.",
        )
    return ok(f"{domain} has an MTA-STS policy ({mode[1]}).")


def _judge_bimi(domain: str, records: list[str]) -> Finding:
    if not records:
        return ok(f"{domain} has no BIMI record, which is optional.")
    logo = _LOGO.search(records[0])
    if logo is None or not logo[1].startswith("https://"):
        return warn(
            f"The BIMI record of {domain} names no logo at https://…",
            "Correct it: the logo is an SVG Tiny P/S.",
            f'default._bimi.{domain}. IN TXT "v=BIMI1; l=https://{domain}/logo.svg"',
        )
    if not any(_STRICT.search(record) for record in dmarc_records(domain)):
        return warn(
            f"The logo of {domain} is not shown: its DMARC policy asks for nothing.",
            "BIMI needs p=quarantine or p=reject. Change it once all mail passes.",
            f'_dmarc.{domain}. IN TXT "v=DMARC1; p=quarantine"',
        )
    return ok(f"{domain} has a BIMI record.")


def _public_addresses(host: str) -> list[str]:
    """Return the addresses of a host that other servers see; none for one of our own network."""
    try:
        addresses = [str(ip_address(host))]
    except ValueError:
        addresses = [address for kind in ("A", "AAAA") for address in _resolved(host, kind)]
    return [address for address in addresses if ip_address(address).is_global]


def _judge_pointer(host: str, address: str) -> Finding:
    pointer = dns.reversename.from_address(address).to_text(omit_final_dot=True)
    names = [name.rstrip(".") for name in _resolved(pointer, "PTR")]
    kind = "AAAA" if ":" in address else "A"
    if not names:
        return warn(
            f"{address} ({host}) has no name in DNS (PTR).",
            "Ask whoever gave you the address to set one: Gmail and others refuse its mail.",
            f"{pointer}. IN PTR {host}.",
        )
    if not any(address in _resolved(name, kind) for name in names):
        return warn(
            f"{address} is called {names[0]}, which does not lead back to it.",
            "The name and the address have to point at each other.",
            f"{names[0]}. IN {kind} {address}",
        )
    return ok(f"{address} is called {names[0]}, which leads back to it.")


def _records(name: str, prefix: str) -> list[str]:
    try:
        return txt_records(name, prefix)
    except dns.resolver.NXDOMAIN:
        return []


def _resolved(name: str, kind: str) -> list[str]:
    """Return what DNS has at a name, or nothing."""
    try:
        answer = dns.resolver.resolve(name, kind, lifetime=LOOKUP_SECONDS)
    except (dns.exception.DNSException, OSError):
        return []
    return [record.to_text() for record in answer]
