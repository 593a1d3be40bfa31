"""Suppressed addresses: those that one newsletter, or none at all, may mail."""

from datetime import datetime

from django.db.models import F, Q, QuerySet

from digest.core.database.statements import fetch_row
from digest.newsletters.models import Newsletter
from digest.subscribers.errors import InvalidInputError
from digest.subscribers.hashing import hash_address, stored_forms
from digest.subscribers.models import Suppression

ERASED = "erased"
UNSUBSCRIBED = "unsubscribed"  # in a list that was imported
BOUNCED = "bounced"
COMPLAINED = "complained"
# The reasons that the subscriber's own confirmation lifts.
OWN_WISHES = (ERASED, UNSUBSCRIBED)


def suppress(
    address_key: str,
    *,
    reason: str,
    evidence: str = "",
    newsletter: Newsletter | None = None,
    now: datetime,
) -> bool:
    """Suppress an address (core.addresses.Address.key); True if it was not suppressed before.

    Without a newsletter it is suppressed for all of them. The first reason and evidence stay: a
    later complaint about a suppressed address changes nothing.
    """
    newsletter_id = newsletter.pk if newsletter else None
    return fetch_row(_INSERT, [address_key, newsletter_id, reason, evidence, now]) is not None


# Raw SQL: get_or_create takes four calls, and a hundred reports may come in a second.
_INSERT = """
INSERT INTO subscribers_suppression (address_key, newsletter_id, reason, evidence, created_at)
VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id
"""


def require_reason(reason: str) -> None:
    """Raise InvalidInputError for the reason that only an erasure gives.

    Whoever has it may not be imported again, by any publication, and no operator lifts it.
    """
    if reason == ERASED:
        raise InvalidInputError(
            f"“{ERASED}” is the reason of those who were erased. Use another one, such as “asked”."
        )


def lift(address_key: str, *, newsletter: Newsletter | None = None) -> bool:
    """Lift the suppression for this newsletter (or the one for all); True if there was one.

    That somebody was erased stays, whatever else was said of the address before or since.
    """
    rows = _of(address_key).filter(newsletter=newsletter).exclude(reason=ERASED)
    erased = rows.filter(erased_at__isnull=False).update(reason=ERASED)
    return erased + rows.filter(erased_at=None).delete()[0] > 0


def suppress_erased(address_key: str, now: datetime) -> None:
    """Suppress the address of a subscriber who is being erased, and keep only a keyed hash of it.

    Earlier suppressions of the address stay, under the hash. The one for all newsletters becomes a
    new row, so that the erasure is seen (digest.recovery); a reason that their own confirmation
    does not lift stays in it.
    """
    hashed = hash_address(address_key)
    everywhere = _of(address_key).filter(newsletter=None)
    earlier = everywhere.exclude(reason__in=OWN_WISHES).first()
    everywhere.delete()
    Suppression.objects.create(
        address_key=hashed,
        reason=earlier.reason if earlier else ERASED,
        created_at=earlier.created_at if earlier else now,
        erased_at=now,
    )
    for suppression in Suppression.objects.filter(address_key=address_key):
        duplicates = Suppression.objects.filter(
            address_key=hashed, newsletter=suppression.newsletter_id
        )
        if duplicates.exists():
            suppression.delete()
        else:
            suppression.address_key, suppression.evidence = hashed, ""
            suppression.save(update_fields=["address_key", "evidence"])


def lift_own_wish(address_key: str, newsletter_id: int) -> None:
    """Lift what a subscriber once wanted, who has confirmed to subscribe to a newsletter again."""
    of_newsletter = Q(newsletter__isnull=True) | Q(newsletter_id=newsletter_id)
    suppressions = _of(address_key)
    suppressions.filter(Q(reason=ERASED) | Q(of_newsletter, reason=UNSUBSCRIBED)).delete()


def has_unsubscribed_elsewhere(address_key: str, newsletter_id: int) -> bool:
    """Return whether the address unsubscribed, as an imported list says."""
    suppressions = suppressions_for(newsletter_id).filter(address_key__in=stored_forms(address_key))
    return suppressions.filter(reason=UNSUBSCRIBED).exists()


def was_erased(address_key: str) -> bool:
    """Return whether the address is of a subscriber who was erased at their own request."""
    return _of(address_key).filter(reason=ERASED).exists()


def is_suppressed(address_key: str, newsletter_id: int) -> bool:
    """Return whether this newsletter must not mail the address, even if its owner requests it.

    What they wanted themselves does not count: who was erased or unsubscribed may subscribe again.
    """
    suppressions = suppressions_for(newsletter_id).filter(address_key__in=stored_forms(address_key))
    return suppressions.exclude(reason__in=OWN_WISHES).exists()


def is_suppressed_everywhere(address_key: str) -> bool:
    """Return whether no newsletter may mail the address, even if its owner requests it."""
    return _of(address_key).filter(newsletter__isnull=True).exclude(reason__in=OWN_WISHES).exists()


def suppressions_of(address_key: str) -> QuerySet[Suppression]:
    """Return every suppression of an address, the one for all newsletters first."""
    suppressions = _of(address_key).select_related("newsletter")
    return suppressions.order_by(F("newsletter__slug").asc(nulls_first=True))


def suppressions_for(newsletter_id: int) -> QuerySet[Suppression]:
    """Return the suppressions that apply to a newsletter: its own, and those for all."""
    return Suppression.objects.filter(Q(newsletter__isnull=True) | Q(newsletter_id=newsletter_id))


def _of(address_key: str) -> QuerySet[Suppression]:
    return Suppression.objects.filter(address_key__in=stored_forms(address_key))
