"""Which relays there are. What DIGEST_SMTP_URL names is one of them, called "default".

An address may hold a password, so it is sealed in the database and never shown whole.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import IntegrityError, transaction

from digest.core import addresses, sealing
from digest.core.errors import ConfigurationError, InvalidAddressError
from digest.relays import dkim
from digest.relays.errors import DeliveryError
from digest.relays.models import Relay
from digest.relays.transports import smtp, transport_for
from digest.relays.transports.base import Transport
from digest.relays.warming import Warming

log = structlog.get_logger(__name__)

DEFAULT = "default"
OTHERS = "*"  # in the limits by domain: every domain that is not named
LONGEST_NAME = 64
MOST = 32_767  # of a weight, of connections
NO_RELAY = "No relay is set. Set DIGEST_SMTP_URL, for example smtp://user:password@host:587"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a relay is for and how much it takes; None leaves a thing as it is."""

    sender_domains: Iterable[str] | None = None  # none of them: mail from any domain
    weight: int | None = None  # its share beside others; 0: stands in when they are down
    connections: int | None = None  # at once, of all workers; 0: as many as they like
    per_minute: int | None = None  # messages; 0: no limit
    domain_limits: Mapping[str, int] | None = None  # messages a minute by recipient domain, or "*"
    warming: Warming | None = None
    warm: bool = False  # it is known by now: no slow start any more
    active: bool | None = None


def add(name: str, url: str, terms: Terms) -> Relay:
    """Add a relay; raise DeliveryError or ConfigurationError about what is wrong with it."""
    relay = Relay(name=_name(name))
    if name == DEFAULT:
        raise DeliveryError("The relay called default is the one that DIGEST_SMTP_URL names.")
    set_address(relay, url)
    _apply(relay, terms)
    try:
        with transaction.atomic():
            relay.save()
    except IntegrityError as cause:
        raise DeliveryError(f"There is a relay called {name} already.") from cause
    return relay


def change(relay: Relay, url: str, terms: Terms) -> None:
    """Change a relay's address (empty: as it is) and terms; raises as `add` does."""
    if url:
        if relay.name == DEFAULT:
            raise DeliveryError("Set DIGEST_SMTP_URL: it is where the relay called default is.")
        set_address(relay, url)
    _apply(relay, terms)
    relay.save()


def remove(relay: Relay) -> None:
    """Forget a relay; raise DeliveryError if the environment names it."""
    if relay.name == DEFAULT and settings.DIGEST_SMTP_URL:
        raise DeliveryError(
            "DIGEST_SMTP_URL names it. Unset that, or: digest relay set default --off"
        )
    relay.delete()


def set_address(relay: Relay, url: str) -> None:
    """Take an address over if it can be used; raises ConfigurationError."""
    transport_for(url).close()
    relay.sealed_url = sealing.seal(url)


def known() -> list[Relay]:
    """Return every relay by name, that of the environment among them."""
    if settings.DIGEST_SMTP_URL:
        Relay.objects.get_or_create(name=DEFAULT)
    return list(Relay.objects.order_by("name"))


def in_use() -> list[Relay]:
    """Return the relays that mail may be handed to; raise ConfigurationError if there is none.

    One whose address cannot be unsealed is left out, and said so, while there are others.
    """
    found: list[Relay] = []
    problem = ConfigurationError(NO_RELAY)
    for relay in known():
        try:
            if relay.active and url_of(relay):
                found.append(relay)
        except ConfigurationError as sealed:
            log.error("relay left out", relay=relay.name, problem=str(sealed))  # noqa: TRY400
            problem = sealed
    if not found:
        raise problem
    return found


def url_of(relay: Relay) -> str:
    """Return the relay's whole address, secrets included; nothing if it has none.

    Raises ConfigurationError if it was sealed under a key that is gone.
    """
    if relay.name == DEFAULT:
        return str(settings.DIGEST_SMTP_URL)
    return sealing.unseal(relay.sealed_url) if relay.sealed_url else ""


