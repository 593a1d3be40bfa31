"""What one sender has in hand: claims as it needs them, and the book that is kept of them.

    next_message the next subscriber's mail; claims another batch when the last one is used up
    begin        into the journal, then a look at lease and issue: only then may it leave
    record_reply into the journal, and in batches into the ledger
    close        what is known is recorded, what was not begun goes back

Every second what is in hand is looked at again, so that a subscriber who leaves, or an editor who
pauses, is heard while a relay is slow. A database that goes away stops the giving; what is in
flight is heard to its end, and its words wait in the journal.
"""

import random
import time
from collections import deque
from collections.abc import Collection, Sequence
from datetime import datetime

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from digest.core import clock
from digest.core.errors import DigestError
from digest.issues.models import Issue
from digest.relays import retries, routes
from digest.relays.rate_limits import RateLimiter
from digest.relays.retries import Outcome
from digest.relays.transports.base import OutgoingMessage, Reply
from digest.rendering.errors import RenderingError
from digest.sending import control, domain_pauses, heartbeat, ledger
from digest.sending.compiling import compiled_for
from digest.sending.heartbeat import Heartbeat
from digest.sending.in_flight import InFlight
from digest.sending.journal import Journal
from digest.sending.ledger import Batch, Row
from digest.sending.models import Delivery
from digest.sending.outgoing import compose_message
from digest.sending.segmentation import segmentation_of

log = structlog.get_logger(__name__)

SMALLEST, LARGEST = 50, 500  # deliveries in a batch
FRESH = 1.0  # seconds that a look at what is in hand is good for
FOLD = 0.5  # seconds until what is known is in the ledger
PATIENCE = 0.5  # seconds between two tries to reach the database

State = Delivery.State
DATABASE_AWAY = (OperationalError, InterfaceError)


