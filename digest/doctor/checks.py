"""Is this installation fit to send? All checks of `digest doctor`, in their order.

    database      it is reachable, migrated, and stores every text
    services      Valkey, workers and beat run
    setup         public address, secret key, data folder, newsletters
    relays        they accept our login, and every sender has one
    senders       DNS has SPF and DMARC records of the senders' domains
    standing      MTA-STS, BIMI, and the names of the relays' addresses
    reports       DMARC reports reach us
    one_click     unsubscribing with one click works from outside
    mailboxes     mailboxes for bounces can be polled
    signing       mail is signed, and DNS publishes the keys
    certificates  those of our public address and of the relays are valid for some time

A check is a function of the time (aware) that yields findings: what is so, whether that is fine,
and what to do if it is not. Checks change nothing.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from django.conf import settings

from digest.core.findings import Finding, Level
from digest.doctor import setup
from digest.doctor.certificates import check_certificates
from digest.doctor.database import check_database
from digest.doctor.mailboxes import check_mailboxes
from digest.doctor.one_click import check_one_click
from digest.doctor.relays import check_relays
from digest.doctor.reports import check_reports
from digest.doctor.senders import check_domain, check_senders, is_reserved
from digest.doctor.services import check_beat, check_hold, check_valkey, check_workers
from digest.doctor.signing import check_domain_keys, check_signing
from digest.doctor.standing import check_pointers, check_standing

Check = Callable[[datetime], Iterator[Finding]]


def check_addresses(_now: datetime) -> Iterator[Finding]:
    """The addresses of the SMTP servers have names."""
    yield from check_pointers()


def check_unsubscribing(_now: datetime) -> Iterator[Finding]:
    """One-click unsubscribe works from outside."""
    yield from check_one_click()


INDEPENDENT: tuple[Check, ...] = (
    check_valkey,
    check_workers,
    setup.check_base_url,
    setup.check_secret_key,
    setup.check_hosts,
    setup.check_metrics,
    setup.check_data_folder,
    setup.check_backup,
    setup.check_pictures,
)
IN_DATABASE: tuple[Check, ...] = (
    check_hold,
    check_beat,
    setup.check_newsletters,
    check_relays,
    check_certificates,
    check_mailboxes,
    check_addresses,
    check_senders,
    check_signing,
    check_unsubscribing,
)


def run_checks(now: datetime) -> Iterator[Finding]:
    """Yield the findings of all checks; those that read the database only if it can be used."""
    stored = list(check_database(now))
    yield from stored
    usable = all(finding.level is not Level.FAIL for finding in stored)
    for check in INDEPENDENT + (IN_DATABASE if usable else ()):
        yield from check(now)


def check_sender_domain(domain: str, now: datetime) -> Iterator[Finding]:
    """Yield what DNS says about one sender's domain (in A-labels) and about its signatures."""
    yield from check_domain(domain)
    if is_reserved(domain):
        return
    yield from check_reports(domain)
    yield from check_standing(domain)
    yield from check_domain_keys(domain) if settings.DIGEST_DKIM_KEYS else check_signing(now)
