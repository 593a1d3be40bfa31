"""A Stripe account as commands and the API show it."""

from typing import Any

from digest.entitlements import receiving
from digest.entitlements.models import StripeAccount


def describe(account: StripeAccount) -> dict[str, Any]:
    """Return how an account is set up, and when Stripe called last."""
    return {
        "address": receiving.address_of(account),
        "attribute": account.attribute.key,
        "has_secret": bool(account.sealed_secret),
        "tier_without": account.tier_without,
        "has_grace": account.has_grace,
        "received_at": account.received_at,
        "is_settled": account.settled_to is None,
        "is_ending": account.is_ending,
    }
