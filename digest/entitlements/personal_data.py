"""What is stored of one subscriber's payments: shown to them, erased with them."""

from typing import Any

from django.db.models import Q

from digest.entitlements.models import Customer, PaidSubscription
from digest.subscribers.models import Subscriber


def export(subscriber: Subscriber) -> list[dict[str, Any]]:
    """Return what Stripe reported of a subscriber, by publication, as plain values."""
    rows = _customers(subscriber).select_related("account__publication").order_by("pk")
    return [
        {
            "publication": row.account.publication.slug,
            "customer": row.customer_id,
            "email": row.email,
            "tier": row.tier,
            "subscriptions": [
                {"id": paid.subscription_id, "status": paid.status, "items": paid.items}
                for paid in _paid(row)
            ],
        }
        for row in rows
    ]


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
