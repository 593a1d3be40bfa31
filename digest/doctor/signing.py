"""Is our mail signed, and can others verify it? For `digest doctor`."""

import re
from collections.abc import Iterator
from datetime import datetime

import dns.resolver
from django.conf import settings

from digest.core import addresses
from digest.core.errors import ConfigurationError
from digest.core.findings import Finding, fail, ok, warn
from digest.doctor.senders import UnknownError, is_reserved, texts
from digest.newsletters.models import Publication
from digest.relays import dkim
from digest.relays.dkim.keys import zone_record

_P = re.compile(r"(?:^|;)\s*p\s*=([^;]*)")


def signing(_now: datetime) -> Iterator[Finding]:
    """Every publication's mail is signed, by a key whose public half stands in DNS."""
    if not settings.DIGEST_DKIM_KEYS:
        yield ok("Mail is not signed here (DIGEST_DKIM_KEYS): the relay is to do it.")
        return
    try:
        dkim.all_keys()
    except ConfigurationError as problem:
        yield fail(str(problem), "Until then nothing is sent.")
        return
    for domain in sorted(_sender_domains()):
        yield from of_domain(domain)


def _sender_domains() -> set[str]:
    emails = Publication.objects.values_list("sender_email", flat=True)
    return {addresses.envelope(email).rpartition("@")[2].lower() for email in emails}


def of_domain(domain: str) -> Iterator[Finding]:
    """Judge the keys that sign a domain's mail, or that none does."""
    keys = dkim.keys_of(domain)
    if not keys:
        yield warn(
            f"Mail from {domain} is not signed: it has no key in DIGEST_DKIM_KEYS.",
            f"`digest dkim new {domain} SELECTOR --out FILE` makes one; or let the relay sign.",
        )
    for key in keys:
        yield _published(domain, key)


def _published(sender: str, key: dkim.Key) -> Finding:
    """Judge what DNS says of a key."""
    what = f"Mail from {sender} is signed by {key.domain}, {key.selector} ({key.kind})"
    if is_reserved(key.domain):
        return ok(f"{what}.")
    try:
        records = texts(key.record_name, "")
    except dns.resolver.NXDOMAIN:
        records = []
    except UnknownError as problem:
        return warn(
            f"{what}; whether the key is published is unknown: {problem}",
            "Run this again where DNS can be asked.",
        )
    if _public(key.record) in map(_public, records):
        return ok(f"{what}, and the key is published.")
    wrong = "another key is published" if records else "the key is not published"
    return fail(f"{what}, but {wrong}.", f"Publish: {zone_record(key)}")


def _public(record: str) -> str:
    """Return the public key in a record (RFC 6376 §3.6.1)."""
    found = _P.search(record)
    return "".join(found[1].split()) if found else ""
