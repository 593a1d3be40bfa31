"""Whether our mail is signed, and recipients can verify it."""

import re
from collections.abc import Iterator
from datetime import datetime

import dns.resolver
from django.conf import settings

from digest.core import addresses
from digest.core.errors import ConfigurationError
from digest.core.findings import Finding, fail, ok, warn
from digest.doctor.senders import LookupFailedError, is_reserved, txt_records
from digest.newsletters.models import Publication
from digest.relays import dkim
from digest.relays.dkim.keys import zone_record

_PUBLIC_KEY = re.compile(r"(?:^|;)\s*p\s*=([^;]*)")


def check_signing(_now: datetime) -> Iterator[Finding]:
    """Every publication's mail is signed by a key whose public half DNS publishes."""
    if not settings.DIGEST_DKIM_KEYS:
        yield ok("Mail is not signed here (DIGEST_DKIM_KEYS): the relay has to do it.")
        return
    try:
        dkim.all_keys()
    except ConfigurationError as problem:
        yield fail(str(problem), "Nothing is sent until this is corrected.")
        return
    for domain in sorted(_sender_domains()):
        yield from check_domain_keys(domain)


def _sender_domains() -> set[str]:
    emails = Publication.objects.values_list("sender_email", flat=True)
    return {addresses.envelope(email).rpartition("@")[2].lower() for email in emails}


def check_domain_keys(domain: str) -> Iterator[Finding]:
    """The mail of a domain is signed, and DNS publishes each key."""
    keys = dkim.keys_of(domain)
    if not keys:
        yield warn(
            f"Mail from {domain} is not signed: it has no key in DIGEST_DKIM_KEYS.",
            f"`digest dkim new {domain} SELECTOR --out FILE` makes one; or let the relay sign.",
        )
    for key in keys:
        yield _check_published(domain, key)


def _check_published(sender: str, key: dkim.Key) -> Finding:
    """DNS publishes a key."""
    signature = f"Mail from {sender} is signed by {key.domain}, {key.selector} ({key.kind})"
    if is_reserved(key.domain):
        return ok(f"{signature}.")
    try:
        records = txt_records(key.record_name, "")
    except dns.resolver.NXDOMAIN:
        records = []
    except LookupFailedError as problem:
        return warn(
            f"{signature}; whether DNS publishes the key is unknown: {problem}",
            "Run this again where DNS can be reached.",
        )
    if _public_key(key.record) in map(_public_key, records):
        return ok(f"{signature}, and the key is published.")
    mismatch = "another key is published" if records else "the key is not published"
    return fail(f"{signature}, but {mismatch}.", "Publish this record:", zone_record(key))


def _public_key(record: str) -> str:
    """Return the public key in a record (RFC 6376 §3.6.1)."""
    match = _PUBLIC_KEY.search(record)
    return "".join(match[1].split()) if match else ""
