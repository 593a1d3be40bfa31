"""Addresses that must not be mailed: by one newsletter, or by any."""

from datetime import datetime

from django.db.models import F, Q, QuerySet

from digest.newsletters.models import Newsletter
from digest.subscribers.hashing import hashed, spellings
from digest.subscribers.models import Suppression

ERASED = "erased"  # the reason that only the subscriber's own wish, confirmed, takes back


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
    gone, _ = _of(address_key).filter(newsletter=newsletter).delete()
    return gone > 0


def remember_erased(address_key: str, now: datetime) -> None:
    """Suppress an address whose subscriber is being erased, and keep nothing of it but a keyed hash.

    What suppressed it already goes on doing so, under the hash.
    """
    suppress(address_key, reason=ERASED, now=now)
    for held in Suppression.objects.filter(address_key=address_key):
        known = Suppression.objects.filter(
            address_key=hashed(address_key), newsletter=held.newsletter_id
        )
        if known.exists():
            held.delete()
        else:
            held.address_key, held.evidence = hashed(address_key), ""
            held.save(update_fields=["address_key", "evidence"])


def forgive_erased(address_key: str) -> None:
    """Let an erased subscriber come back: they have asked, and have proven that it is they."""
    _of(address_key).filter(reason=ERASED).delete()


def is_suppressed(address_key: str, newsletter_id: int) -> bool:
    """Say whether this newsletter must not mail the address, whatever its subscriber asks for.

    Having been erased is no such reason: they may come back by themselves.
    """
    held = holding(newsletter_id).filter(address_key__in=spellings(address_key))
    return held.exclude(reason=ERASED).exists()


def is_stopped(address_key: str) -> bool:
    """Say whether the address must not be mailed by any newsletter, whatever its subscriber asks."""
    return _of(address_key).filter(newsletter__isnull=True).exclude(reason=ERASED).exists()


def on_address(address_key: str) -> QuerySet[Suppression]:
    """Return every suppression of an address, the one for all newsletters first."""
    found = _of(address_key).select_related("newsletter")
    return found.order_by(F("newsletter__slug").asc(nulls_first=True))


def holding(newsletter_id: int) -> QuerySet[Suppression]:
    """Return the suppressions that hold for a newsletter: its own, and those for all."""
    return Suppression.objects.filter(Q(newsletter__isnull=True) | Q(newsletter_id=newsletter_id))


def _of(address_key: str) -> QuerySet[Suppression]:
    return Suppression.objects.filter(address_key__in=spellings(address_key))
