"""What DNS says about the domains of our senders.

Gmail, Yahoo and Outlook refuse bulk mail without SPF (RFC 7208), DKIM and DMARC (RFC 7489).
"""

from collections.abc import Iterator
from datetime import datetime

import dns.exception
import dns.resolver

from digest.core import addresses
from digest.core.findings import Finding, fail, ok, warn
from digest.newsletters.models import Publication

LOOKUP_SECONDS = 4.0  # for one domain's answer
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
        spf = txt_records(domain, "v=spf1")
        dmarc = _dmarc(domain)
    except dns.resolver.NXDOMAIN:
        yield fail(f"The sender's domain {domain} does not exist.", "Servers refuse its mail.")
        return
    except LookupFailedError as problem:
        yield warn(
            f"DNS gives no answer about {domain}: {problem}",
            "Run this again where DNS can be reached.",
        )
        return
    yield from _judge_records(domain, spf, dmarc)


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


def _judge_records(domain: str, spf: list[str], dmarc: list[str]) -> Iterator[Finding]:
    if len(spf) == 1:
        yield ok(f"{domain} has an SPF record.")
    else:
        yield warn(
            f"{domain} has {'several SPF records' if spf else 'no SPF record'}.",
            "Publish exactly one that names your relay; large providers refuse mail without it.",
        )
    if dmarc:
        yield ok(f"{domain} has a DMARC record.")
    else:
        yield warn(
            f"{domain} has no DMARC record.",
            f'Publish TXT "v=DMARC1; p=none" at _dmarc.{domain}, and let the relay sign (DKIM).',
        )


def _dmarc(domain: str) -> list[str]:
    """Return the domain's DMARC records, or those of a domain above it (RFC 7489 §6.6.3)."""
    labels = domain.split(".")
    for start in range(len(labels) - 1):
        try:
            if records := txt_records(f"_dmarc.{'.'.join(labels[start:])}", "v=DMARC1"):
                return records
        except dns.resolver.NXDOMAIN:
            continue
    return []
