"""Choose one relay for the mail of a sender's domain, as an editor does on the sender page."""

from django.db import transaction

from digest.relays import registry, routes
from digest.relays.models import Relay
from digest.relays.registry import RelayOptions


def relay_for_sender(sender: str, relays: list[Relay]) -> Relay | None:
    """Return the relay that carries most of the mail from an address; None: none may carry it."""
    candidates = routes.relays_for_domain(routes.sender_domain(sender), relays)
    return max(candidates, key=lambda relay: (relay.weight, -(relay.pk or 0)), default=None)


@transaction.atomic
def assign_domain(relay: Relay, sender: str) -> None:
    """Let this relay, and no other, name the domain of a sender's address.

    A relay that names no domain stays like that. Another relay that named only this domain is
    switched off: without any domain it would carry everybody's mail.
    """
    domain = routes.sender_domain(sender)
    for other in Relay.objects.exclude(pk=relay.pk).filter(sender_domains__contains=[domain]):
        remaining = [name for name in other.sender_domains if name != domain]
        options = (
            RelayOptions(sender_domains=remaining) if remaining else RelayOptions(active=False)
        )
        registry.change(other, "", options)
    domains = {*relay.sender_domains, domain} if relay.sender_domains else None
    registry.change(relay, "", RelayOptions(sender_domains=domains, active=True))


@transaction.atomic
def set_up_relay(name: str, url: str, sender: str) -> Relay:
    """Add the relay of this name, or change its address, and assign a sender's domain to it.

    Raises RelayError or ConfigurationError if it cannot be used like this.
    """
    relay = Relay.objects.filter(name=name).first()
    if relay is None:
        domain = routes.sender_domain(sender)
        relay = registry.add(name, url, RelayOptions(sender_domains=[domain]))
    else:
        registry.change(relay, url, RelayOptions())
    assign_domain(relay, sender)
    return relay
