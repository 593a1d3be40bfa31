"""The source of one sender's messages: everything that is due, until the time is up.

    next_message     the next subscriber's message; the next batch is claimed while one is sent
    record_round     replies and what is about to leave into the journal, in one write; then a check
                     of lease and issue: only then may it leave
    mark_uncertain … outcomes go into the ledger in batches, behind what is sent
    close            outcomes are recorded, and what was not begun becomes due again

Every second the batches in flight are checked again, so that a subscriber who leaves, or an editor
who pauses, takes effect while a relay is slow. Without the database no more messages are sent; the
replies to those in flight are awaited, and stay in the journal.
"""

import random
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import structlog
from django.db import connection

from digest.core import clock
from digest.core.errors import DigestError
from digest.installation import room
from digest.relays import retries
from digest.relays.rate_limits import RateLimiter
from digest.relays.retries import UNCERTAIN_REPLY, Outcome
from digest.relays.transports.base import OutgoingMessage, Replies, Reply
from digest.sending import domain_pauses, ledger
from digest.sending.claiming import ClaimedDelivery
from digest.sending.journal import Journal
from digest.sending.models import Delivery
from digest.sending.outgoing import MessageComposer
from digest.sending.sender.batches import Batches
from digest.sending.sender.claims import LARGEST, Claims, sender_domain
from digest.sending.sender.heartbeat import Heartbeat
from digest.sending.sender.in_flight import InFlight
from digest.sending.sender.ledger_thread import LedgerThread
from digest.sending.sender.meter import ReplyMeter
from digest.sending.sender.recorder import DATABASE_UNAVAILABLE, Recorder

if TYPE_CHECKING:
    from concurrent.futures import Future

log = structlog.get_logger(__name__)

CHECK_SECONDS = 1.0  # between two checks of a batch in flight
FLUSH_SECONDS = 0.5  # until outcomes are in the ledger

State = Delivery.State


