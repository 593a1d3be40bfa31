"""Stripe accounts: connect, set up, look at, disconnect."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q

from digest.core import sealing
from digest.core.database.uniqueness import refuse_duplicate
from digest.entitlements import settling
from digest.entitlements.errors import EntitlementError
from digest.entitlements.models import Customer, StripeAccount, StripeEvent, TierRule
from digest.newsletters.audiences.models import Attribute
from digest.newsletters.models import Publication
from digest.subscribers import attributes

MOST_RULES = 200
RETENTION = timedelta(
    days=30
)  # of events, and of customers who pay nothing and subscribe to nothing
_REFERENCE = re.compile(r"(?:price|plan|prod)_[A-Za-z0-9_]{1,100}|[A-Za-z0-9_.-]{1,100}")
_ENDING = "Stripe is being disconnected. Wait until the tiers that it gave have ended."
_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_-]{8,200}")


@transaction.atomic
def connect(
    publication: Publication, now: datetime, attribute: Attribute | None = None
) -> StripeAccount:
    """Connect Stripe to a publication; its endpoint takes calls once it has a secret.

    `attribute` holds the tier; without one, an attribute “Tier” with free and paid is defined, and
    who pays no more is free.
    Raises EntitlementError, and SubscriberError where that attribute cannot be.
    """
    tier_without = ""
    if attribute is None:
        tier_without = "free"
        attribute = attributes.define(
            publication,
            label="Tier",
            kind=Attribute.Kind.CHOICE,
            choices=[tier_without, "paid"],
            access=Attribute.Access.SEE,
            now=now,
        )
    _require_choice(publication, attribute)
    if StripeAccount.objects.filter(publication=publication, is_ending=True).exists():
        raise EntitlementError(_ENDING)
    account = StripeAccount(
        publication=publication, attribute=attribute, tier_without=tier_without, created_at=now
    )
    with refuse_duplicate(EntitlementError(f"Stripe is connected to {publication} already.")):
        account.save()
    return account


@transaction.atomic
def change(
    account: StripeAccount,
    *,
    secret: str | None = None,
    tier_without: str | None = None,
    has_grace: bool | None = None,
    rules: Mapping[str, str] | None = None,
) -> None:
    """Change an account; None leaves a value as it is. Tiers of all customers are set again.

    Of more than `settling.BATCH` customers a worker sets those of the others (`settled_to`).

    `rules` are all of them: tiers by price or product. Raises EntitlementError for a secret that
    is none, for a tier that the attribute does not have, and while Stripe is being disconnected.
    """
    locked = StripeAccount.objects.select_for_update().get(pk=account.pk)
    if locked.is_ending:
        raise EntitlementError(_ENDING)
    if secret is not None:
        locked.sealed_secret = _sealed(secret)
    if tier_without is not None:
        locked.tier_without = _tier(locked, tier_without) if tier_without else ""
    if has_grace is not None:
        locked.has_grace = has_grace
    locked.save()
    if rules is not None:
        _replace_rules(locked, rules)
    if rules is not None or tier_without is not None or has_grace is not None:
        settling.settle_all(locked)


@transaction.atomic
def disconnect(account: StripeAccount) -> bool:
    """Forget the account and its customers; whoever has a tier by it gets what they had before.

    That is at least the tier of those who pay no more. False if a worker goes on with it, since
    more than `settling.BATCH` subscribers have a tier; no calls are taken meanwhile.
    """
    rows = StripeAccount.objects.filter(pk=account.pk)
    locked = rows.select_for_update().first()
    if locked is not None and not locked.is_ending:
        settling.end_all(locked)
    return not rows.exists()


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of an account's customers."""

    tiers: tuple[tuple[str, int, int], ...]  # each tier: people who pay, how many of them subscribe
    without_address: int  # customers who pay, and of whom Stripe reported no address
    failing: int  # subscriptions whose last payment failed
    unmapped: tuple[str, ...]  # prices of subscriptions that no rule is about