def shown(relay: Relay) -> str:
    """Return where the relay is, without secrets."""
    try:
        url = url_of(relay)
        if url.startswith("anymail+"):
            return url.partition(":")[0].removeprefix("anymail+")
        address = smtp.parse_address(url)
    except ConfigurationError as problem:
        return f"({problem})"
    scheme = "smtps" if address.tls else "smtp"
    return f"{scheme}://{address.host}:{address.port}"


def mailbox(relay: Relay) -> str:
    """Return the page where a relay that keeps all mail to itself shows it, or nothing."""
    try:
        url = url_of(relay)
        return "" if url.startswith("anymail+") else smtp.parse_address(url).mailbox
    except ConfigurationError:
        return ""


def open_transport(relay: Relay) -> Transport:
    """Return the way to hand mail to a relay; it connects when it is first used.

    Raises ConfigurationError, for a DKIM key that cannot be used too: found out later, that would
    count against single subscribers.
    """
    dkim.ready()
    return transport_for(url_of(relay))


def warming_of(relay: Relay) -> Warming | None:
    """Return the relay's slow start, if it has one."""
    if relay.warming_since is None:
        return None
    return Warming(
        relay.warming_since, relay.warming_start, relay.warming_growth, relay.warming_until
    )


def begin_warming(today: date, start: int, growth: float, until: int) -> Warming:
    """Return a slow start from `today` (UTC) on; raise DeliveryError for one that goes nowhere."""
    if not (1 <= start <= until <= 1_000_000_000 and 1.0 <= growth <= 100.0):
        raise DeliveryError("A slow start begins with 1 or more, and grows 1 to 100 times a day.")
    return Warming(today, start, growth, until)


def _apply(relay: Relay, terms: Terms) -> None:
    if terms.sender_domains is not None:
        relay.sender_domains = sorted({sender_domain(name) for name in terms.sender_domains})
    if terms.weight is not None:
        relay.weight = _number(terms.weight, "The weight")
    if terms.connections is not None:
        relay.connections = _number(terms.connections, "The number of connections") or None
    if terms.per_minute is not None:
        relay.per_minute = _number(terms.per_minute, "The limit a minute", 10_000_000) or None
    if terms.domain_limits is not None:
        relay.domain_limits = {
            name if name == OTHERS else recipient_domain(name): _number(
                limit, f"The limit of {name}", 10**7
            )
            for name, limit in terms.domain_limits.items()
            if limit
        }
    if terms.active is not None:
        relay.active = terms.active
    if terms.warm:
        relay.warming_since = None
    if (warming := terms.warming) is not None:
        relay.warming_since, relay.warming_start = warming.started_on, warming.start
        relay.warming_growth, relay.warming_until = warming.growth, warming.until


def sender_domain(name: str) -> str:
    """Return a sender's domain as relays name it, in A-labels; DeliveryError if it is none."""
    return _address_at(name).domain.lower()


def recipient_domain(name: str) -> str:
    """Return a domain as it stands in subscribers' addresses; DeliveryError if it is none."""
    return _address_at(name).email.rpartition("@")[2]


def _address_at(domain: str) -> addresses.Address:
    try:
        return addresses.parse(f"x@{domain}")
    except InvalidAddressError as cause:
        raise DeliveryError(f"{domain!r} is no domain.") from cause


def _name(typed: str) -> str:
    try:
        validate_slug(typed)
    except ValidationError as cause:
        raise DeliveryError(f"{typed!r}: a name has letters, digits, - and _ only.") from cause
    if len(typed) > LONGEST_NAME:
        raise DeliveryError(f"A name has {LONGEST_NAME} letters at most.")
    return typed


def _number(number: int, what: str, most: int = MOST) -> int:
    if not 0 <= number <= most:
        raise DeliveryError(f"{what} is a number from 0 to {most:,}.")
    return number
