"""Send what is due, for a few seconds.

    which relays may be used now, and for whose mail > one of them by weight
    a journal, a heartbeat, a thread for the ledger, an outbox > the transport delivers what the
    outbox yields

Any number of senders may run at once, on any machine: the ledger gives each its own rows. When a
relay is down everything is queued again and no attempt is counted; the relay is not used for a
while, and another one takes over where there is one.
"""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog
from django.conf import settings
from django.db import connection

from digest.core import clock, jobs
from digest.installation import room
from digest.issues.models import Issue
from digest.relays import health, registry, routes
from digest.relays.errors import RelayDownError
from digest.relays.models import Dispatch, Relay
from digest.relays.rate_limits import RateLimiter
from digest.relays.transports.base import Transport
from digest.sending import control
from digest.sending.journal import Journal
from digest.sending.sender.claims import Claims, DueIssues, sender_domain
from digest.sending.sender.heartbeat import Heartbeat
from digest.sending.sender.ledger_thread import LedgerThread
from digest.sending.sender.outbox import Outbox
from digest.sending.sender.recorder import DATABASE_UNAVAILABLE, PAUSE

log = structlog.get_logger(__name__)

LONGEST_WAIT = 1.0  # seconds that a sender waits for a limit; for more it ends, and others run


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of a run: deliveries by the state they are in now."""

    counts: dict[Dispatch.State, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All deliveries that changed their state."""
        return sum(self.counts.values())

    def add(self, other: "Sent") -> None:
        """Add the counts of another run."""
        for state, number in other.counts.items():
            self.counts[state] = self.counts.get(state, 0) + number


def send_due() -> Sent:
    """Send for a few seconds, or until nothing is due; then start a successor if something is.

    The time is short so that a worker that is told to stop soon can. A database that is away is
    waited for within this time. Raises ConfigurationError if something is due and there is no
    relay, DiskFullError if nothing can be written down before it leaves.
    """
    room.require_room()
    sent, until = Sent(), time.monotonic() + settings.DIGEST_SEND_SECONDS
    due = DueIssues()
    waits: dict[Relay, float] = {}  # until when (time.monotonic()) relays cannot be used
    while time.monotonic() < until:
        try:
            if not _send_by_any(due, waits, until, sent):
                break
        except DATABASE_UNAVAILABLE as problem:
            room.report_database(problem)
            log.warning("database away, waiting for it", problem=str(problem).strip())
            connection.close()
            time.sleep(PAUSE)
    if _usable_relays(due, waits):
        _call_successors()
    elif sent.total:
        jobs.enqueue(jobs.SWEEP_DELIVERIES)  # an issue may be finished
    return sent


def _call_successors() -> None:
    """Call two senders in place of this one while all that were called are at work.

    So they are soon as many as there are processes, whatever ended them before.
    """
    for _ in range(1 if jobs.is_waiting(jobs.SEND_DELIVERIES) else 2):
        jobs.enqueue(jobs.SEND_DELIVERIES)


def _send_by_any(due: DueIssues, waits: dict[Relay, float], until: float, sent: Sent) -> bool:
    """Send by one of the relays that may be used now; return whether there was one."""
    if not (usable := _usable_relays(due, waits)):
        return False
    relay = routes.choose_relay(usable.keys(), random.Random())  # noqa: S311
    run, wait = _send_by(relay, usable[relay], due, until)
    due.expire()
    sent.add(run)
    if wait > LONGEST_WAIT:
        waits[relay] = time.monotonic() + wait
    elif wait:
        time.sleep(wait)
    elif not run.total:
        waits[relay] = until  # nothing is due for it, or it is down
    return True


def _usable_relays(due: DueIssues, waits: Mapping[Relay, float]) -> dict[Relay, set[str]]:
    """Return the relays that may be used now and have something due, with the senders' domains."""
    senders = _by_sender(due.current())
    if not senders:
        return {}
    relays = registry.active_relays()
    for domain, advice in routes.domains_without_relay(senders, relays).items():
        for issue in senders.pop(domain):
            control.pause_with_reason(issue, advice)
            due.discard(issue)
    moment = time.monotonic()
    usable = routes.usable_relays(senders, relays, clock.now())
    return {relay: domains for relay, domains in usable.items() if waits.get(relay, 0) <= moment}


def _by_sender(issues: list[Issue]) -> dict[str, list[Issue]]:
    senders: dict[str, list[Issue]] = {}
    for issue in issues:
        senders.setdefault(sender_domain(issue), []).append(issue)
    return senders


def _send_by(relay: Relay, domains: set[str], due: DueIssues, until: float) -> tuple[Sent, float]:
    """Send by one relay; return what was sent, and the seconds to wait for its limits (0: none)."""
    try:
        transport = registry.open_transport(relay)
    except RelayDownError as problem:  # its address cannot be used
        _record_failure(relay, problem)
        return Sent(), 0
    with transport:
        return _send_over(transport, relay, domains, due, until)


def _send_over(
    transport: Transport, relay: Relay, domains: set[str], due: DueIssues, until: float
) -> tuple[Sent, float]:
    """Send over an open transport; return the same as `_send_by`."""
    shared_domains = routes.shared_domains(relay, domains, registry.active_relays())
    with (
        Journal() as journal,
        Heartbeat() as leases,
        LedgerThread() as ledger_thread,
    ):
        limiter = RateLimiter(relay, journal.name)
        transport.connections = limiter.reserve_connections(transport.connections)
        if not transport.connections:
            journal.done()
            return Sent(), 0
        claims = Claims(due, domains, limiter, leases, journal.name)
        outbox = Outbox(
            claims,
            journal,
            leases,
            limiter,
            ledger_thread,
            until,
            sign=transport.preserves_message,
            shared_domains=shared_domains,
        )
        sent, failure = Sent(outbox.recorder.counts), None
        try:
            transport.deliver_all(outbox)
        except RelayDownError as problem:
            failure = problem
        finally:
            try:
                outbox.close()
            finally:
                limiter.release_connections()  # also where the database is away
    if outbox.failure:
        raise outbox.failure
    if sent.counts.get(Dispatch.State.SENT) or not failure:
        health.record_success(relay)  # so a relay that works most of the time rests but shortly
    if failure:
        _record_failure(relay, failure)
        return sent, 0
    return sent, limiter.wait or 0


def _record_failure(relay: Relay, problem: RelayDownError) -> None:
    log.warning("relay down", relay=relay.name, problem=str(problem))
    health.record_failure(relay, problem, clock.now())
