"""How much mail a relay may get from one sender, by limits that all workers share in Valkey.

    reserve_connections   how many connections may be opened; renewed while the sender lives
    reserve               how many messages may go to the relay now
    partition             which rows of a batch may go now, and when the others may
    record_reply          count refusals by recipient domain
    refusing_domains      the domains that refuse us so often that they have to be paused
    renew                 keep the connections, and load the paused domains again

A relay without limits needs no Valkey. A relay with limits gets nothing while Valkey is away.
"""

import math
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from digest.core import clock
from digest.relays import pausing, registry, retries
from digest.relays.errors import ThrottleUnavailableError
from digest.relays.models import Relay
from digest.relays.retries import Outcome
from digest.relays.throttles import buckets, connections, refusals
from digest.relays.throttles.buckets import Bound, Limit
from digest.relays.transports.base import Reply
from digest.relays.warming import domain_bounds, notice_quota, relay_bounds

CONNECTION_SECONDS = 60.0  # that a reserved connection lasts without being renewed
BURST = timedelta(seconds=10)  # of a limit may go at once: about as much as one tick of beat finds
UNAVAILABLE_WAIT = 5.0  # seconds, when Valkey does not answer


class HasAddress(Protocol):
    """A row with the address that its mail goes to."""

    @property
    def email(self) -> str:
        """The subscriber's address."""
        ...


RowT = TypeVar("RowT", bound=HasAddress)


@dataclass(slots=True)
class Refusals:
    """Replies from one domain since they were last reported."""

    attempts: int = 0
    refused: int = 0
    reply: str = ""  # the last refusal