def status_of(account: StripeAccount) -> Status:
    """Return what is known of an account's customers."""
    counts = (
        account.customers.exclude(tier="")
        .values("tier")
        .annotate(
            people=Count("address_key", distinct=True),
            subscribers=Count("subscriber", distinct=True),
        )
    )
    by_tier = {row["tier"]: (row["people"], row["subscribers"]) for row in counts.order_by()}
    paying = account.paid.filter(status__in=settling.entitling(account))
    ids = paying.values("customer_id")
    without_address = account.customers.filter(address_key="", customer_id__in=ids)
    return Status(
        tuple((tier, *by_tier.get(tier, (0, 0))) for tier in account.attribute.choices),
        without_address.count(),
        paying.exclude(payment_failed_at=None).count(),
        tuple(row for row, tier in references_of(account).items() if not tier),
    )


def references_of(account: StripeAccount) -> dict[str, str]:
    """Return the tiers by price or product: those with a rule, and prices that were reported.

    "" for a price that gives no tier: neither it nor its product has a rule.
    """
    rules = dict(account.rules.values_list("reference", "tier"))
    references = dict(rules)
    for items in account.paid.values_list("items", flat=True).distinct()[:10_000]:
        for item in items:
            if item["price"] not in rules and item["product"] not in rules:
                references.setdefault(item["price"], "")
    return references


def delete_old(now: datetime) -> int:
    """Delete old events, and customers who pay nothing and are not subscribers; return a count."""
    events, _ = StripeEvent.objects.filter(received_at__lt=now - RETENTION).delete()
    lapsed = Customer.objects.filter(
        Q(tier="") | Q(deleted=True), subscriber=None, as_of__lt=now - RETENTION
    )
    customers = 0
    for account in StripeAccount.objects.all():
        rows = lapsed.filter(account=account)
        paying = account.paid.filter(status__in=settling.entitling(account))
        rows = rows.exclude(customer_id__in=paying.values("customer_id"))
        account.paid.filter(
            customer_id__in=list(rows.values_list("customer_id", flat=True))
        ).delete()
        customers += rows.delete()[0]
    return events + customers


def _replace_rules(account: StripeAccount, rules: Mapping[str, str]) -> None:
    if len(rules) > MOST_RULES:
        raise EntitlementError(f"{MOST_RULES} prices and products at most can have a tier.")
    rows = [
        TierRule(account=account, reference=_reference(reference), tier=_tier(account, tier))
        for reference, tier in rules.items()
        if tier
    ]
    account.rules.all().delete()
    TierRule.objects.bulk_create(rows)


def _require_choice(publication: Publication, attribute: Attribute) -> None:
    is_own = attribute.publication_id == publication.pk
    if not is_own or attribute.kind != Attribute.Kind.CHOICE:
        raise EntitlementError("The tier has to be an attribute of the type choice.")
    if Attribute.Access(attribute.access).is_editable:
        raise EntitlementError(f"Subscribers change “{attribute}” themselves: it cannot be a tier.")


def _sealed(secret: str) -> str:
    secret = secret.strip()
    if not _SECRET.fullmatch(secret):
        raise EntitlementError(
            "This is not a signing secret. Stripe shows it on the page of the endpoint: it begins "
            "with whsec_."
        )
    return sealing.seal(secret)


def _tier(account: StripeAccount, tier: str) -> str:
    for choice in account.attribute.choices:
        if choice.casefold() == tier.strip().casefold():
            return choice
    choices = ", ".join(account.attribute.choices)
    raise EntitlementError(f"{tier!r} is not a choice of “{account.attribute}”: {choices}.")


def _reference(text: str) -> str:
    if not _REFERENCE.fullmatch(text := text.strip()):
        raise EntitlementError(
            f"{text[:60]!r} is not the id of a price or a product, such as price_1Abc or prod_Abc."
        )
    return text
