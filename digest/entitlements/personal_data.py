"""What is stored of one subscriber's payments: shown to them, erased with them."""

from collections.abc import Collection
from typing import Any

from django.db.models import Q

from digest.entitlements.models import Customer, Grant, PaidSubscription, StripeAccount
from digest.subscribers.models import Subscriber


def export(subscriber: Subscriber) -> list[dict[str, Any]]:
    """Return what Stripe reported of a subscriber, by publication, as plain values."""
    rows = _customers(subscriber).select_related("account__publication").order_by("pk")
    grants = Grant.objects.filter(subscriber=subscriber)
    former_tiers = dict(grants.values_list("account", "former_tier"))
    return [
        {
            "publication": row.account.publication.slug,
            "customer": row.customer_id,
            "email": row.email,
            "tier": row.tier,
            "former_tier": former_tiers.get(row.account_id, ""),
            "subscriptions": [
                {"id": paid.subscription_id, "status": paid.status, "items": paid.items}
                for paid in _paid(row)
            ],
        }
        for row in rows
    ]


def lock() -> None:
    """Let events of Stripe wait for an erasure; before a lock on a subscriber, which they need."""
    list(StripeAccount.objects.select_for_update().order_by("pk"))


def with_foreign_customers(
    publication_ids: Collection[int], subscriber_ids: Collection[int]
) -> set[int]:
    """Return those whom the account of another publication than these knows as customers."""
    foreign = Customer.objects.exclude(account__publication__in=publication_ids)
    linked = foreign.filter(subscriber__in=subscriber_ids).values_list("subscriber", flat=True)
    waiting = foreign.filter(subscriber=None).exclude(address_key="").values("address_key")
    addressed = Subscriber.objects.filter(pk__in=subscriber_ids, address_key__in=waiting)
    return {*filter(None, linked), *addressed.values_list("pk", flat=True)}


def erase(subscriber: Subscriber) -> None:
    """Forget a subscriber's customers, those of their address included."""
    for row in _customers(subscriber):
        PaidSubscription.objects.filter(pk__in=[paid.pk for paid in _paid(row)]).delete()
        row.delete()


def _customers(subscriber: Subscriber) -> Any:
    return Customer.objects.filter(
        Q(subscriber=subscriber) | Q(address_key=subscriber.address_key, subscriber=None)
    )


def _paid(row: Customer) -> list[PaidSubscription]:
    return list(row.account.paid.filter(customer_id=row.customer_id).order_by("pk"))
