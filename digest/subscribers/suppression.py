"""Addresses that must not be mailed: by one newsletter, or by any."""

from datetime import datetime

from django.db.models import F, Q, QuerySet

from digest.newsletters.models import Newsletter
from digest.subscribers.models import Suppression


def suppress(
    address_key: str,
    *,
    reason: str,
    evidence: str = "",
    newsletter: Newsletter | None = None,
    now: datetime,
) -> bool:
    """Stop all mail to an address (core.addresses.Address.key); True if it was not stopped before.

    Without a newsletter it is stopped for every newsletter. The first reason and evidence stay: a
    later complaint about an address that is suppressed already changes nothing.
    """
    _, made = Suppression.objects.get_or_create(
        address_key=address_key,
        newsletter=newsletter,
        defaults={"reason": reason, "evidence": evidence, "created_at": now},
    )
    return made


def lift(address_key: str, *, newsletter: Newsletter | None = None) -> bool:
    """Take back the suppression for this newsletter (or the one for all); True if there was one."""
    gone, _ = Suppression.objects.filter(address_key=address_key, newsletter=newsletter).delete()
    return gone > 0


def is_suppressed(address_key: str, newsletter_id: int) -> bool:
    """Say whether this newsletter must not mail the address."""
    return holding(newsletter_id).filter(address_key=address_key).exists()


def on_address(address_key: str) -> QuerySet[Suppression]:
    """Return every suppression of an address, the one for all newsletters first."""
    found = Suppression.objects.filter(address_key=address_key).select_related("newsletter")
    return found.order_by(F("newsletter__slug").asc(nulls_first=True))


def holding(newsletter_id: int) -> QuerySet[Suppression]:
    """Return the suppressions that hold for a newsletter: its own, and those for all."""
    return Suppression.objects.filter(Q(newsletter__isnull=True) | Q(newsletter_id=newsletter_id))
