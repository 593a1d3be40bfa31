"""The relays of one run, each opened when it is first needed."""

import random
from contextlib import ExitStack
from datetime import datetime, timedelta

from digest.notices.models import Notice
from digest.relays import dkim, health, registry, routes
from digest.relays.errors import RelayDownError
from digest.relays.models import Relay
from digest.relays.rate_limits import RateLimiter
from digest.relays.transports.base import Transport

NEXT_LOOK = timedelta(minutes=10)  # where no relay is for a sender's domain


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

    def choose(self, notice: Notice, now: datetime) -> Relay:
        """Return the relay for a notice's sender, with one message reserved.

        Raises NoRelayError while they are all down or at their limits. A relay whose address cannot
        be used counts as down.
        """
        domain = routes.sender_domain(notice.publication.sender_email)
        suitable = routes.relays_for_domain(domain, self._relays)
        available = routes.available_relays(suitable, now)
        if not available:
            retries = [relay.retry_at for relay in suitable if relay.retry_at]
            raise NoRelayError(min(retries, default=now + NEXT_LOOK))
        relay = routes.choose_relay(available, random.Random())  # noqa: S311
        if relay not in self._open:
            try:
                transport = self.enter_context(registry.open_transport(relay))
            except RelayDownError as problem:
                record_failure(relay, str(problem), now)
                raise NoRelayError(now) from problem
            self._open[relay] = transport, RateLimiter(relay, "notices")
        limiter = self._open[relay][1]
        if not limiter.reserve(1):
            raise NoRelayError(now + timedelta(seconds=limiter.wait or 0))
        return relay

    def transport(self, relay: Relay) -> Transport:
        """Return the open transport of a relay that was chosen."""
        return self._open[relay][0]

    def has_alternative(self, relay: Relay, notice: Notice) -> bool:
        """Say whether another relay may take a notice that this one cannot."""
        domain = routes.sender_domain(notice.publication.sender_email)
        return bool(routes.shared_domains(relay, [domain], self._relays))


def record_failure(relay: Relay, problem: str, now: datetime) -> None:
    """Record that a relay is down, so that the others take over within the run."""
    health.record_failure(relay, problem, now)
    relay.refresh_from_db(fields=["retry_at", "failures"])
