"""What a relay lets through, for one sender: its limits, which all workers share through Valkey.

    sit         seats for connections; kept while the sender lives
    ask         so many messages may go to the relay now
    sort        of those claimed, which may go, and when the others may
    hear        the relay's word, so that a surge of refusals is noticed
    look        once a while: keep the seats, pause what refuses us

A relay without limits needs no Valkey. One with limits sends nothing while nobody can say what may
be sent.
"""

import math
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.core import clock
from digest.relays import pausing, registry
from digest.relays.errors import ThrottleUnavailableError
from digest.relays.models import Dispatch, Relay
from digest.relays.throttles import buckets, refusals, seats
from digest.relays.throttles.buckets import Bound, Limit
from digest.relays.transports.base import Reply
from digest.relays.warming import domain_bounds, relay_bounds
from digest.sending.ledger import Row
from digest.sending.retries import Outcome

SEAT_SECONDS = 60.0
BURST = timedelta(seconds=10)  # a limit's worth at once: what a tick of beat finds
BLIND = 5.0  # seconds to wait when Valkey does not answer

State = Dispatch.State
Sorted = tuple[list[Row], list[tuple[Row, Outcome]]]


@dataclass(slots=True)
class Heard:
    """Words from one domain since the last look."""

    tried: int = 0
    refused: int = 0
    words: str = ""


