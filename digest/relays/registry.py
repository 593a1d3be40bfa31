"""The relays of this installation: add, change, remove, list, open.

The relay that DIGEST_SMTP_URL names is one of them, called "default". An address may hold a
password, so the database stores it sealed, and no page or command shows it whole.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug

from digest.core import addresses, sealing
from digest.core.database.uniqueness import refuse_duplicate
from digest.core.errors import ConfigurationError, InvalidAddressError
from digest.relays import dkim
from digest.relays.errors import RelayDownError, RelayError
from digest.relays.models import Relay
from digest.relays.transports import adapter_for
from digest.relays.transports.base import Adapter, Transport
from digest.relays.warming import Warming

log = structlog.get_logger(__name__)

DEFAULT = "default"
OTHER_DOMAINS = "*"  # in domain_limits: every recipient domain that has no limit of its own
MAX_NAME_LENGTH = 64
MAX_NUMBER = 32_767  # of the weight and of the connections: PostgreSQL's smallint
NO_RELAY = (
    "No mail server is set up. Set DIGEST_SMTP_URL, for example smtp://user:password@host:587"
)


@dataclass(frozen=True, slots=True)
class RelayOptions:
    """What a relay is for and what it may carry; None leaves an option as it is."""

    sender_domains: Iterable[str] | None = None  # empty: mail from any domain
    weight: int | None = None  # share of the mail; 0: used only while the other relays are down
    connections: int | None = None  # at once, all workers together; 0: no limit
    per_minute: int | None = None  # messages; 0: no limit
    domain_limits: Mapping[str, int] | None = None  # messages a minute by recipient domain, or "*"
    warming: Warming | None = None
    end_warming: bool = False
    active: bool | None = None


def add(name: str, url: str, options: RelayOptions) -> Relay:
    """Add a relay. Raises RelayError or ConfigurationError if it cannot be used like this."""
    relay = Relay(name=_valid_name(name))
    if name == DEFAULT:
        raise RelayError("The name default is reserved for the relay that DIGEST_SMTP_URL names.")
    set_address(relay, url)
    _apply(relay, options)
    with refuse_duplicate(RelayError(f"A relay called {name} already exists.")):
        relay.save()
    return relay


def change(relay: Relay, url: str, options: RelayOptions) -> None:
    """Change a relay's address (empty: keep it) and options; raises as `add` does."""
    if url:
        if relay.name == DEFAULT:
            raise RelayError("Set DIGEST_SMTP_URL: it holds the address of the relay default.")
        set_address(relay, url)
    _apply(relay, options)
    relay.save()


def remove(relay: Relay) -> None:
    """Delete a relay; raises RelayError if DIGEST_SMTP_URL names it."""
    if relay.name == DEFAULT and settings.DIGEST_SMTP_URL:
        raise RelayError(
            "DIGEST_SMTP_URL names this relay. Unset it, or run: digest relay set default --off"
        )
    relay.delete()


def set_address(relay: Relay, url: str) -> None:
    """Seal an address into an unsaved relay; raises ConfigurationError if it cannot be used."""
    adapter_for(url).open().close()
    relay.sealed_url = sealing.seal(url)


def all_relays() -> list[Relay]:
    """Return every relay by name, including the one that DIGEST_SMTP_URL names."""
    if settings.DIGEST_SMTP_URL:
        Relay.objects.get_or_create(name=DEFAULT)
    return list(Relay.objects.order_by("name"))


def active_relays() -> list[Relay]:
    """Return the relays that are switched on and have an address.

    A relay whose address cannot be unsealed is logged and left out. Raises ConfigurationError if
    no relay is left.
    """
    usable: list[Relay] = []
    problem = ConfigurationError(NO_RELAY)
    for relay in all_relays():
        try:
            if relay.active and url_of(relay):
                usable.append(relay)
        except ConfigurationError as sealed:
            log.error("relay left out", relay=relay.name, problem=str(sealed))  # noqa: TRY400
            problem = sealed
    if not usable:
        raise problem
    return usable


