"""The relays of one run, each opened when it is first needed."""

import random
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta

from digest.notices.models import Notice
from digest.relays import dkim, health, registry, retries, routes
from digest.relays.errors import RelayDownError, TransportError
from digest.relays.models import Relay
from digest.relays.rate_limits import RateLimiter
from digest.relays.retries import Outcome
from digest.relays.transports.base import Reply, Transport

NEXT_LOOK = timedelta(minutes=10)  # where no relay is for a sender's domain
SHORTEST_WAIT = 0.1  # seconds, of a relay at its limit


class NoRelayError(Exception):
    """No relay may carry a notice before a moment; the subscriber is not the reason."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


class RelayPool(ExitStack):
    """Open transports by relay, closed together at the end of the run."""

    def __init__(self) -> None:
        """Read the relays; raises ConfigurationError where a DKIM key cannot be used."""
        super().__init__()
        dkim.check_keys()
        self._relays = registry.active_relays()
        self._open: dict[Relay, tuple[Transport, RateLimiter]] = {}
        # Until when each is at its limit, for single notices and for those in bulk
        self._limited: dict[tuple[Relay, bool], datetime] = {}
        self._blocked: dict[int, datetime] = {}  # publications, until when no relay takes theirs

    def choose(self, notice: Notice, now: datetime) -> Relay:
        """Return the relay for a notice's sender, with one message reserved.

        Raises NoRelayError while they are all down or at their limits. A relay whose address cannot
        be used counts as down.
        """
        domain = routes.sender_domain(notice.publication.sender_email)
        suitable = routes.relays_for_domain(domain, self._relays)
        single = notice.precedence != Notice.Precedence.IN_BULK
        while available := self._taking(suitable, now, single=single):
            relay = routes.choose_relay(available, random.Random())  # noqa: S311
            limiter = self._limiter_of(relay, now)
            if (single and limiter.reserve(1, single=True)) or limiter.reserve(1):
                return relay
            wait = max(limiter.wait or 0, SHORTEST_WAIT)
            self._limited[relay, single] = now + timedelta(seconds=wait)
        raise NoRelayError(self._next_look(suitable, now, single=single))

    def _taking(self, suitable: Sequence[Relay], now: datetime, *, single: bool) -> list[Relay]:
        """Return the relays that are up and not at their limit."""
        available = routes.available_relays(suitable, now)
        return [relay for relay in available if self._limited.get((relay, single), now) <= now]

    def _limiter_of(self, relay: Relay, now: datetime) -> RateLimiter:
        """Return the limits of a relay, which is opened now if it is not yet."""
        if relay not in self._open:
            try:
                transport = self.enter_context(registry.open_transport(relay))
            except RelayDownError as problem:
                record_failure(relay, problem, now)
                raise NoRelayError(now) from problem
            self._open[relay] = transport, RateLimiter(relay, "notices")
        return self._open[relay][1]

    def _next_look(self, suitable: Sequence[Relay], now: datetime, *, single: bool) -> datetime:
        """Return when one of the relays may carry mail again."""
        moments = [relay.retry_at for relay in suitable if relay.retry_at]
        limited = (self._limited.get((relay, single)) for relay in suitable)
        moments += [moment for moment in limited if moment]
        return min((moment for moment in moments if moment > now), default=now + NEXT_LOOK)

    def block(self, publication_id: int, until: datetime) -> None:
        """Leave the notices of a publication until a moment: each would be tried for nothing."""
        self._blocked[publication_id] = until

    def blocked(self, now: datetime) -> list[int]:
        """Return the publications whose notices no relay may carry now."""
        return [key for key, until in self._blocked.items() if until > now]

    def transport(self, relay: Relay) -> Transport:
        """Return the open transport of a relay that was chosen."""
        return self._open[relay][0]

    def postponement(self, relay: Relay, notice: Notice) -> Outcome | None:
        """Return how a notice waits for the limit or the pause of its recipient's domain.

        None: it may go. So may all but those in bulk: one mail for which somebody waits is not what
        a domain is limited or paused for.
        """
        if notice.precedence != Notice.Precedence.IN_BULK:
            return None
        limiter = self._open[relay][1]
        _, postponed = limiter.partition([notice])
        for _, outcome in postponed:
            limiter.release(1)
            return outcome
        return None

    def outcome_of(self, relay: Relay, notice: Notice, reply: Reply, now: datetime) -> Outcome:
        """Return what to record of a reply; a refusal by a paused domain is not for good."""
        first, chance = notice.first_attempt_at or now, random.random()  # noqa: S311
        has_alternative = self._has_alternative(relay, notice)
        outcome = retries.outcome_of(
            reply, notice.attempts, first, now, chance, has_alternative=has_alternative
        )
        return self._open[relay][1].record_reply(notice.email, reply, outcome)

    def _has_alternative(self, relay: Relay, notice: Notice) -> bool:
        """Say whether another relay may take a notice that this one cannot."""
        domain = routes.sender_domain(notice.publication.sender_email)
        return bool(routes.shared_domains(relay, [domain], self._relays))


def record_failure(relay: Relay, problem: TransportError, now: datetime) -> None:
    """Record that a relay is down, so that the others take over within the run."""
    health.record_failure(relay, problem, now)
    relay.refresh_from_db(fields=["retry_at", "failures"])
