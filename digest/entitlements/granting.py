"""What Stripe gives subscribers as their tier, beside what they had or get from elsewhere.

Whoever knows an address can pay in its name. So a payment only ever raises a tier: one that is
higher already stays as it is, and what a subscriber had before comes back when the payments end.
A tier that is the same as Stripe's counts as Stripe's, as in a list that was imported from another
service: it ends with the payments.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import NamedTuple, Self

from django.db.models.fields.json import KeyTextTransform

from digest.entitlements.models import Grant, StripeAccount
from digest.subscribers import profiles
from digest.subscribers.models import Profile


class Claim(NamedTuple):
    """What a subscriber pays for by Stripe."""

    tier: str  # "": none any more
    has_paid: bool  # once, be it long ago


class Granted(NamedTuple):
    """What Stripe gave a subscriber, and the tier that they had before ("": none)."""

    tier: str
    former_tier: str


class Ranks:
    """The tiers of an account, in any spelling: which of two is the higher one."""

    def __init__(self, tiers: Collection[str], without: str) -> None:
        self._places = {tier.casefold(): place for place, tier in enumerate(tiers)}
        self._spelling = {tier.casefold(): tier for tier in tiers}
        # The tier of those who paid once and do not any more; "": none.
        self.without = self._spelling.get(without.casefold(), "")

    @classmethod
    def of(cls, account: StripeAccount) -> Self:
        """Return the ranks of an account's tiers."""
        return cls(account.attribute.choices, account.tier_without)

    def place(self, tier: str) -> int:
        """Return the place of a tier; -1 for none, and for one that is not a choice any more."""
        return self._places.get(tier.casefold(), -1)

    def spell(self, tier: str) -> str:
        """Return a tier in its present spelling."""
        return self._spelling.get(tier.casefold(), tier)


def decide(
    present: str, granted: Granted | None, claim: Claim, ranks: Ranks
) -> tuple[str, Granted | None]:
    """Return the tier that a subscriber gets, and what of it is Stripe's. Pure.

    `present` is the tier that they have, "" for none, and `granted` what Stripe gave them last.
    """
    is_granted = granted is not None and granted.tier.casefold() == present.casefold()
    own = ranks.spell(granted.former_tier if granted and is_granted else present)
    if claim.tier:
        if ranks.place(own) > ranks.place(claim.tier):
            return own, None
        is_taken_over = own == claim.tier and not is_granted
        return claim.tier, Granted(claim.tier, "" if is_taken_over else own)
    if is_granted:
        return max(own, ranks.without, key=ranks.place), None
    return present or (ranks.without if claim.has_paid else ""), None


def grant(account: StripeAccount, claims: Mapping[int, Claim]) -> None:
    """Give subscribers, by their ids, what they pay for; in a transaction, the account locked."""
    key, publication_id = account.attribute.key, account.publication_id
    ranks = Ranks.of(account)
    # Locked in the order of subscribers, as everything that changes many of them does.
    rows = Profile.objects.select_for_update().filter(publication=publication_id)
    rows = rows.filter(subscriber__in=claims).order_by("subscriber")
    present = dict(rows.values_list("subscriber", KeyTextTransform(key, "attributes")))
    grants = {
        row.subscriber_id: Granted(row.tier, row.former_tier)
        for row in account.grants.filter(subscriber__in=claims)
    }
    changes = defaultdict[str, list[int]](list)
    granted: dict[int, Granted | None] = {}
    for subscriber_id, claim in claims.items():
        tier = present.get(subscriber_id) or ""
        value, granted[subscriber_id] = decide(tier, grants.get(subscriber_id), claim, ranks)
        if value != tier:
            changes[value].append(subscriber_id)
    for value, ids in changes.items():
        profiles.set_attribute(key, value or None, publication_id, ids)
    _store(account, granted)


def _store(account: StripeAccount, granted: Mapping[int, Granted | None]) -> None:
    ended = [subscriber_id for subscriber_id, row in granted.items() if row is None]
    account.grants.filter(subscriber__in=ended).delete()
    Grant.objects.bulk_create(
        (
            Grant(account=account, subscriber_id=subscriber_id, **row._asdict())
            for subscriber_id, row in granted.items()
            if row is not None
        ),
        update_conflicts=True,
        unique_fields=["account", "subscriber"],
        update_fields=["tier", "former_tier"],
    )
