"""The tier of each person who pays, and the attribute of the subscriber that they are.

One person may be several customers at Stripe, with several subscriptions: the highest tier counts.
Who pays nothing any more gets the account's tier for that, or none. Who never paid for a tier is
left alone, and so is a higher tier from elsewhere (`granting`).

Where rules change, the tiers of all customers are set again: BATCH of them at once, all others by a
job, batch after batch, each in one transaction. Events in between take turns with it. The tiers of
an account that is disconnected end in the same way.
"""

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from django.db import transaction
from django.db.models import Q, QuerySet

from digest.core import jobs
from digest.entitlements.granting import Claim, grant
from digest.entitlements.models import Customer, PaidSubscription, StripeAccount
from digest.entitlements.reading import NEVER_PAID, tier_of
from digest.newsletters.audiences.models import Attribute
from digest.subscribers.models import Subscriber

# https://docs.stripe.com/api/subscriptions/object#subscription_object-status
PAYING = frozenset(["active", "trialing"])
IN_GRACE = frozenset(["past_due"])  # Stripe tries again to collect a payment
BATCH = 1_000  # customers in a transaction
BUDGET = 60  # seconds of one job


@dataclass(frozen=True, slots=True)
class _Scheme:
    """What an account's prices stand for, in the spelling that its attribute has now."""

    rules: Mapping[str, str]  # tiers by price or product
    ranking: Mapping[str, int]  # places of the tiers, the highest last
    states: frozenset[str]

    @classmethod
    def of(cls, account: StripeAccount) -> Self:
        """Return the scheme of an account."""
        tiers = account.attribute.choices
        spelling = {tier.casefold(): tier for tier in tiers}
        rules = account.rules.values_list("reference", "tier")
        return cls(
            {reference: spelling.get(tier.casefold(), "") for reference, tier in rules},
            {tier: place for place, tier in enumerate(tiers)},
            entitling(account),
        )

    def tier_of(self, subscriptions: Iterable[PaidSubscription]) -> str:
        """Return the highest tier that these subscriptions give, "" for none."""
        items = [item for row in subscriptions if row.status in self.states for item in row.items]
        return tier_of(items, self.rules, self.ranking)

    def was_paid(self, subscriptions: Iterable[PaidSubscription]) -> bool:
        """Say whether one of these subscriptions was paid for a tier, be it long ago."""
        rows = [row for row in subscriptions if row.status not in NEVER_PAID]
        items = [item for row in rows for item in row.items]
        return bool(tier_of(items, self.rules, self.ranking))


def settle(account: StripeAccount, customer_ids: Iterable[int]) -> None:
    """Set the tiers of these customers and of whoever is the same person.

    In a transaction that has locked the account.
    """
    _settle(account, account.customers.filter(pk__in=same_person(account, customer_ids)))


def settle_all(account: StripeAccount) -> None:
    """Set the tiers of everybody: rules have changed (in a transaction, the account locked).

    Where there are more customers than BATCH, a worker sets those of the others.
    """
    account.settled_to = 0
    _settle_next(account)
    if account.settled_to is not None:
        jobs.enqueue(jobs.SETTLE_TIERS)


def settle_due() -> None:
    """Go on with accounts whose rules have changed or that were disconnected, for some seconds."""
    start = time.monotonic()
    while time.monotonic() - start < BUDGET:
        with transaction.atomic():
            waiting = StripeAccount.objects.filter(settled_to__isnull=False).order_by("pk")
            account = waiting.select_for_update().first()
            if account is None:
                return
            _settle_next(account)
    jobs.enqueue(jobs.SETTLE_TIERS)


def follow_choices(attribute: Attribute, **_signal: object) -> None:
    """Set the tiers again when choices of their attribute are spelled or ranked differently."""
    for account in attribute.stripe_accounts.select_for_update():
        settle_all(account)


def end_all(account: StripeAccount) -> None:
    """End every tier that came from Stripe, then delete the account (locked, in a transaction).

    Where there are more of them than BATCH, a worker ends the others.
    """
    account.is_ending, account.sealed_secret, account.settled_to = True, "", 0
    account.save(update_fields=["is_ending", "sealed_secret", "settled_to"])
    _end_next(account)
    jobs.enqueue(jobs.SETTLE_TIERS)


def entitling(account: StripeAccount) -> frozenset[str]:
    """Return the states of subscriptions that give a tier."""
    return PAYING | IN_GRACE if account.has_grace else PAYING