class Outbox:
    """A MessageSource (digest.relays.transports.base) of what is due."""

    def __init__(
        self,
        claims: Claims,
        journal: Journal,
        leases: Heartbeat,
        limiter: RateLimiter,
        ledger_thread: LedgerThread,
        until: float,
        *,
        sign: bool = True,
        shared_domains: Collection[str] = (),
    ) -> None:
        """Yield what `claims` claims until `until` (time.monotonic()).

        `sign` messages with DKIM, where there is a key for the sender. `shared_domains` are those
        of senders that have another relay, which may take what this one cannot.
        """
        self.recorder = Recorder()
        self._claims = claims
        self._journal = journal
        self._leases = leases
        self._limiter = limiter
        self._until = until
        self._sign = sign
        self._shared_domains = shared_domains
        self._ledger = ledger_thread
        self._batches = Batches(self.recorder, leases, limiter, ledger_thread.turn)
        self._ahead: Future[InFlight | None] | None = None  # the claim of the next batch
        self._recording: Future[bool] | None = None
        self._meter = ReplyMeter(limiter.relay.name)
        self._replies: list[tuple[OutgoingMessage, Reply]] = []  # in the journal, no outcomes yet
        self._in_flight: dict[int, InFlight] = {}  # by delivery, of those that the transport has
        self._current: InFlight | None = None  # that the next message comes from
        self._composer: MessageComposer
        self._composing: InFlight | None = None  # that the composer is for
        self._exhausted = False  # there are no more messages
        self.failure: room.DiskFullError | None = None  # why nothing leaves any more
        self._flushed_at = time.monotonic()

    # --- MessageSource -----------------------------------------------------------------

    def next_message(self) -> OutgoingMessage | None:
        """Return the next message; None if nothing more is due or the time is up."""
        self._apply_replies()
        try:
            return self._next()
        except DATABASE_UNAVAILABLE as problem:
            self._stop(problem)
            return None

    def record_round(self, replies: Replies, ready: Sequence[OutgoingMessage]) -> Collection[int]:
        """Write replies and what is about to leave to the journal, then check whether it may.

        In this order: a process that is frozen between the two has written it down, so a sweep that
        finds the lease expired counts it as uncertain. Where the journal cannot be written nothing
        leaves any more; replies go into the ledger all the same. They become outcomes once `ready`
        has left, so that the relay need not wait for it.
        """
        try:
            self._journal.record(
                [(message.key, reply) for message, reply in replies],
                [message.key for message in ready],
            )
        except OSError as problem:
            self._exhausted, ready = True, ()
            self.failure = room.report(f"The journal cannot be written ({problem.strerror})")
        self._replies += replies
        return self._allow(ready) if ready else frozenset()

    def mark_uncertain(self, message: OutgoingMessage, reason: str) -> None:
        """Record that nobody knows whether the relay has the message."""
        in_flight = self._in_flight.pop(message.key)
        in_flight.remove(message.key)
        self._meter.end(message.key, State.UNCERTAIN)
        reply = f"{UNCERTAIN_REPLY} ({reason})"
        outcome = Outcome(State.UNCERTAIN, None, reply, attempted=True)
        self._add(in_flight, message.key, outcome)

    def return_unsent(self, message: OutgoingMessage) -> None:
        """Queue the message again, unless it is settled already.

        It goes behind all that is due, so that a message at which relays fail holds up no other.
        """
        self._mark_unsent(message)
        in_flight = self._in_flight.pop(message.key)
        settled = message.key in in_flight.denied
        in_flight.remove(message.key)
        if not settled:
            in_flight.outcomes.append((message.key, retries.postponed(clock.now())))

    def stop(self) -> None:
        """Offer nothing more: what is not offered yet is for another sender."""
        self._exhausted = True

    def tick(self) -> None:
        """Record outcomes that have waited long enough; release the rest once the run is over."""
        self._apply_replies()
        if time.monotonic() - self._flushed_at > FLUSH_SECONDS:
            self._try_to_flush()

    def close(self) -> None:
        """Record outcomes, release what was not begun, and delete the journal.

        In this order: a reply that is not recorded has to wait for a sweep.
        """
        self._apply_replies()
        self._current = None
        self._join()
        with self._ledger.turn:
            self._batches.record()
            self._batches.release_waiting()
            self._batches.drop(self._batches.remove_finished())
            # A claim whose commit we never learned of is swept, which needs the journal.
            if not self._batches and not ledger.is_claimed(self._journal.name):
                self._journal.done()
        self._apply_refusals()
        self._meter.report()

    # --- steps -------------------------------------------------------------------------

    def _mark_unsent(self, message: OutgoingMessage) -> None:
        with suppress(OSError):  # without room the ledger alone says so
            self._journal.record_unsent(message.key)

    def _apply_replies(self) -> None:
        """Turn the replies of the last round into outcomes."""
        if not self._replies:
            return
        replies, self._replies = self._replies, []
        now = clock.now()
        for message, reply in replies:
            in_flight = self._in_flight.pop(message.key)
            row = in_flight.remove(message.key)
            first, jitter = row.first_attempt_at or now, random.random()  # noqa: S311
            is_shared = not reply.accepted and (
                sender_domain(in_flight.batch.issue) in self._shared_domains
            )
            outcome = retries.outcome_of(
                reply, row.attempts + 1, first, now, jitter, has_alternative=is_shared
            )
            self._meter.end(message.key, outcome.state)
            self._add(in_flight, row.id, self._limiter.record_reply(row.email, reply, outcome))

    def _allow(self, ready: Sequence[OutgoingMessage]) -> Collection[int]:
        """Return which of the messages may leave: issue, subscriber and lease allow it."""
        try:
            self._batches.recheck(2 * CHECK_SECONDS)
        except DATABASE_UNAVAILABLE as problem:
            self._stop(problem)
            for message in ready:
                self._mark_unsent(message)
            return frozenset()
        allowed = set()
        for message in ready:
            in_flight = self._in_flight[message.key]
            lost = in_flight.stopped or not self._leases.holds(in_flight.batch.fence)
            if lost or message.key in in_flight.denied:
                self._mark_unsent(message)
            else:
                in_flight.begun[message.key] = in_flight.offered.pop(message.key)
                allowed.add(message.key)
        self._meter.begin(allowed)
        return allowed

    def _next(self) -> OutgoingMessage | None:
        while not self._exhausted:
            if time.monotonic() >= self._until:
                self._exhausted = True
                break
            self._batches.recheck(CHECK_SECONDS)
            in_flight = self._current
            if in_flight is None or not in_flight.waiting:
                self._claim()
                continue
            row = in_flight.waiting.popleft()
            if (message := self._compose(in_flight, row)) is not None:
                in_flight.offered[row.id] = row
                self._in_flight[row.id] = in_flight
                return message
        self._flush()
        return None

    def _claim(self) -> None:
        """Take the batch that was claimed ahead, or claim one; without one there are no more."""
        self._flush()
        in_flight = self._take_ahead()
        if in_flight is None and not self._exhausted:
            in_flight = self._add_batch(self._ledger.submit(self._claims.claim_batch).result())
        if in_flight is None:
            self._exhausted = True
        elif not self._exhausted and self._claims.can_be_ahead:
            self._ahead = self._ledger.submit(self._claims.claim_batch)

    def _take_ahead(self) -> InFlight | None:
        ahead, self._ahead = self._ahead, None
        return self._add_batch(ahead.result()) if ahead else None

    def _add_batch(self, in_flight: InFlight | None) -> InFlight | None:
        if in_flight is not None:
            self.recorder.count(State.SUPPRESSED, in_flight.batch.suppressed)
            if not in_flight.finished:
                self._batches.add(in_flight)
                self._current = in_flight
        return in_flight

    def _compose(self, in_flight: InFlight, row: ClaimedDelivery) -> OutgoingMessage | None:
        if self._composing is not in_flight:
            issue, segmentation = in_flight.batch.issue, in_flight.segmentation
            self._composer = MessageComposer(issue, segmentation, sign=self._sign)
            self._composing = in_flight
        try:
            return self._composer.compose(row, clock.now(), key=row.id)
        except DigestError as problem:  # this subscriber's address or name cannot be written
            self._add(in_flight, row.id, Outcome(State.FAILED, None, str(problem)))
            return None

    def _add(self, in_flight: InFlight, key: int, outcome: Outcome) -> None:
        in_flight.outcomes.append((key, outcome))
        if len(in_flight.outcomes) >= LARGEST and not self._exhausted:
            self._try_to_flush()

    def _try_to_flush(self) -> None:
        try:
            self._flush()
        except DATABASE_UNAVAILABLE as problem:
            self._stop(problem)

    def _flush(self) -> None:
        """Let all outcomes be recorded, and apply what they mean for the relay's limits."""
        self._meter.report()
        if time.monotonic() >= self._until:
            self._exhausted = True
        if self._recording and not self._recording.done():
            return  # what has come meanwhile goes with the next ones
        self._end_recording()
        if self._exhausted:
            self._leave_batches()
        finished = self._batches.remove_finished(self._current)
        record = partial(self._record, finished, release=self._exhausted)
        self._recording = self._ledger.submit(record)
        self._apply_refusals()
        self._flushed_at = time.monotonic()

    def _apply_refusals(self) -> None:
        """Pause domains that refuse us, once the refusals are recorded: these wait as well."""
        if not (refusing := self._limiter.refusing_domains()):
            return
        self._end_recording()
        with self._ledger.turn:
            for domain, reason in refusing.items():
                domain_pauses.pause_domain(self._limiter.relay, domain, reason, clock.now())
            if not self._limiter.renew():
                self._exhausted = True

    def _leave_batches(self) -> None:
        """Take no message of any batch any more, nor of the one that was claimed ahead."""
        if self._ahead and self._ahead.done():
            self._take_ahead()
        self._current = None

    def _record(self, finished: Sequence[int], *, release: bool) -> bool:
        """Record outcomes in the ledger's thread; return whether we still have our connections.

        Once the run is over, `release` what was not offered: replies to the rest may take minutes.
        """
        self._batches.record()
        if release:
            self._batches.release_waiting()
        self._batches.drop(finished)
        return self._limiter.renew()

    def _end_recording(self) -> None:
        recording, self._recording = self._recording, None
        if recording and not recording.result():
            self._exhausted = True

    def _join(self) -> None:
        """Wait for the ledger's thread. What it could not record is recorded afterwards."""
        for step in (self._take_ahead, self._end_recording):
            try:
                step()
            except DATABASE_UNAVAILABLE:
                with self._ledger.turn:
                    connection.close()

    def _stop(self, problem: Exception) -> None:
        """Return no more messages: without the database nobody knows who may still be mailed."""
        if not self._exhausted:
            log.warning("database unavailable, sending stops", problem=str(problem).strip())
        self._exhausted = True
        self._flushed_at = time.monotonic()
        with self._ledger.turn:
            connection.close()
