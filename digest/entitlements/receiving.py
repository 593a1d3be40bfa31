"""Take what Stripe reports: check who calls, read it, store it, and set the tier that follows.

    address > signature > reading > one transaction: account locked > event stored once >
    customer, subscription, payment, each if the event is newer > settling

Stripe calls again for three days until it gets a 2xx, in any order, and sometimes twice. An event
is stored by its id, and an older one never overwrites a newer one, so all of that is the same.
Nobody is subscribed by an event: the tier waits with the address until somebody confirms it.
"""

import json
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from digest.core import addresses, links, sealing
from digest.core.errors import InvalidAddressError
from digest.entitlements import reading, settling, signatures
from digest.entitlements.errors import SignatureError, UnreadableError
from digest.entitlements.models import (
    Customer,
    Outcome,
    PaidSubscription,
    StripeAccount,
    StripeEvent,
)
from digest.entitlements.reading import CANCELLED, EXPIRED, NEVER_PAID, Event, ended


def address_of(account: StripeAccount) -> str:
    """Return the address that Stripe calls."""
    return links.Page.STRIPE.url(token=links.sign_rows("stripe", account))


def receive(token: str, signature: str, body: bytes, now: datetime) -> str:
    """Store what a call reports; return the outcome, "" for an event that is known.

    Raises LinkError for an address that is not ours, SignatureError for a call that is not signed,
    UnreadableError for one that cannot be read.
    """
    account = _account(token)
    if not account.sealed_secret:
        raise SignatureError("The signing secret of this endpoint was not entered yet.")
    signatures.check(sealing.unseal(account.sealed_secret), signature, body, now)
    return apply(account, reading.read(_parse(body)), now)


@transaction.atomic
def apply(account: StripeAccount, event: Event, now: datetime) -> str:
    """Apply an event once; events of one account take turns."""
    locked = StripeAccount.objects.select_for_update().get(pk=account.pk)
    locked.received_at = now
    locked.save(update_fields=["received_at"])
    row, is_new = StripeEvent.objects.get_or_create(
        account=locked,
        event_id=event.id,
        defaults={
            "kind": event.kind,
            "made_at": event.made_at,
            "received_at": now,
            "outcome": Outcome.IGNORED,
        },
    )
    if not is_new:
        return ""
    if event.customer_id:
        customers = locked.customers.filter(customer_id=event.customer_id)
        before = settling.same_person(locked, _ids(customers))  # their address may change
        changed = [
            _apply_address(locked, event),
            bool(event.terms) and _apply_terms(locked, event),
            event.has_failed is not None and _apply_payment(locked, event),
        ]
        row.outcome = Outcome.APPLIED if any(changed) else Outcome.OLDER
        row.save(update_fields=["outcome"])
        settling.settle(locked, before | _ids(customers))
    return row.outcome


def _ids(customers: QuerySet[Customer]) -> set[int]:
    return set(customers.values_list("pk", flat=True))


def _apply_address(account: StripeAccount, event: Event) -> bool:
    """Store the customer, and the address if the event is the newest that has one.

    An invoice keeps the address that it was made with, however late it is paid. So the address of
    a payment counts only until an event of the customer itself has one.
    """
    email, key = _address(event.email)
    customer, is_new = Customer.objects.get_or_create(
        account=account,
        customer_id=event.customer_id,
        defaults={
            "email": email,
            "address_key": key,
            "is_own_address": event.is_of_customer and bool(key),
            "as_of": event.made_at,
            "deleted": event.is_deleted,
        },
    )
    if is_new and not event.is_deleted:
        return bool(key)
    if event.is_deleted:
        return _forget(customer, event)
    present = (customer.is_own_address, customer.as_of)
    is_newer = (event.is_of_customer, event.made_at) >= present or not customer.address_key
    if customer.deleted or not key or not is_newer:
        return False
    customer.email, customer.address_key, customer.as_of = email, key, event.made_at
    customer.is_own_address = event.is_of_customer
    customer.save(update_fields=["email", "address_key", "is_own_address", "as_of"])
    return True


def _forget(customer: Customer, event: Event) -> bool:
    """Forget the address of a customer who was deleted at Stripe, and end what they paid for."""
    paid = PaidSubscription.objects.filter(
        account=customer.account_id, customer_id=customer.customer_id
    )
    for status, rows in (
        (EXPIRED, paid.filter(status__in=NEVER_PAID)),
        (CANCELLED, paid.exclude(status__in=NEVER_PAID)),
    ):
        rows.update(status=status, as_of=event.made_at, rank=9)
    customer.deleted, customer.email, customer.address_key = True, "", ""
    customer.save(update_fields=["deleted", "email", "address_key"])
    return True


def _apply_terms(account: StripeAccount, event: Event) -> bool:
    terms = event.terms
    assert terms is not None
    is_over = account.customers.filter(customer_id=event.customer_id, deleted=True).exists()
    values: dict[str, Any] = {
        "customer_id": event.customer_id,
        "items": terms.items,
        "status": ended(terms.status) if is_over else terms.status,
        "as_of": event.made_at,
        "rank": terms.rank,
    }
    paid, is_new = PaidSubscription.objects.get_or_create(
        account=account, subscription_id=event.subscription_id, defaults=values
    )
    if is_new:
        return True
    is_older = paid.as_of and (event.made_at, terms.rank) < (paid.as_of, paid.rank)
    if paid.status in {CANCELLED, EXPIRED} or is_older:  # one that has ended never comes back
        return False
    for name, value in values.items():
        setattr(paid, name, value)
    paid.save()
    return True


def _apply_payment(account: StripeAccount, event: Event) -> bool:
    """Note whether the last payment failed: the status that follows from it is Stripe's to say."""
    if not event.subscription_id:
        return False
    paid, _ = PaidSubscription.objects.get_or_create(
        account=account,
        subscription_id=event.subscription_id,
        defaults={"customer_id": event.customer_id},
    )
    if paid.payment_as_of and event.made_at < paid.payment_as_of:
        return False
    paid.payment_as_of = event.made_at
    paid.payment_failed_at = event.made_at if event.has_failed else None
    paid.save(update_fields=["payment_as_of", "payment_failed_at"])
    return True


def _account(token: str) -> StripeAccount:
    link = links.read_rows("stripe", token, count=1)
    account = StripeAccount.objects.filter(pk=link.ids[0]).first()
    if account is None or account.is_ending:
        raise SignatureError("This account was disconnected.")
    link.require(account)
    return account


def _address(email: str) -> tuple[str, str]:
    """Return an address and its key; nothing for what cannot be one."""
    try:
        address = addresses.parse(email)
    except InvalidAddressError:
        return "", ""
    return address.email, address.key


def _parse(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as cause:
        raise UnreadableError("The body is not JSON.") from cause
