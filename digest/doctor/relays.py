"""Whether the relays accept our mail, and every sender has one."""

from collections.abc import Iterator
from datetime import datetime

from digest.core import clock
from digest.core.errors import ConfigurationError
from digest.core.findings import Finding, fail, ok, warn
from digest.newsletters.models import Publication
from digest.relays import registry, routes
from digest.relays.errors import RelayDownError
from digest.relays.models import PausedDomain, Relay
from digest.relays.transports.base import Adapter


def check_relays(now: datetime) -> Iterator[Finding]:
    """Every relay accepts our login, mail travels encrypted, and every sender has a relay."""
    yield from _recorded_problems(now)
    try:
        relays = registry.active_relays()
    except ConfigurationError as problem:
        yield fail(str(problem), "Or add one: digest relay add NAME smtp://user:password@host:587")
        return
    for relay in relays:
        yield from check_relay(relay)
    senders = {
        routes.sender_domain(publication.sender_email) for publication in Publication.objects.all()
    }
    for domain, advice in routes.domains_without_relay(senders, relays).items():
        yield fail(f"Nothing can be sent from {domain}.", advice)


def check_relay(relay: Relay) -> Iterator[Finding]:
    """One relay accepts our login, and mail travels encrypted; no mail is handed over."""
    correction = _correction(relay)
    try:
        adapter = registry.adapter_of(relay)
        with adapter.open() as transport:
            answer = transport.check()
    except (ConfigurationError, RelayDownError) as problem:
        yield fail(
            f"The relay {relay.name} cannot be used: {problem}",
            f"Start it, or wait, or {correction}",
        )
        return
    yield ok(_success(relay, adapter, answer))
    if not adapter.encrypted:
        yield warn(
            f"Mail may travel to {adapter.describe()} unencrypted.",
            f"Use smtps://, or remove ?starttls= from the address: {correction}",
        )


def _success(relay: Relay, adapter: Adapter, answer: str) -> str:
    name = f"The relay {relay.name}, {adapter.describe()},"
    if adapter.checks_login:
        return f"{name} accepts our login."
    return f"{name} is reachable: {answer}. Only a test mail shows whether it accepts the key."


def _correction(relay: Relay) -> str:
    if relay.name == registry.DEFAULT:
        return "correct DIGEST_SMTP_URL."
    return f"correct its address: digest relay set {relay.name} --url smtp://…"


def _recorded_problems(now: datetime) -> Iterator[Finding]:
    """Yield what workers have noticed while sending."""
    for relay in Relay.objects.filter(down_since__isnull=False):
        since = clock.format_moment(relay.down_since or clock.now())
        yield warn(
            f"Workers have not been able to use the relay {relay.name} since {since}: "
            f"{relay.problem}",
            "They retry automatically; nothing is lost.",
        )
    for paused in PausedDomain.objects.filter(until__gt=now).select_related("relay"):
        yield warn(
            f"{paused.domain} refuses mail from {paused.relay.name}: {paused.reason}",
            f"Nothing is sent there until {clock.format_moment(paused.until)}. "
            f"To try at once: digest relay resume {paused.relay.name} {paused.domain}",
        )