def url_of(relay: Relay) -> str:
    """Return the relay's whole address, secrets included; empty if it has none.

    Raises ConfigurationError if it was sealed with a key that is no longer set.
    """
    if relay.name == DEFAULT:
        return str(settings.DIGEST_SMTP_URL)
    return sealing.unseal(relay.sealed_url) if relay.sealed_url else ""


def adapter_of(relay: Relay) -> Adapter:
    """Return the adapter of the relay's address; raises ConfigurationError if it has none."""
    return adapter_for(url_of(relay))


def describe(relay: Relay) -> str:
    """Return where the relay is, without secrets; the problem in brackets if nobody can tell."""
    try:
        return adapter_of(relay).describe()
    except ConfigurationError as problem:
        return f"({problem})"


def mailbox_url(relay: Relay) -> str:
    """Return the web page that shows the mail of a relay which delivers nothing, or ""."""
    try:
        return adapter_of(relay).mailbox_url
    except ConfigurationError:
        return ""


def open_transport(relay: Relay) -> Transport:
    """Return a transport to the relay; it connects when it is first used.

    Raises ConfigurationError if a DKIM key cannot be used, RelayDownError if the relay's address
    cannot, so that another relay takes over: discovered later, either would count as a failure of
    single subscribers.
    """
    dkim.check_keys()
    try:
        return adapter_of(relay).open()
    except ConfigurationError as problem:
        raise RelayDownError(str(problem)) from problem


def warming_of(relay: Relay) -> Warming | None:
    """Return the relay's warm-up, if it has one."""
    if relay.warming_since is None:
        return None
    return Warming(
        relay.warming_since, relay.warming_start, relay.warming_growth, relay.warming_until
    )


def start_warming(today: date, start: int, growth: float, until: int) -> Warming:
    """Return a warm-up that begins `today` (UTC); raises RelayError for numbers out of range."""
    if not (1 <= start <= until <= 1_000_000_000 and 1.0 <= growth <= 100.0):
        raise RelayError("A warm-up begins with 1 or more, and grows 1 to 100 times a day.")
    return Warming(today, start, growth, until)


def sender_domain(name: str) -> str:
    """Return a sender's domain in lower-case A-labels; raises RelayError if it is not one."""
    return _address_at(name).domain.lower()


def recipient_domain(name: str) -> str:
    """Return a domain as subscribers' addresses have it; raises RelayError if it is not one."""
    return _address_at(name).email.rpartition("@")[2]


def _apply(relay: Relay, options: RelayOptions) -> None:
    if options.sender_domains is not None:
        relay.sender_domains = sorted({sender_domain(name) for name in options.sender_domains})
    if options.weight is not None:
        relay.weight = _valid_number(options.weight, "The weight")
    if options.connections is not None:
        relay.connections = _valid_number(options.connections, "The number of connections") or None
    if options.per_minute is not None:
        relay.per_minute = _valid_number(options.per_minute, "The limit a minute", 10**7) or None
    if options.domain_limits is not None:
        relay.domain_limits = {
            name if name == OTHER_DOMAINS else recipient_domain(name): _valid_number(
                limit, f"The limit of {name}", 10**7
            )
            for name, limit in options.domain_limits.items()
            if limit
        }
    if options.active is not None:
        relay.active = options.active
    if options.end_warming:
        relay.warming_since = None
    if (warming := options.warming) is not None:
        relay.warming_since, relay.warming_start = warming.started_on, warming.start
        relay.warming_growth, relay.warming_until = warming.growth, warming.until


def _address_at(domain: str) -> addresses.Address:
    try:
        return addresses.parse(f"x@{domain}")
    except InvalidAddressError as cause:
        raise RelayError(f"{domain!r} is not a domain.") from cause


def _valid_name(name: str) -> str:
    try:
        validate_slug(name)
    except ValidationError as cause:
        raise RelayError(f"{name!r}: a name has letters, digits, - and _ only.") from cause
    if len(name) > MAX_NAME_LENGTH:
        raise RelayError(f"A name has {MAX_NAME_LENGTH} characters at most.")
    return name


def _valid_number(number: int, label: str, most: int = MAX_NUMBER) -> int:
    if not 0 <= number <= most:
        raise RelayError(f"{label} is a number from 0 to {most:,}.")
    return number
