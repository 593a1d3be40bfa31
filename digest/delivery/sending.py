"""Send what is due.

    claim a batch > for each row: attempt it in the ledger, hand it over, record the relay's word

Any number of senders may run at once, anywhere: the ledger gives each its own rows. When the relay
is down the batch goes back, nobody's attempt is used up, and the relay is left alone for a while;
so it is when its word on a message was lost, before more are in doubt.
"""

import random
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from digest.core import addresses, clock, jobs, links
from digest.core.errors import DigestError
from digest.delivery import ledger, relays, retries, steering
from digest.delivery.choosing import Shelf, shelf_of
from digest.delivery.compiling import compiled_for
from digest.delivery.errors import RelayDownError, ReplyLostError, TransportError
from digest.delivery.heartbeat import Heartbeat
from digest.delivery.ledger import Batch, Row, Verdict
from digest.delivery.models import Dispatch
from digest.delivery.transports import open_transport
from digest.delivery.transports.base import Envelope, Transport
from digest.editions.models import Edition
from digest.rendering.compiled import Recipient
from digest.rendering.errors import RenderingError

log = structlog.get_logger(__name__)

BATCH = 50
PATIENCE = 0.5  # seconds between two tries to reach the database

State = Dispatch.State


@dataclass(slots=True)
class Tally:
    """What a sender did: deliveries by the state they are in now."""

    counts: dict[State, int] = field(default_factory=dict)
    relay_is_up: bool = False  # it has answered, and that is noted

    def add(self, state: State) -> None:
        """Count one."""
        self.counts[state] = self.counts.get(state, 0) + 1

    @property
    def total(self) -> int:
        """All that were decided."""
        return sum(self.counts.values())


def send_due() -> Tally:
    """Send for a few seconds, or until nothing is due; then nudge a successor if something is.

    The time is short so that a worker that is told to stop soon can.
    """
    tally = Tally()
    if relays.resting(clock.now()):
        return tally
    until = time.monotonic() + settings.DIGEST_SEND_SECONDS
    with ExitStack() as stack:
        transport = stack.enter_context(open_transport())
        heartbeat = stack.enter_context(Heartbeat())
        while time.monotonic() < until and (batch := _next_batch()):
            heartbeat.fence = batch.fence
            if not _send_batch(batch, transport, tally, until):
                return tally
    if ledger.due_editions(clock.now()).exists():
        jobs.enqueue(jobs.SEND_DELIVERIES)
    elif tally.total:
        jobs.enqueue(jobs.SWEEP_DELIVERIES)  # an edition may be finished
    return tally


def _next_batch() -> Batch | None:
    """Claim from the first edition that has something left for us."""
    now = clock.now()
    for edition in ledger.due_editions(now):
        batch = ledger.claim(edition, BATCH, now)
        if batch.rows:
            return batch
    return None


def _send_batch(batch: Batch, transport: Transport, tally: Tally, until: float) -> bool:
    """Send a batch, or what the time allows; False if the relay is to be left alone for a while.

    What is not attempted goes back in any case.
    """
    try:
        shelf = shelf_of(batch.edition, compiled_for(batch.edition))
        for row in batch.rows:
            verdict = _send_row(batch, row, shelf, transport, tally)
            if verdict in {Verdict.STOPPED, Verdict.LOST} or time.monotonic() >= until:
                break
    except RenderingError as problem:
        steering.set_aside(batch.edition, f"It cannot be rendered: {problem}")
    except TransportError as problem:
        log.warning("relay down", problem=str(problem))
        relays.note_down(str(problem), clock.now())
        return False
    finally:
        ledger.release(batch)
    return True


def _send_row(batch: Batch, row: Row, shelf: Shelf, transport: Transport, tally: Tally) -> Verdict:
    """Send to one reader, if they may still be mailed. Raises TransportError."""
    now = clock.now()
    verdict = ledger.attempt(batch, row, now, shelf.issue)
    if verdict is Verdict.SETTLED:
        tally.add(State.SUPPRESSED)
    if verdict is not Verdict.GO:
        return verdict
    try:
        outcome = _hand_over(batch.edition, row, shelf, transport, now)
    except RelayDownError:
        ledger.withdraw(batch, row, now)
        raise
    except ReplyLostError:
        ledger.doubt(batch, row)
        tally.add(State.IN_DOUBT)
        raise
    if not _record(batch, row, outcome):
        if ledger.forgotten(row):  # the reader was erased meanwhile; the other rows are still ours
            return Verdict.SETTLED
        log.warning("the lease was lost before the relay answered", delivery=row.id)
        return Verdict.LOST
    tally.add(outcome.state)
    if not tally.relay_is_up:
        relays.note_up()
        tally.relay_is_up = True
    return verdict


def _hand_over(
    edition: Edition, row: Row, shelf: Shelf, transport: Transport, now: datetime
) -> retries.Outcome:
    """Put the reader's mail together, hand it over, and return what came of it.

    The subject is the edition's for everyone: it may name a story that a reader of other topics
    doesn't get, but one issue goes by one name, in the archive and among readers.
    """
    sender = edition.newsletter.publication.sender_email
    try:
        stories = shelf.chosen(row.topics)
        message = shelf.compiled.message(_recipient(edition, row, now), stories=stories)
        envelope = Envelope(addresses.envelope(sender), addresses.envelope(row.email))
    except DigestError as problem:  # this reader's address or name cannot be written
        return retries.Outcome(State.FAILED, None, str(problem))
    reply = transport.deliver(envelope, message)
    first = row.first_attempt_at or now
    return retries.outcome(reply, row.attempts + 1, first, now, random.random())  # noqa: S311


def _record(batch: Batch, row: Row, outcome: retries.Outcome) -> bool:
    """Record the relay's word, and wait for a database that is away.

    Forgetting the word would leave a doubt where there is none.
    """
    until = time.monotonic() + settings.DIGEST_LEASE_SECONDS / 2
    while True:
        try:
            return ledger.record(batch, row, outcome, clock.now())
        except (OperationalError, InterfaceError):
            connection.close()
            if time.monotonic() > until:
                raise
            time.sleep(PATIENCE)


def message_id(edition: Edition, subscriber_id: int) -> str:
    """Return a Message-ID that is a function of edition and reader, so that a repeat is seen."""
    token = links.sign("message-id", edition.pk, subscriber_id)
    return f"<{token}@{edition.newsletter.publication.sender_domain}>"


def _recipient(edition: Edition, row: Row, now: datetime) -> Recipient:
    link = links.ReaderLink(row.subscriber_id, edition.newsletter_id, edition.pk)
    return Recipient(
        email=row.email,
        name=row.name,
        unsubscribe_url=links.absolute(f"/unsubscribe/{links.unsubscribe_token(link)}"),
        message_id=message_id(edition, row.subscriber_id),
        date=now,
        preferences_url=links.preferences_url(row.subscriber_id, edition.newsletter.publication_id),
        unsubscribe_mailto=links.unsubscribe_mailto(link),
    )