class Outbox:
    """A source of whatever is due, until the time is up."""

    def __init__(
        self,
        journal: Journal,
        pulse: Heartbeat,
        until: float,
        limiter: RateLimiter,
        domains: Collection[str],
        *,
        sign: bool = True,
    ) -> None:
        """Give until `until` (monotonic seconds), of senders at `domains`, what `limiter` lets by.

        `sign` what is given, where there is a key for the sender.
        """
        self.counts: dict[Delivery.State, int] = {}  # deliveries by the state they are in now
        self._limiter = limiter
        self._domains = domains
        self._sign = sign
        self._journal = journal
        self._pulse = pulse
        self._until = until
        self._hands: dict[int, InFlight] = {}
        self._where: dict[int, InFlight] = {}  # by delivery, of what is out
        self._current: InFlight | None = None
        self._size = SMALLEST
        self._folded = time.monotonic()
        self._done = False  # nothing more is due, or can be claimed

    # --- MessageSource -----------------------------------------------------------------

    def next_message(self) -> OutgoingMessage | None:
        """Return the next mail, composed; None when nothing is due or the time is up."""
        try:
            return self._next()
        except DATABASE_AWAY as problem:
            self._stop(problem)
            return None

    def _next(self) -> OutgoingMessage | None:
        while not self._done:
            if time.monotonic() >= self._until:
                self._let_others()
                break
            self._look_if_stale(FRESH)
            hand = self._current
            if hand is None or not hand.rows:
                if not self._claim():
                    break
                continue
            row = hand.rows.popleft()
            if (message := self._compose(hand, row)) is not None:
                hand.offered[row.id] = row
                self._where[row.id] = hand
                return message
        self._fold()
        return None

    def begin(self, messages: Sequence[OutgoingMessage]) -> Collection[int]:
        """Note what is about to leave, and look whether it may.

        In this order: who is frozen between the two has noted it, so whoever finds the lease gone
        counts it among what is uncertain.
        """
        self._journal.begin([message.key for message in messages])
        try:
            self._look_if_stale(2 * FRESH)
        except DATABASE_AWAY as problem:
            self._stop(problem)
            for message in messages:
                self._journal.never(message.key)
            return frozenset()
        may_go = set()
        for message in messages:
            hand = self._where[message.key]
            lost = hand.stopped or not self._pulse.held(hand.batch.fence)
            if lost or message.key in hand.denied:
                self._journal.never(message.key)
            else:
                hand.begun[message.key] = hand.offered.pop(message.key)
                may_go.add(message.key)
        return may_go

    def record_reply(self, message: OutgoingMessage, reply: Reply) -> None:
        """Note the relay's word."""
        self._journal.end(message.key, reply)
        hand = self._where.pop(message.key)
        row = hand.account(message.key)
        now = clock.now()
        first = row.first_attempt_at or now
        word = retries.outcome_of(reply, row.attempts + 1, first, now, random.random())  # noqa: S311
        self._note(hand, message.key, self._limiter.record_reply(row.email, reply, word))

    def mark_uncertain(self, message: OutgoingMessage, reason: str) -> None:
        """Note that nobody knows."""
        hand = self._where.pop(message.key)
        hand.account(message.key)
        words = f"{ledger.UNCERTAIN_REPLY} ({reason})"
        self._note(hand, message.key, Outcome(State.UNCERTAIN, None, words, attempted=True))

    def return_unsent(self, message: OutgoingMessage) -> None:
        """Note that it was not handed over.

        It goes behind all that is due, so that a message which drives relays away holds up nobody.
        """
        self._journal.never(message.key)
        hand = self._where.pop(message.key)
        settled = message.key in hand.denied
        hand.account(message.key)
        if not settled:
            hand.words.append((message.key, Outcome(State.QUEUED, None, "", clock.now())))

    def tick(self) -> None:
        """Record what has been waiting for it."""
        if time.monotonic() - self._folded > FOLD:
            self._try_to_fold()

    # --- claiming ----------------------------------------------------------------------

    def _claim(self) -> bool:
        """Take another batch in hand; False if nothing is due."""
        self._adapt()
        self._fold()
        now = clock.now()
        # In any order, so that a small issue is not held up by a large one.
        due = [each for each in ledger.due_issues(now) if self._is_ours(each)]
        random.shuffle(due)
        for issue in due:
            granted = self._limiter.reserve(self._size)
            if not granted:
                self._done = True
                return False
            if self._take_in_hand(issue, granted, now):
                return True
        self._done = not due
        return False

    def _is_ours(self, issue: Issue) -> bool:
        return routes.sender_domain(issue.newsletter.publication.sender_email) in self._domains

    def _take_in_hand(self, issue: Issue, size: int, now: datetime) -> bool:
        asked_at = heartbeat.now()
        try:
            segmentation = segmentation_of(issue, compiled_for(issue))
        except RenderingError as problem:
            control.set_aside(issue, f"It cannot be rendered: {problem}")
            self._limiter.release(size)
            return False
        batch = ledger.claim(issue, size, now, segmentation.audience, self._journal.name)
        self._count(State.SUPPRESSED, batch.suppressed)
        may, late = self._limiter.partition(batch.rows)
        self._limiter.release(size - len(may))
        if not batch.rows:
            return bool(batch.suppressed)
        self._pulse.watch(batch.fence, asked_at)
        moment = time.monotonic()
        self._current = InFlight(batch, segmentation, deque(may), looked=moment, claimed=moment)
        self._current.words += [(row.id, word) for row, word in late]
        self._hands[batch.fence] = self._current
        return True

    def _adapt(self) -> None:
        """Claim about a second's work, so that little is in hand when a process ends."""
        if self._current is not None:
            took = time.monotonic() - self._current.claimed
            better = self._size * 2 if took < FRESH / 2 else self._size // 2 if took > FRESH else 0
            self._size = min(LARGEST, max(SMALLEST, better or self._size))

    def _compose(self, hand: InFlight, row: Row) -> OutgoingMessage | None:
        try:
            return compose_message(
                hand.batch.issue, row, hand.segmentation, clock.now(), sign=self._sign
            )
        except DigestError as problem:  # this subscriber's address or name cannot be written
            self._note(hand, row.id, Outcome(State.FAILED, None, str(problem)))
            return None

    # --- looking again -----------------------------------------------------------------

    def _look_if_stale(self, seconds: float) -> None:
        now = time.monotonic()
        for hand in list(self._hands.values()):
            if now - hand.looked > seconds and not hand.stopped:
                self._look(hand)

    def _look(self, hand: InFlight) -> None:
        """Keep of a batch what may still go out; what is begun already is past that."""
        waiting = [*hand.rows, *hand.offered.values()]
        look = ledger.look_again(hand.batch, waiting, clock.now())
        hand.looked = time.monotonic()
        hand.stopped = not (look.sending and look.held)
        if hand.stopped:
            self._release(hand)
            return
        self._count(State.SUPPRESSED, look.suppressed)
        hand.rows = deque(row for row in hand.rows if row.id in look.wanted)
        hand.denied.update(hand.offered.keys() - look.wanted)

    # --- recording ---------------------------------------------------------------------

    def _note(self, hand: InFlight, key: int, word: Outcome) -> None:
        hand.words.append((key, word))
        if len(hand.words) >= LARGEST and not self._done:
            self._try_to_fold()

    def _try_to_fold(self) -> None:
        try:
            self._fold()
        except DATABASE_AWAY as problem:
            self._stop(problem)

    def _stop(self, problem: Exception) -> None:
        """Give nothing more: without the database nobody knows who may still be mailed."""
        if not self._done:
            log.warning("database away, sending stops", problem=str(problem).strip())
        self._done = True
        self._folded = time.monotonic()
        connection.close()

    def _let_others(self) -> None:
        """Give back what was not offered: our time is up, however long the rest takes."""
        for hand in self._hands.values():
            self._release(hand)

    def _release(self, hand: InFlight) -> None:
        if hand.rows:
            ledger.release(hand.batch, [row.id for row in hand.rows])
            self._limiter.release_rows(hand.rows)
            hand.rows.clear()

    def _fold(self) -> None:
        """Bring the ledger up to what is known."""
        for hand in list(self._hands.values()):
            if words := list(hand.words):
                recorded = self._record(hand.batch, words)
                hand.words = hand.words[len(words) :]  # not before they are surely in the ledger
                for key, word in words:
                    if key in recorded and word.state != State.QUEUED:
                        self._count(word.state, 1)
                if len(recorded) < len(words):  # erased meanwhile, or swept from under a frozen us
                    log.warning("not ours any more", deliveries=len(words) - len(recorded))
            if hand.over and hand is not self._current:
                self._let_go(hand)
        for domain, reason in self._limiter.refusing_domains().items():
            domain_pauses.pause_domain(self._limiter.relay, domain, reason, clock.now())
        if not self._limiter.renew():
            self._done = True
        self._folded = time.monotonic()

    def _let_go(self, hand: InFlight) -> None:
        ledger.drop(hand.batch.fence)
        self._pulse.forget(hand.batch.fence)
        del self._hands[hand.batch.fence]

    def _record(self, batch: Batch, words: Sequence[tuple[int, Outcome]]) -> Collection[int]:
        """Record, and wait for a database that is away: without it we could claim nothing else.

        What is not recorded in the end stands in the journal, and a sweep folds it in.
        """
        until = time.monotonic() + settings.DIGEST_LEASE_SECONDS / 2
        while True:
            try:
                return ledger.record(batch, words, clock.now())
            except DATABASE_AWAY:
                connection.close()
                if time.monotonic() > until:
                    raise
                time.sleep(PATIENCE)

    def _count(self, state: Delivery.State, number: int) -> None:
        if number:
            self.counts[state] = self.counts.get(state, 0) + number

    def close(self) -> None:
        """Record what is known, give back what was not begun, and throw the journal away."""
        self._current = None
        self._fold()
        self._let_others()
        for hand in list(self._hands.values()):
            if hand.over:
                self._let_go(hand)
        # A claim whose commit we never heard of is folded in by a sweep, which needs the journal.
        if not self._hands and not ledger.is_claimed(self._journal.name):
            self._journal.done()
