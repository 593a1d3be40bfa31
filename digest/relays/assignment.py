"""One relay for a sender's domain, when an editor chooses it."""

from django.db import transaction

from digest.relays import registry, routes
from digest.relays.models import Relay
from digest.relays.registry import Terms


def carrier(sender: str, relays: list[Relay]) -> Relay | None:
    """Return the relay that carries most of a sender's mail, or None if none may."""
    fit = routes.for_domain(routes.sender_domain(sender), relays)
    return max(fit, key=lambda relay: (relay.weight, -(relay.pk or 0)), default=None)


@transaction.atomic
def entrust(relay: Relay, sender: str) -> None:
    """Let a relay carry the mail of a sender's domain, and no other that names that domain.

    One that is for no domain in particular stays so. Another that was for this domain alone is
    switched off: for no domain in particular it would carry everybody's.
    """
    domain = routes.sender_domain(sender)
    for other in Relay.objects.exclude(pk=relay.pk).filter(sender_domains__contains=[domain]):
        left = [name for name in other.sender_domains if name != domain]
        terms = Terms(sender_domains=left) if left else Terms(active=False)
        registry.change(other, "", terms)
    named = {*relay.sender_domains, domain} if relay.sender_domains else None
    registry.change(relay, "", Terms(sender_domains=named, active=True))


@transaction.atomic
def take_on(name: str, url: str, sender: str) -> Relay:
    """Add a relay for a sender's domain, or change the one of this name, and entrust it with it.

    Raises DeliveryError or ConfigurationError about what is wrong with it.
    """
    known = Relay.objects.filter(name=name).first()
    if known is None:
        domain = routes.sender_domain(sender)
        known = registry.add(name, url, Terms(sender_domains=[domain]))
    else:
        registry.change(known, url, Terms())
    entrust(known, sender)
    return known
