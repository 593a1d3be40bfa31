"""Stripe as it calls: events in the shape of its API, signed as it signs them."""

import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.test import Client

from digest.core import clock
from digest.entitlements import receiving, registry
from digest.entitlements.models import StripeAccount
from digest.newsletters.models import Publication
from tests.clock import NOON

SECRET = "whsec_2Kf0aCzXQy5mT8wPbJ1nRv7LhS4dUe9G"
ANA = "ana@reader.example"


def make_account(publication: Publication, rules: Mapping[str, str] | None = None) -> StripeAccount:
    """An account whose attribute has the tiers free, paid and patron."""
    account = registry.connect(publication, NOON)
    account.attribute.choices = ["free", "paid", "patron"]
    account.attribute.save()
    registry.change(account, secret=SECRET, rules=rules or {"price_month": "paid"})
    return StripeAccount.objects.get(pk=account.pk)


def make_event(
    kind: str, thing: Mapping[str, Any], *, at: int = 0, key: str = ""
) -> dict[str, Any]:
    """An event, so many seconds after noon."""
    created = int((NOON + timedelta(seconds=at)).timestamp())
    return {
        "id": f"evt_{key or kind}_{at}",
        "object": "event",
        "api_version": "2025-09-30.clover",
        "created": created,
        "data": {"object": dict(thing)},
        "livemode": True,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }


def checkout(email: str = ANA, customer: str = "cus_ana", **options: Any) -> dict[str, Any]:
    """A checkout that was paid."""
    thing = {
        "id": "cs_live_a1",
        "object": "checkout.session",
        "customer": customer,
        "customer_details": {"email": email, "name": "Ana Lima", "tax_ids": []},
        "customer_email": None,
        "mode": "subscription",
        "payment_status": "paid",
        "status": "complete",
        "subscription": "sub_ana",
    }
    return make_event("checkout.session.completed", thing, **options)


def subscription(
    verb: str = "created",
    status: str = "active",
    price: str = "price_month",
    *,
    customer: str = "cus_ana",
    subscription_id: str = "sub_ana",
    **options: Any,
) -> dict[str, Any]:
    """A subscription that was created, updated or deleted."""
    item = {
        "id": "si_1",
        "object": "subscription_item",
        "price": {"id": price, "object": "price", "product": f"prod_of_{price}", "active": True},
        "quantity": 1,
    }
    thing = {
        "id": subscription_id,
        "object": "subscription",
        "customer": customer,
        "status": status,
        "cancel_at_period_end": False,
        "items": {"object": "list", "data": [item], "has_more": False},
    }
    options.setdefault("key", f"{verb}{status}{subscription_id}{price}")
    return make_event(f"customer.subscription.{verb}", thing, **options)


def invoice(verb: str = "payment_failed", **options: Any) -> dict[str, Any]:
    """An invoice as versions since 2025-03-31 have it: its subscription in `parent`."""
    thing = {
        "id": "in_1",
        "object": "invoice",
        "customer": "cus_ana",
        "customer_email": ANA,
        "parent": {
            "type": "subscription_details",
            "subscription_details": {"subscription": "sub_ana", "metadata": {}},
        },
    }
    return make_event(f"invoice.{verb}", thing, **options)


def sign(body: bytes, secret: str = SECRET, at: datetime | None = None) -> str:
    """The header with which Stripe sends a body."""
    seconds = int((at or clock.now()).timestamp())
    tag = hmac.digest(secret.encode(), f"{seconds}.".encode() + body, "sha256").hex()
    return f"t={seconds},v1={tag},v0={'6f' * 32}"


def call(account: StripeAccount, event: Mapping[str, Any], signature: str | None = None) -> int:
    """Post an event to the account's address; return the status."""
    body = json.dumps(event).encode()
    path = "/" + receiving.address_of(account).split("/", 3)[3]
    header = sign(body) if signature is None else signature
    answer = Client(enforce_csrf_checks=True).post(
        path, body, content_type="application/json", headers={"Stripe-Signature": header}
    )
    return int(answer.status_code)