def same_person(account: StripeAccount, customer_ids: Iterable[int]) -> set[int]:
    """Return these customers and all others of the same people: by address and by subscriber."""
    ids, wider = set[int](), set(customer_ids)
    while ids != wider:
        ids = wider
        pairs = account.customers.filter(pk__in=ids).values_list("address_key", "subscriber_id")
        keys = {key for key, _ in pairs if key}
        subscriber_ids = {pk for _, pk in pairs if pk} | set(_subscribers(account, keys).values())
        subscribers = Subscriber.objects.filter(pk__in=subscriber_ids)
        keys.update(subscribers.values_list("address_key", flat=True))
        related = Q(pk__in=ids) | Q(address_key__in=keys) | Q(subscriber__in=subscriber_ids)
        wider = set(account.customers.filter(related).values_list("pk", flat=True))
    return ids


def _settle_next(account: StripeAccount) -> None:
    """Set the tiers of the next customers, and note up to whom they are set; None: of all."""
    if account.is_ending:
        _end_next(account)
        return
    rows = account.customers.filter(pk__gt=account.settled_to).order_by("pk")
    ids = list(rows.values_list("pk", flat=True)[:BATCH])
    settle(account, ids)
    account.settled_to = ids[-1] if len(ids) == BATCH else None
    account.save(update_fields=["settled_to"])


def _end_next(account: StripeAccount) -> None:
    """End the tiers of the next subscribers; without any others, delete the account."""
    rows = account.grants.order_by("subscriber").values_list("subscriber", flat=True)
    ids = list(rows[:BATCH])
    grant(account, dict.fromkeys(ids, Claim("", has_paid=True)))
    if len(ids) < BATCH:
        account.delete()


def _settle(account: StripeAccount, customers: QuerySet[Customer]) -> None:
    rows = list(customers.order_by("pk"))
    before = {row.subscriber_id for row in rows if row.subscriber_id and row.tier}
    _find_subscribers(account, rows)
    paid, scheme = _paid_by_customer(account, rows), _Scheme.of(account)
    claims: dict[int, Claim] = {}  # by subscriber
    for person in _persons(rows):
        subscriptions = [row for customer in person for row in paid.get(customer.customer_id, ())]
        tier, had_tier = scheme.tier_of(subscriptions), any(row.tier for row in person)
        for customer in person:
            customer.tier = tier
        has_paid = had_tier or scheme.was_paid(subscriptions)
        if has_paid and (subscriber_id := person[0].subscriber_id):
            claims[subscriber_id] = Claim(tier, has_paid)
    for subscriber_id in before - {row.subscriber_id for row in rows}:
        claims[subscriber_id] = Claim("", has_paid=True)
    Customer.objects.bulk_update(rows, ["tier", "subscriber"], batch_size=BATCH)
    grant(account, claims)


def _find_subscribers(account: StripeAccount, rows: Iterable[Customer]) -> None:
    """Find who the customers are here: by address, or who they were, whose address has changed."""
    ids = _subscribers(account, {row.address_key for row in rows if row.address_key})
    for row in rows:
        row.subscriber_id = ids.get(row.address_key, row.subscriber_id)


def _subscribers(account: StripeAccount, keys: Collection[str]) -> dict[str, int]:
    """Return who subscribes to the publication with these addresses."""
    subscribers = Subscriber.objects.filter(
        address_key__in=keys, subscriptions__newsletter__publication=account.publication_id
    )
    return dict(subscribers.values_list("address_key", "pk"))


def _persons(rows: Iterable[Customer]) -> Iterable[list[Customer]]:
    persons = defaultdict[tuple[str, object], list[Customer]](list)
    for row in rows:
        if row.subscriber_id:
            persons["subscriber", row.subscriber_id].append(row)
        elif row.address_key:
            persons["address", row.address_key].append(row)
        else:
            persons["customer", row.pk].append(row)
    return persons.values()


def _paid_by_customer(
    account: StripeAccount, rows: Iterable[Customer]
) -> Mapping[str, list[PaidSubscription]]:
    paid = defaultdict[str, list[PaidSubscription]](list)
    ids = [row.customer_id for row in rows]
    for subscription in account.paid.filter(customer_id__in=ids):
        paid[subscription.customer_id].append(subscription)
    return paid
