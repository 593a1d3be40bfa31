"""May these senders send? What DNS says about the domains in From, for `digest doctor`.

Gmail, Yahoo and Outlook refuse bulk mail without SPF (RFC 7208), DKIM and DMARC (RFC 7489).
"""

from collections.abc import Iterator
from datetime import datetime

import dns.exception
import dns.resolver

from digest.core import addresses
from digest.core.findings import Finding, fail, ok, warn
from digest.newsletters.models import Publication

PATIENCE = 4.0  # seconds for one domain's answer
# RFC 2606, RFC 6761: names that will never be anyone's.
_RESERVED = ("example", "test", "invalid", "localhost", "example.com", "example.net", "example.org")


class UnknownError(Exception):
    """DNS gave no answer, neither yes nor no."""


def senders(_now: datetime) -> Iterator[Finding]:
    """Every publication says who and where it is, and its domain vouches for it."""
    for publication in Publication.objects.order_by("slug"):
        if not publication.postal_address.strip():
            yield fail(
                f"{publication.slug} has no postal address.",
                "Mail to many must name one (CAN-SPAM and its kin).",
            )
        yield from sender_domain(addresses.envelope(publication.sender_email).rpartition("@")[2])


def sender_domain(domain: str) -> Iterator[Finding]:
    """Judge one domain (in A-labels) by what DNS says of it."""
    if is_reserved(domain):
        yield warn(
            f"{domain} is reserved for examples.",
            "Real mail needs a sender at a domain of your own.",
        )
        return
    try:
        spf = texts(domain, "v=spf1")
        dmarc = _dmarc(domain)
    except dns.resolver.NXDOMAIN:
        yield fail(f"The sender's domain {domain} does not exist.", "Servers refuse its mail.")
        return
    except UnknownError as problem:
        yield warn(
            f"Nothing can be learnt about {domain}: {problem}",
            "Run this again where DNS can be asked.",
        )
        return
    yield from _judge(domain, spf, dmarc)


def is_reserved(domain: str) -> bool:
    """Say whether a domain is for examples and tests only."""
    return any(f".{domain}".endswith(f".{name}") for name in _RESERVED)


def texts(name: str, beginning: str) -> list[str]:
    """Return the TXT records at a name that begin so; raises NXDOMAIN, and UnknownError."""
    try:
        answer = dns.resolver.resolve(name, "TXT", lifetime=PATIENCE)
    except dns.resolver.NXDOMAIN:
        raise
    except dns.resolver.NoAnswer:
        return []
    except (dns.exception.DNSException, OSError) as cause:
        raise UnknownError(str(cause)) from cause
    records = (b"".join(record.strings).decode(errors="replace") for record in answer)
    return [record for record in records if record.lower().startswith(beginning.lower())]


def _judge(domain: str, spf: list[str], dmarc: list[str]) -> Iterator[Finding]:
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
            if found := texts(f"_dmarc.{'.'.join(labels[start:])}", "v=DMARC1"):
                return found
        except dns.resolver.NXDOMAIN:
            continue
    return []
