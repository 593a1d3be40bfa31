"""Stored sign-ups: added by a form or an email, settled later by a worker.

store_signup         one INSERT, the same for every address, then a job
claim_signups        the rows that a worker settles (digest.selfservice.signups)
delete_unconfirmed   subscriptions that were not confirmed within a month
forget_entered       what was entered beside the address, and can be confirmed no more
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from digest.core import jobs
from digest.core.addresses import Address
from digest.core.telemetry import count
from digest.core.telemetry.metrics import SIGN_UPS
from digest.newsletters.models import Newsletter
from digest.newsletters.signup_forms.models import VIA
from digest.subscribers.evidence import requests
from digest.subscribers.evidence.origins import NOWHERE, Origin
from digest.subscribers.models import Profile, SignUp, Subscriber, Subscription

KEEP_UNCONFIRMED = timedelta(days=30)


@transaction.atomic
def store_signup(
    address: Address,
    newsletters: Sequence[Newsletter],
    *,
    via: str,
    ip: str | None,
    language: str,
    wording: str,
    now: datetime,
    origin: Origin = NOWHERE,
    values: Mapping[str, Any] | None = None,
    answers: Mapping[str, Any] | None = None,
    reads: str = "",
) -> None:
    """Store a request to subscribe an address to newsletters (of one publication).

    `via` names the channel or form, `wording` is the text they agreed to, in `language`, `values`
    are those of attributes, by key, `answers` what else they entered (`evidence.answers`), `reads`
    the key of a past issue that they ask to read instead. The owner of the address is not looked
    up; the caller has counted the request with `signup_limits.admit`.
    """
    SignUp.objects.create(
        email=address.email,
        address_key=address.key,
        newsletters=[newsletter.pk for newsletter in newsletters],
        language=language,
        via=via,
        ip=ip,
        wording=wording,
        wording_version=wording_version(wording),
        page=origin.page,
        campaign=origin.campaign,
        values=dict(values or {}),
        answers=answers or None,
        reads=reads,
        at=now,
    )
    if not reads:
        count(SIGN_UPS, "form" if via.startswith(VIA) else via)
    jobs.enqueue(jobs.SETTLE_SIGNUPS)


def claim_signups(limit: int) -> QuerySet[SignUp]:
    """Return the oldest sign-ups that no other worker settles, locked (needs a transaction)."""
    return SignUp.objects.select_for_update(skip_locked=True).order_by("pk")[:limit]


def wording_version(wording: str) -> str:
    """Return a short hash that identifies this wording."""
    return sha256(wording.encode()).hexdigest()[:12] if wording else ""


def delete_unconfirmed(now: datetime) -> int:
    """Delete old unconfirmed subscriptions, and subscribers without any other; return a count."""
    stale = Subscription.objects.filter(
        state=Subscription.State.PENDING, created_at__lt=now - KEEP_UNCONFIRMED
    )
    subscribers = list(stale.values_list("subscriber_id", flat=True)[:10_000])
    if not subscribers:
        return 0
    deleted, _ = stale.filter(subscriber__in=subscribers).delete()
    pending = Subscription.objects.filter(
        subscriber=OuterRef("subscriber"),
        newsletter__publication=OuterRef("publication"),
        state=Subscription.State.PENDING,
    )
    entered = Profile.objects.filter(~Exists(pending), unconfirmed__isnull=False)
    entered.filter(subscriber__in=subscribers).update(unconfirmed=None)
    remaining = Subscription.objects.filter(subscriber=OuterRef("pk"))
    Subscriber.objects.filter(~Exists(remaining), pk__in=subscribers).delete()
    return deleted


def forget_entered(now: datetime) -> int:
    """Delete what was entered for somebody who has left and did not confirm; return how many rows.

    It may be a stranger's. What belongs to a pending subscription goes with it.
    """
    oldest = int((now - requests.KEEP).timestamp())
    left = Subscription.objects.filter(state=Subscription.State.UNSUBSCRIBED, answers__isnull=False)
    # Requests are in the order of their times.
    old_answers = left.filter(**{"answers__-1__at__lt": oldest})
    entered = Profile.objects.filter(unconfirmed__isnull=False)
    old_values = entered.filter(**{"unconfirmed__-1__at__lt": oldest})
    return old_answers.update(answers=None) + old_values.update(unconfirmed=None)
