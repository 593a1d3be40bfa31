"""Destinations: where mail to a domain goes, a mailbox provider or else the domain itself."""

from collections.abc import Iterable

from digest.reputation.models import MailDomain
from digest.reputation.recipients.providers import provider_by_name


def destinations_of(domains: Iterable[str]) -> dict[str, str]:
    """Return the destination of each domain: the key of a provider, or the domain."""
    domains = set(domains)
    destinations = {domain: provider_by_name(domain) for domain in domains}
    unnamed = [domain for domain, key in destinations.items() if not key]
    rows = MailDomain.objects.filter(domain__in=unnamed).exclude(provider="")
    destinations |= dict(rows.values_list("domain", "provider"))
    return {domain: key or domain for domain, key in destinations.items()}
