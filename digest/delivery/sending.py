"""Send what is due, for a few seconds.

    a journal, a heartbeat, an outbox > the transport carries what the outbox gives, several at once

Any number of senders may run at once, anywhere: the ledger gives each its own rows. When the relay
is down everything goes back, nobody's attempt is used up, and the relay is left alone for a while.
"""

import time
from dataclasses import dataclass, field

import structlog
from django.conf import settings

from digest.core import clock, jobs
from digest.delivery import ledger, relays
from digest.delivery.errors import RelayDownError
from digest.delivery.heartbeat import Heartbeat
from digest.delivery.journal import Journal
from digest.delivery.models import Dispatch
from digest.delivery.outbox import Outbox
from digest.delivery.transports import open_transport

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """What a sender did: deliveries by the state they are in now."""

    counts: dict[Dispatch.State, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All that were decided."""
        return sum(self.counts.values())


def send_due() -> Sent:
    """Send for a few seconds, or until nothing is due; then nudge a successor if something is.

    The time is short so that a worker that is told to stop soon can.
    """
    now = clock.now()
    if relays.resting(now) or not ledger.due_editions(now).exists():
        return Sent()
    sent = _send(time.monotonic() + settings.DIGEST_SEND_SECONDS)
    if not relays.resting(clock.now()) and ledger.due_editions(clock.now()).exists():
        jobs.enqueue(jobs.SEND_DELIVERIES)
    elif sent.total:
        jobs.enqueue(jobs.SWEEP_DELIVERIES)  # an edition may be finished
    return sent


def _send(until: float) -> Sent:
    with open_transport() as transport, Journal() as journal, Heartbeat() as pulse:
        outbox = Outbox(journal, pulse, until)
        down = ""
        try:
            transport.carry(outbox)
        except RelayDownError as problem:
            down = str(problem)
            log.warning("relay down", problem=down)
        finally:
            outbox.close()
    if down:
        relays.note_down(down, clock.now())
    else:
        relays.note_up()
    return Sent(outbox.counts)