class Gate:
    """A relay's limits, as one sender meets them."""

    def __init__(self, relay: Relay, holder: str) -> None:
        """`holder` names the sender, and no other one ever."""
        self.relay = relay
        self.wait: float | None = None  # seconds until there is more, when `ask` gave nothing
        self._holder = holder
        self._seated = 0
        self._kept = time.monotonic()
        self._heard: dict[str, Heard] = defaultdict(Heard)
        self._paused: Mapping[str, datetime] = pausing.paused(relay, clock.now())

    # --- connections -------------------------------------------------------------------

    def sit(self, wanted: int) -> int:
        """Return how many connections may be opened; 0: others have them all."""
        if self.relay.connections is None:
            return wanted
        try:
            limit = self.relay.connections
            self._seated = seats.take(self._key, limit, wanted, self._holder, SEAT_SECONDS)
        except ThrottleUnavailableError:
            self._seated = 0
        return self._seated

    def leave(self) -> None:
        """Give the seats to others."""
        if self._seated:
            seats.leave(self._key, self._holder)

    # --- messages ----------------------------------------------------------------------

    def ask(self, wanted: int) -> int:
        """Return how many messages may be claimed now; when none, `wait` says for how long."""
        bounds = self._relay_bounds()
        if not bounds:
            return wanted
        try:
            granted = buckets.grant(wanted, bounds)
        except ThrottleUnavailableError:
            granted = buckets.Grant(0, BLIND)
        self.wait = None if granted.count else granted.wait
        return granted.count

    def put_back(self, rows: Iterable[Row] = (), unused: int = 0) -> None:
        """Return what was granted and not used: for rows that were sorted, or before that."""
        domains: dict[str, int] = defaultdict(int)
        for row in rows:
            domains[domain_of(row.email)] += 1
        if bounds := self._relay_bounds():
            buckets.put_back(unused + sum(domains.values()), bounds)
        limits = {name: self._domain_bounds(name) for name in domains}
        if any(limits.values()):
            buckets.put_back_many(domains, limits)

    def sort(self, rows: Sequence[Row]) -> Sorted:
        """Return the rows that may go now, and the others, each with what to record of it."""
        if not (self._paused or self._bounds_domains):
            return list(rows), []
        by_domain: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            by_domain[domain_of(row.email)].append(row)
        now = clock.now()
        held: list[tuple[Row, Outcome]] = []
        for name in [name for name in by_domain if self._paused.get(name, now) > now]:
            held += pausing.put_off(by_domain.pop(name), name, self._paused[name])
        try:
            may, late = self._within_limits(by_domain, now)
        except ThrottleUnavailableError:
            rest = [row for some in by_domain.values() for row in some]
            may, late = [], [(row, _later(now, BLIND)) for row in rest]
        if held or late:
            buckets.put_back(len(held) + len(late), self._relay_bounds())
        return may, held + late

    def _within_limits(self, by_domain: Mapping[str, list[Row]], now: datetime) -> Sorted:
        limits = {name: self._domain_bounds(name) for name in by_domain}
        grants = buckets.grant_many({name: len(rows) for name, rows in by_domain.items()}, limits)
        may: list[Row] = []
        late: list[tuple[Row, Outcome]] = []
        for name, rows in by_domain.items():
            granted = grants[name]
            may += rows[: granted.count]
            if over := rows[granted.count :]:
                late += _queued(over, limits[name], granted.wait, now)
        return may, late

    # --- what is heard -----------------------------------------------------------------

    def hear(self, row: Row, reply: Reply, word: Outcome) -> Outcome:
        """Note the relay's word on a subscriber's mail; return what to record of it."""
        name = domain_of(row.email)
        heard = self._heard[name]
        heard.tried += 1
        if not refusals.is_policy_refusal(reply):
            return word
        heard.refused += 1
        heard.words = f"{reply.code} {reply.text}"
        until = self._paused.get(name)
        return pausing.softened(word, name, until) if until else word

    def look(self) -> bool:
        """Keep the seats, pause domains that refuse us; False if the seats are lost."""
        refusing = {name: heard for name, heard in self._heard.items() if heard.refused}
        for name, heard in refusing.items():
            del self._heard[name]
            self._judge(name, heard)
        now = clock.now()
        self._paused = pausing.paused(self.relay, now)
        if self._seated and time.monotonic() - self._kept > SEAT_SECONDS / 3:
            self._kept = time.monotonic()
            with suppress(ThrottleUnavailableError):  # they last a while without being renewed
                return seats.renew(self._key, self._holder, SEAT_SECONDS) >= self._seated
        return True

    def _judge(self, name: str, heard: Heard) -> None:
        with suppress(ThrottleUnavailableError):  # nobody else's refusals can be counted
            if refusals.note(self._key, name, heard.tried, heard.refused):
                pausing.pause(self.relay, name, heard.words, clock.now())

    # --- the limits --------------------------------------------------------------------

    @property
    def _key(self) -> str:
        return f"relay-{self.relay.pk}"

    @property
    def _bounds_domains(self) -> bool:
        return bool(self.relay.domain_limits or self.relay.warming_since)

    def _relay_bounds(self) -> tuple[Bound, ...]:
        bounds: tuple[Bound, ...] = ()
        if self.relay.per_minute:
            bounds = (at_most(self.relay.per_minute, self._key),)
        if warming := registry.warming_of(self.relay):
            bounds += relay_bounds(warming, self._key, clock.now().date())
        return bounds

    def _domain_bounds(self, name: str) -> tuple[Bound, ...]:
        limits = self.relay.domain_limits
        bounds: tuple[Bound, ...] = ()
        if limit := limits.get(name) or limits.get(registry.OTHER_DOMAINS):
            bounds = (at_most(limit, f"{self._key}:{name}"),)
        if warming := registry.warming_of(self.relay):
            bounds += domain_bounds(warming, self._key, name, clock.now().date())
        return bounds


def at_most(per_minute: int, key: str) -> Limit:
    """Return the limit that lets no more than `per_minute` through in any minute."""
    burst = max(1, math.floor(per_minute * BURST / timedelta(minutes=1)))
    return Limit(key, max(per_minute - burst, per_minute / 2), burst)


def domain_of(email: str) -> str:
    """Return the domain of a subscriber's address, as limits and pauses name it."""
    return email.rpartition("@")[2]


def _queued(
    rows: Sequence[Row], bounds: Sequence[Bound], wait: float, now: datetime
) -> list[tuple[Row, Outcome]]:
    """Give each row its place in the queue before the slowest limit."""
    slowest = min((b for b in bounds if isinstance(b, Limit)), key=lambda limit: limit.per_minute)
    first = buckets.queue_up(len(rows), slowest, wait)
    each = 60 / slowest.per_minute
    return [(row, _later(now, first + number * each)) for number, row in enumerate(rows)]


def _later(now: datetime, seconds: float) -> Outcome:
    return Outcome(State.QUEUED, None, "", now + timedelta(seconds=seconds))
