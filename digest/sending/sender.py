"""Send what is due, for a few seconds.

    which relays may be used now, and for whose mail > one of them by weight
    a journal, a heartbeat, an outbox > the transport carries what the outbox gives, several at once

Any number of senders may run at once, anywhere: the ledger gives each its own rows. When a relay
is down everything goes back, nobody's attempt is used up, the relay is left alone for a while, and
another one takes over where there is one.
"""

import random
import time
from dataclasses import dataclass, field

import structlog
from django.conf import settings

from digest.core import clock, jobs
from digest.issues.models import Issue
from digest.relays import health, registry, routes
from digest.relays.errors import RelayDownError
from digest.relays.models import Dispatch, Relay
from digest.relays.rate_limits import RateLimiter
from digest.sending import control, ledger
from digest.sending.heartbeat import Heartbeat
from digest.sending.journal import Journal
from digest.sending.outbox import Outbox

log = structlog.get_logger(__name__)

SHORT = 1.0  # seconds that a sender waits for a limit; for more it leaves its place to others


@dataclass(frozen=True, slots=True)
class Sent:
    """What a sender did: deliveries by the state they are in now."""

    counts: dict[Dispatch.State, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All that were decided."""
        return sum(self.counts.values())

    def add(self, other: "Sent") -> None:
        """Count another run in."""
        for state, number in other.counts.items():
            self.counts[state] = self.counts.get(state, 0) + number


def send_due() -> Sent:
    """Send for a few seconds, or until nothing is due; then nudge a successor if something is.

    The time is short so that a worker that is told to stop soon can. Raises ConfigurationError if
    something is due and there is no relay.
    """
    sent, until = Sent(), time.monotonic() + settings.DIGEST_SEND_SECONDS
    shut: dict[Relay, float] = {}  # relays that let nothing through, and until when
    while time.monotonic() < until and (open_to := _open_to(shut)):
        relay = routes.choose_relay(open_to.keys(), random.Random())  # noqa: S311
        run, wait = _send_by(relay, open_to[relay], until)
        sent.add(run)
        if wait > SHORT:
            shut[relay] = time.monotonic() + wait
        elif wait:
            time.sleep(wait)
        elif not run.total:
            shut[relay] = until  # nothing of its own is due, or it is down
    if _open_to(shut):
        jobs.enqueue(jobs.SEND_DELIVERIES)
    elif sent.total:
        jobs.enqueue(jobs.SWEEP_DELIVERIES)  # an issue may be finished
    return sent


def _open_to(shut: dict[Relay, float]) -> dict[Relay, set[str]]:
    """Return the relays that may be used now and have something due, with the senders' domains."""
    now = clock.now()
    due = list(ledger.due_issues(now))
    if not due:
        return {}
    relays = registry.active_relays()
    senders = _by_sender(due)
    for domain, advice in routes.domains_without_relay(senders, relays).items():
        for issue in senders.pop(domain):
            control.set_aside(issue, advice)
    moment = time.monotonic()
    usable = routes.usable_relays(senders, relays, now)
    return {relay: of for relay, of in usable.items() if shut.get(relay, 0) <= moment}


def _by_sender(issues: list[Issue]) -> dict[str, list[Issue]]:
    senders: dict[str, list[Issue]] = {}
    for issue in issues:
        domain = routes.sender_domain(issue.newsletter.publication.sender_email)
        senders.setdefault(domain, []).append(issue)
    return senders


def _send_by(relay: Relay, domains: set[str], until: float) -> tuple[Sent, float]:
    """Send by one relay; return what was sent, and the seconds to wait for its limits (0: none)."""
    with registry.open_transport(relay) as transport, Journal() as journal, Heartbeat() as pulse:
        limiter = RateLimiter(relay, journal.name)
        transport.connections = limiter.reserve_connections(transport.connections)
        if not transport.connections:
            journal.done()
            return Sent(), 0
        outbox = Outbox(journal, pulse, until, limiter, domains, sign=transport.preserves_message)
        down = ""
        try:
            transport.deliver_all(outbox)
        except RelayDownError as problem:
            down = str(problem)
            log.warning("relay down", relay=relay.name, problem=down)
        finally:
            outbox.close()
            limiter.release_connections()
    if down:
        health.record_failure(relay, down, clock.now())
        return Sent(outbox.counts), 0
    health.record_success(relay)
    return Sent(outbox.counts), limiter.wait or 0