class RateLimiter:
    """A relay's limits for one sender."""

    def __init__(self, relay: Relay, holder: str) -> None:
        """`holder` identifies the sender, and is never used by another one."""
        self.relay = relay
        self.wait: float | None = None  # seconds until there is more, when `reserve` returned 0
        self._holder = holder
        self._connections = 0  # reserved
        self._renewed_at = time.monotonic()
        self._refusals: dict[str, Refusals] = defaultdict(Refusals)
        self._paused: Mapping[str, datetime] = pausing.paused_domains(relay, clock.now())

    # --- connections -------------------------------------------------------------------

    def reserve_connections(self, count: int) -> int:
        """Return how many connections may be opened; 0 if other senders have them all."""
        limit = self.relay.connections
        if limit is None:
            return count
        try:
            self._connections = connections.reserve(
                self._key, limit, count, self._holder, CONNECTION_SECONDS
            )
        except ThrottleUnavailableError:
            self._connections = 0
        return self._connections

    def release_connections(self) -> None:
        """Let other senders have the connections."""
        if self._connections:
            connections.release(self._key, self._holder)

    def renew(self) -> bool:
        """Renew the connections, and load the paused domains; False if connections are lost."""
        self._paused = pausing.paused_domains(self.relay, clock.now())
        if not self._connections or time.monotonic() - self._renewed_at < CONNECTION_SECONDS / 3:
            return True
        self._renewed_at = time.monotonic()
        with suppress(ThrottleUnavailableError):  # they last a while without being renewed
            left = connections.renew(self._key, self._holder, CONNECTION_SECONDS)
            return left >= self._connections
        return True

    # --- messages ----------------------------------------------------------------------

    @property
    def limits_messages(self) -> bool:
        """Whether the relay takes only so many messages in a time, in all or for a domain."""
        return bool(self._relay_bounds()) or self._limits_domains

    def reserve(self, count: int, *, single: bool = False) -> int:
        """Reserve up to `count` messages and return how many; if 0, `wait` says for how long.

        `single` reserves from the quota that a warm-up has for single notices beside its allowance.
        """
        bounds = self._single_bounds() if single else self._relay_bounds()
        if not bounds:
            return count
        try:
            reservation = buckets.reserve(count, bounds)
        except ThrottleUnavailableError:
            reservation = buckets.Reservation(0, UNAVAILABLE_WAIT)
        self.wait = None if reservation.count else reservation.wait
        return reservation.count

    def release(self, count: int) -> None:
        """Return what was reserved of the relay's limits and is not needed."""
        if count and (bounds := self._relay_bounds()):
            buckets.release(count, bounds)

    def release_rows(self, rows: Iterable[HasAddress]) -> None:
        """Return what was reserved for rows that `partition` let go, of all limits."""
        counts: dict[str, int] = defaultdict(int)
        for row in rows:
            counts[domain_of(row.email)] += 1
        self.release(sum(counts.values()))
        limits = {domain: self._domain_bounds(domain) for domain in counts}
        if any(limits.values()):
            buckets.release_many(counts, limits)

    def partition(self, rows: Sequence[RowT]) -> tuple[list[RowT], list[tuple[RowT, Outcome]]]:
        """Return the rows that may go now, and the others, each with the outcome to record.

        Reserves by the limits of the recipients' domains. What was reserved of the relay's limits
        for the others remains the caller's, who can use or release it.
        """
        if not (self._paused or self._limits_domains):
            return list(rows), []
        by_domain: dict[str, list[RowT]] = defaultdict(list)
        for row in rows:
            by_domain[domain_of(row.email)].append(row)
        now = clock.now()
        deferred = [
            (row, pausing.deferred(domain, until))
            for domain, until in self._paused.items()
            if until > now
            for row in by_domain.pop(domain, ())
        ]
        try:
            sendable, postponed = self._within_limits(by_domain, now)
        except ThrottleUnavailableError:
            later = retries.postponed(now + timedelta(seconds=UNAVAILABLE_WAIT))
            return [], deferred + [(row, later) for group in by_domain.values() for row in group]
        return sendable, deferred + postponed

    def _within_limits(
        self, by_domain: Mapping[str, list[RowT]], now: datetime
    ) -> tuple[list[RowT], list[tuple[RowT, Outcome]]]:
        limits = {domain: self._domain_bounds(domain) for domain in by_domain}
        counts = {domain: len(rows) for domain, rows in by_domain.items()}
        reservations = buckets.reserve_many(counts, limits)
        sendable: list[RowT] = []
        postponed: list[tuple[RowT, Outcome]] = []
        for domain, rows in by_domain.items():
            reservation = reservations[domain]
            sendable += rows[: reservation.count]
            if excess := rows[reservation.count :]:
                postponed += _queue(excess, limits[domain], reservation.wait, now)
        return sendable, postponed

    # --- replies -----------------------------------------------------------------------

    def record_reply(self, email: str, reply: Reply, outcome: Outcome) -> Outcome:
        """Count the relay's reply to a message for `email`; return the outcome to record of it."""
        domain = domain_of(email)
        counts = self._refusals[domain]
        counts.attempts += 1
        if not refusals.is_policy_refusal(reply):
            return outcome
        counts.refused += 1
        counts.reply = f"{reply.code} {reply.text}"
        until = self._paused.get(domain)
        return pausing.defer_refusal(outcome, domain, until) if until else outcome

    def refusing_domains(self) -> dict[str, str]:
        """Return the domains that have to be paused, each with the last refusal.

        Reports the refusals counted since the last call to all workers, whose sum decides. A domain
        that another worker has paused meanwhile is among them: what it refused us until we knew
        waits as well.
        """
        refusing = {domain: counts for domain, counts in self._refusals.items() if counts.refused}
        return {
            domain: counts.reply
            for domain, counts in refusing.items()
            if self._surges(domain, counts) or domain in self._paused
        }

    def _surges(self, domain: str, counts: Refusals) -> bool:
        """Report refusals; return whether there is a surge. Without Valkey, our own decide."""
        try:
            is_surge = refusals.record(self._key, domain, counts.attempts, counts.refused)
        except ThrottleUnavailableError:
            if not refusals.is_surge(counts.attempts, counts.refused):
                return False  # they are reported the next time
            is_surge = True
        del self._refusals[domain]
        return is_surge

    # --- the limits --------------------------------------------------------------------

    @property
    def _key(self) -> str:
        return key_of(self.relay)

    @property
    def _limits_domains(self) -> bool:
        return bool(self.relay.domain_limits or self.relay.warming_since)

    def _relay_bounds(self) -> tuple[Bound, ...]:
        bounds: tuple[Bound, ...] = ()
        if self.relay.per_minute:
            bounds = (limit_of(self.relay.per_minute, self._key),)
        if warming := registry.warming_of(self.relay):
            bounds += relay_bounds(warming, self._key, clock.now().date())
        return bounds

    def _single_bounds(self) -> tuple[Bound, ...]:
        bounds: tuple[Bound, ...] = ()
        if self.relay.per_minute:
            bounds = (limit_of(self.relay.per_minute, self._key),)
        if warming := registry.warming_of(self.relay):
            quota = notice_quota(warming, self._key, clock.now().date())
            bounds += (quota,) if quota else ()
        return bounds

    def _domain_bounds(self, domain: str) -> tuple[Bound, ...]:
        limits = self.relay.domain_limits
        bounds: tuple[Bound, ...] = ()
        if limit := limits.get(domain) or limits.get(registry.OTHER_DOMAINS):
            bounds = (limit_of(limit, f"{self._key}:{domain}"),)
        if warming := registry.warming_of(self.relay):
            bounds += domain_bounds(warming, self._key, domain, clock.now().date())
        return bounds


def limit_of(per_minute: int, key: str) -> Limit:
    """Return the limit that allows `per_minute` messages in any minute, and never more."""
    burst = max(1, math.floor(per_minute * BURST / timedelta(minutes=1)))
    return Limit(key, max(per_minute - burst, per_minute / 2), burst)


def domain_of(email: str) -> str:
    """Return the domain of a subscriber's address, as limits and pauses name it."""
    return email.rpartition("@")[2]


def _queue(
    rows: Sequence[RowT], bounds: Sequence[Bound], wait: float, now: datetime
) -> list[tuple[RowT, Outcome]]:
    """Give each row a place in the queue of the slowest limit, as its next `due_at`."""
    slowest = min(
        (bound for bound in bounds if isinstance(bound, Limit)),
        key=lambda limit: limit.per_minute,
    )
    first = now + timedelta(seconds=buckets.queue_up(len(rows), slowest, wait))
    interval = timedelta(minutes=1) / slowest.per_minute
    return [(row, retries.postponed(first + number * interval)) for number, row in enumerate(rows)]


def key_of(relay: Relay) -> str:
    """Return what the limits of a relay are called in Valkey."""
    return f"relay-{relay.pk}"
