"""What DNS says about the domains of our senders.

Gmail, Yahoo and Outlook refuse bulk mail without SPF (RFC 7208), DKIM and DMARC (RFC 9989, which
replaces RFC 7489).
"""

import re
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

import dns.exception
import dns.resolver

from digest.core import addresses
from digest.core.errors import ConfigurationError
from digest.core.findings import Finding, fail, ok, warn
from digest.doctor import spf
from digest.newsletters.models import Publication
from digest.relays import registry

LOOKUP_SECONDS = 4.0  # for one domain's answer
_DMARC_VERSION = re.compile(r"v\s*=\s*DMARC1\s*(?:;|\Z)")
_DMARC_POLICY = re.compile(r";\s*p\s*=\s*(?:none|quarantine|reject)\s*(?:;|\Z)", re.IGNORECASE)
# RFC 2606, RFC 6761: names that nobody can register.
_RESERVED = ("example", "test", "invalid", "localhost", "example.com", "example.net", "example.org")


class LookupFailedError(Exception):
    """DNS gave no answer: whether a record exists is unknown."""


def check_senders(_now: datetime) -> Iterator[Finding]:
    """Every publication has a postal address, and its domain has SPF and DMARC records."""
    for publication in Publication.objects.order_by("slug"):
        if not publication.postal_address.strip():
            yield fail(
                f"{publication.slug} has no postal address.",
                "Bulk mail must contain one (CAN-SPAM and similar laws).",
            )
        yield from check_domain(addresses.envelope(publication.sender_email).rpartition("@")[2])


def check_domain(domain: str) -> Iterator[Finding]:
    """A domain (in A-labels) exists, and has SPF and DMARC records."""
    if is_reserved(domain):
        yield warn(
            f"{domain} is reserved for examples.",
            "To send real mail, use a sender at your own domain.",
        )
        return
    try:
        spf_findings = list(_check_spf(domain, txt_records(domain, "")))
        dmarc = dmarc_records(domain)
    except dns.resolver.NXDOMAIN:
        yield fail(f"The sender's domain {domain} does not exist.", "Servers refuse its mail.")
        return
    except LookupFailedError as problem:
        yield warn(
            f"DNS gives no answer about {domain}: {problem}",
            "Run this again where DNS can be reached.",
        )
        return
    yield from spf_findings
    yield _judge_dmarc(domain, dmarc)


def is_reserved(domain: str) -> bool:
    """Return whether a domain is for examples and tests only."""
    return any(f".{domain}".endswith(f".{name}") for name in _RESERVED)


def txt_records(name: str, prefix: str) -> list[str]:
    """Return the TXT records at a name that begin like this.

    Raises dns.resolver.NXDOMAIN, and LookupFailedError if DNS gives no answer.
    """
    try:
        answer = dns.resolver.resolve(name, "TXT", lifetime=LOOKUP_SECONDS)
    except dns.resolver.NXDOMAIN:
        raise
    except dns.resolver.NoAnswer:
        return []
    except (dns.exception.DNSException, OSError) as cause:
        raise LookupFailedError(str(cause)) from cause
    records = (b"".join(record.strings).decode(errors="replace") for record in answer)
    return [record for record in records if record.lower().startswith(prefix.lower())]


def _check_spf(domain: str, records: list[str]) -> Iterator[Finding]:
    published = spf.spf_records(records)
    if len(published) != 1:
        yield warn(
            f"{domain} has {'several SPF records' if published else 'no SPF record'}.",
            "Publish exactly one that names your relay; large providers refuse mail without it.",
            "" if published else _spf_record(domain),
        )
        return
    try:
        spf.count_lookups(published[0], _txt_records_if_any, (domain,))
    except spf.SpfError as problem:
        yield warn(
            f"Servers reject the SPF record of {domain}: {problem}.",
            "Correct it, or they treat your mail as if there were none.",
        )
    else:
        yield ok(f"{domain} has an SPF record.")


def _spf_record(domain: str) -> str:
    """Return a record that allows the hosts of our SMTP relays; a provider names its own."""
    try:
        adapters = [registry.adapter_of(relay) for relay in registry.active_relays()]
    except ConfigurationError:
        return ""
    places = [urlsplit(adapter.describe()) for adapter in adapters]
    hosts = sorted({str(place.hostname) for place in places if place.scheme in {"smtp", "smtps"}})
    terms = "".join(f"a:{host} " for host in hosts)
    return f'{domain}. IN TXT "v=spf1 {terms}~all"' if hosts else ""


def _txt_records_if_any(name: str) -> list[str]:
    try:
        return txt_records(name, "")
    except dns.resolver.NXDOMAIN:
        return []


def _judge_dmarc(domain: str, records: list[str]) -> Finding:
    """Judge the DMARC records that apply to a domain (RFC 9989 §4.7)."""
    if not records:
        return warn(
            f"{domain} has no DMARC record.",
            "Publish this record, and let the relay sign (DKIM):",
            f'_dmarc.{domain}. IN TXT "v=DMARC1; p=none"',
        )
    if len(records) > 1:
        return warn(f"{domain} has several DMARC records.", "Keep one: servers ignore them all.")
    if not _DMARC_POLICY.search(records[0]):
        return warn(
            f"The DMARC record of {domain} has no valid policy.",
            "Add p=none, p=quarantine or p=reject.",
        )
    return ok(f"{domain} has a DMARC record.")


def dmarc_records(domain: str) -> list[str]:
    """Return the domain's DMARC records, or those of a domain above it: the walk of RFC 9989 §4.10.

    A domain of more than eight labels is asked itself, then from seven labels up.
    """
    labels = domain.split(".")
    starts = [0, *range(max(1, len(labels) - 7), len(labels) - 1)]
    for start in starts:
        try:
            records = txt_records(f"_dmarc.{'.'.join(labels[start:])}", "")
            if published := [record for record in records if _DMARC_VERSION.match(record)]:
                return published
        except dns.resolver.NXDOMAIN:
            continue
    return []
