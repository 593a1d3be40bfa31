"""Whether receivers report to us who sends in our name: the rua of DMARC records (RFC 9990 §4)."""

import re
from collections.abc import Iterator

import dns.resolver
from django.conf import settings

from digest.core.findings import Finding, Level, ok, warn
from digest.doctor.senders import LookupFailedError, dmarc_records, is_reserved, txt_records
from digest.reputation.dmarc.domains import is_related

_RUA = re.compile(r";\s*rua\s*=\s*([^;]+)", re.IGNORECASE)
_MAILTO = re.compile(r"mailto:([^,!\s]+)", re.IGNORECASE)


def check_reports(domain: str) -> Iterator[Finding]:
    """The DMARC record of a domain (in A-labels) asks for reports, at an address that may get them.

    Yields nothing where the domain has no record: that is reported with the others.
    """
    if is_reserved(domain):
        return
    try:
        records = dmarc_records(domain)
        if len(records) == 1:
            yield from _judge(domain, records[0])
    except LookupFailedError:
        return  # said by the check of the record itself


def _judge(domain: str, record: str) -> Iterator[Finding]:
    match = _RUA.search(record)
    addresses = _MAILTO.findall(match[1]) if match else []
    own_domain = settings.DIGEST_BOUNCE_DOMAIN
    if not addresses:
        yield _no_reports(domain, record, own_domain)
        return
    own = [row for row in addresses if own_domain and row.lower() == f"dmarc@{own_domain.lower()}"]
    if not own:
        yield ok(
            f"Reports about {domain} go to {addresses[0]}. Digest shows them if it polls that "
            "mailbox."
        )
    elif is_related(domain, own_domain) or _is_authorized(domain, own_domain):
        yield ok(f"Reports about {domain} go to {own[0]}, and Digest shows them.")
    else:
        yield warn(
            f"Receivers do not send reports about {domain} to {own_domain}, another domain.",
            f"{own_domain} has to allow it (RFC 9990 §4). Publish this record there:",
            f'{domain}._report._dmarc.{own_domain}. IN TXT "v=DMARC1;"',
        )


def _no_reports(domain: str, record: str, own_domain: str) -> Finding:
    """Say, without alarm, what reports are for: DMARC works without them."""
    address = f"dmarc@{own_domain}" if own_domain else f"dmarc@{domain}"
    reading = "Digest shows" if own_domain else "If Digest polls that mailbox, it shows"
    addition = f"{record.rstrip().rstrip(';')}; rua=mailto:{address}"
    return Finding(
        Level.OK,
        f"The DMARC record of {domain} asks for no reports (rua), which is optional.",
        f"{reading} who sends in your name. To get reports, change the record:",
        f'_dmarc.{domain}. IN TXT "{addition}"',
    )


def _is_authorized(domain: str, own_domain: str) -> bool:
    try:
        return bool(txt_records(f"{domain}._report._dmarc.{own_domain}", "v=DMARC1"))
    except dns.resolver.NXDOMAIN:
        return False
