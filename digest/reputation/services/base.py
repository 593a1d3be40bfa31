"""What an adapter of a provider's service takes and returns."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple, Protocol

from digest.analytics.site.base import Service

MOST_READINGS = 5_000  # of one answer


class Period(NamedTuple):
    """The days that are asked for, both included; `now` is aware."""

    start: date
    end: date
    now: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """Where a service is, its key, and the domains that we send from."""

    address: str
    domains: Sequence[str]
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a service says of a domain or an address on one day; shares are from 0 to 1."""

    subject: str  # a domain or an IP address
    day: date
    mails: int | None = None
    spam_share: float | None = None  # that people reported
    dkim_share: float | None = None  # that was signed
    dmarc_share: float | None = None  # that passed
    error_share: float | None = None  # refused or deferred
    color: str = ""  # SNDS: green, yellow, red
    trap_hits: int | None = None  # addresses that nobody gave to anybody


@dataclass(frozen=True, slots=True)
class Answer:
    """All that a service says."""

    readings: Sequence[Reading]
    unmet: Sequence[str] = ()  # requirements that it says are not met, for people


class Adapter(Service, Protocol):
    """One service."""

    @property
    def secret(self) -> tuple[str, str]:
        """Return what its key is called, and where to get it."""
        ...

    def fetch(self, account: Account, period: Period) -> Answer:
        """Ask it; raise a DigestError that says what to check."""
        ...
