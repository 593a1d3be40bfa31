"""What an event of Stripe says of a customer and of what they pay for. Pure.

    customer.created, .updated, .deleted          the address of a customer
    checkout.session.completed                    the address of a customer
    customer.subscription.created, .updated,
        .deleted, .paused, .resumed               prices and status of a subscription
    invoice.paid, .payment_succeeded,
        .payment_failed                           whether the last payment failed; the address

Everything else is ignored. Events come in any order, and several may be of the same second: their
`rank` then says which is later, as far as that can be said (created, changed, deleted).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from digest.entitlements.errors import UnreadableError

KINDS = (
    "checkout.session.completed",
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "invoice.paid",
    "invoice.payment_failed",
)
CANCELLED = "canceled"  # Stripe's spelling
EXPIRED = "incomplete_expired"  # the first payment was never made
NEVER_PAID = frozenset(["", "incomplete", EXPIRED])  # "": only an invoice is known
_RANKS = {"created": 0, "deleted": 2}  # all others 1
_LONGEST = 120
_LATEST = 1 << 32  # in seconds: the year 2106
_MOST_ITEMS = 100  # of a subscription; Stripe allows 20


@dataclass(frozen=True, slots=True)
class Terms:
    """Prices and status of a subscription."""

    status: str
    items: list[dict[str, str]]
    rank: int


@dataclass(frozen=True, slots=True)
class Event:
    """An event, with what it says; what it does not say is empty or None."""

    id: str
    kind: str
    made_at: datetime
    customer_id: str = ""
    email: str = ""
    is_of_customer: bool = False  # the event; others have the address of a payment
    is_deleted: bool = False  # the customer
    subscription_id: str = ""
    terms: Terms | None = None
    has_failed: bool | None = None  # the payment of the subscription


def read(data: object) -> Event:
    """Return what an event says; raise UnreadableError for what is not an event."""
    event = _mapping(data)
    kind, event_id = _text(event.get("type")), _text(event.get("id"))
    created = event.get("created")
    if not (kind and event_id and isinstance(created, int) and 0 < created < _LATEST):
        raise UnreadableError("The body is not an event of Stripe: id, type or created is missing.")
    made_at = datetime.fromtimestamp(created, UTC)
    thing = _mapping(_mapping(event.get("data")).get("object"))
    contents = _contents(kind, thing)
    return Event(event_id, kind, made_at, **contents)


def _contents(kind: str, thing: Mapping[str, Any]) -> dict[str, Any]:
    family, _, verb = kind.rpartition(".")
    if kind in {"customer.created", "customer.updated", "customer.deleted"}:
        return {
            "customer_id": _id(thing),
            "email": _text(thing.get("email"), 400),
            "is_of_customer": True,
            "is_deleted": verb == "deleted",
        }
    if kind == "checkout.session.completed":
        details = _mapping(thing.get("customer_details"))
        email = details.get("email") or thing.get("customer_email")
        return {"customer_id": _id(thing.get("customer")), "email": _text(email, 400)}
    if family == "customer.subscription":
        return {
            "customer_id": _id(thing.get("customer")),
            "subscription_id": _id(thing),
            "terms": _terms(thing, verb),
        }
    if kind in {"invoice.paid", "invoice.payment_succeeded", "invoice.payment_failed"}:
        return {
            "customer_id": _id(thing.get("customer")),
            "email": _text(thing.get("customer_email"), 400),
            "subscription_id": _subscription_of(thing),
            "has_failed": verb == "payment_failed",
        }
    return {}


def ended(status: str) -> str:
    """Return the last status of a subscription that ends: whoever never paid has not cancelled."""
    return EXPIRED if status in NEVER_PAID else CANCELLED


def _terms(thing: Mapping[str, Any], verb: str) -> Terms:
    status = _text(thing.get("status"), 32)
    status = ended(status or CANCELLED) if verb == "deleted" else status
    rows = _mapping(thing.get("items")).get("data")
    rows = rows[:_MOST_ITEMS] if isinstance(rows, list) else []
    items = [_item(_mapping(row)) for row in rows]
    return Terms(status, [item for item in items if item["price"]], _RANKS.get(verb, 1))


def _item(row: Mapping[str, Any]) -> dict[str, str]:
    price = _mapping(row.get("price")) or _mapping(row.get("plan"))
    return {"price": _id(price), "product": _id(price.get("product"))}


def _subscription_of(invoice: Mapping[str, Any]) -> str:
    """Return the subscription of an invoice; versions since 2025-03-31 have it deeper."""
    parent = _mapping(_mapping(invoice.get("parent")).get("subscription_details"))
    return _id(invoice.get("subscription")) or _id(parent.get("subscription"))


def tier_of(
    items: Iterable[Mapping[str, str]], rules: Mapping[str, str], ranking: Mapping[str, int]
) -> str:
    """Return the highest tier that the items of subscriptions give, "" for none.

    `rules` are tiers by price or product; `ranking` the places of the tiers, the highest last.
    """
    tiers = {rules.get(row["price"]) or rules.get(row["product"], "") for row in items}
    return max(tiers & set(ranking), key=lambda tier: ranking[tier], default="")


def _id(value: object) -> str:
    """Return an id, which is given alone or, where it was expanded, in its object."""
    return _text(value.get("id") if isinstance(value, Mapping) else value)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object, longest: int = _LONGEST) -> str:
    """Return a text; nothing for what is none, is too long, or cannot be stored or shown."""
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        return ""
    return value.strip()
