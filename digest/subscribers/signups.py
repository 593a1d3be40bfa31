"""Wishes to subscribe: taken down at the door, all alike, and settled later by a worker.

take    the same one INSERT for every address, then a nudge
waiting what a worker settles (digest.selfservice.signups)
forget  what nobody confirmed goes after a while
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from digest.core import jobs
from digest.core.addresses import Address
from digest.newsletters.models import Newsletter
from digest.subscribers.models import SignUp, Subscriber, Subscription

UNCONFIRMED_LASTS = timedelta(days=30)


@transaction.atomic
def take(
    address: Address,
    newsletters: Sequence[Newsletter],
    *,
    via: str,
    ip: str | None,
    language: str,
    wording: str,
    now: datetime,
) -> None:
    """Take down that somebody asks for newsletters (of one publication) for an address.

    `via` says through which door, `wording` is what they read and agreed to, in `language`. Knows
    nothing of who the address belongs to; whoever calls has let `doors.admit` count it.
    """
    SignUp.objects.create(
        email=address.email,
        address_key=address.key,
        newsletters=[newsletter.pk for newsletter in newsletters],
        language=language,
        via=via,
        ip=ip,
        wording=wording,
        wording_version=version_of(wording),
        at=now,
    )
    jobs.enqueue(jobs.SETTLE_SIGNUPS)


def waiting(limit: int) -> QuerySet[SignUp]:
    """Return the oldest sign-ups that nobody else is settling, locked (needs a transaction)."""
    return SignUp.objects.select_for_update(skip_locked=True).order_by("pk")[:limit]


def version_of(wording: str) -> str:
    """Return what tells this wording from any other: a short hash of its words."""
    return sha256(wording.encode()).hexdigest()[:12] if wording else ""


def forget_unconfirmed(now: datetime) -> int:
    """Forget wishes that nobody confirmed, and subscribers of whom nothing else is known."""
    stale = Subscription.objects.filter(
        state=Subscription.State.PENDING, created_at__lt=now - UNCONFIRMED_LASTS
    )
    subscribers = list(stale.values_list("subscriber_id", flat=True)[:10_000])
    if not subscribers:
        return 0
    gone, _ = stale.filter(subscriber__in=subscribers).delete()
    left = Subscription.objects.filter(subscriber=OuterRef("pk"))
    Subscriber.objects.filter(~Exists(left), pk__in=subscribers).delete()
    return gone
