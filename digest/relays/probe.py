"""Try a relay's address: connect as when sending, log in, hand nothing over."""

from digest.relays.errors import RelayDownError
from digest.relays.transports import transport_for


def check_address(url: str) -> str:
    """Connect and log in at an address, and return what the relay answered.

    Raises RelayDownError if it cannot be reached or refuses us, ConfigurationError if the address
    cannot be used.
    """
    with transport_for(url) as transport:
        return transport.check()


def advice_for(problem: Exception) -> str:
    """Return what to do about a problem that `check_address` raised; "" if nothing is known."""
    return problem.advice if isinstance(problem, RelayDownError) else ""
