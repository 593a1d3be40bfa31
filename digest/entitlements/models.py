"""Stripe accounts, what their prices stand for, and what their customers pay for."""

from django.db import models
from django.db.models import Q

from digest.core.uuids import HasUuid
from digest.newsletters.audiences.models import LONGEST_LABEL, Attribute
from digest.newsletters.models import Publication
from digest.subscribers.models import LONGEST_ADDRESS, Subscriber

LONGEST_ID = 120  # of what Stripe names; theirs have up to 66 characters


class StripeAccount(HasUuid):
    """An account of Stripe that reports who pays for a publication."""

    publication = models.OneToOneField(
        Publication, on_delete=models.CASCADE, related_name="stripe_account"
    )
    # Which attribute of its subscribers is their tier: one of the type choice.
    attribute = models.ForeignKey(
        Attribute, on_delete=models.RESTRICT, related_name="stripe_accounts"
    )
    # The tier of those who paid once and do not any more; "": none.
    tier_without = models.CharField(max_length=LONGEST_LABEL, blank=True)
    # While Stripe tries again to collect a payment that failed, the tier stays.
    has_grace = models.BooleanField(default=True)
    sealed_secret = models.TextField(blank=True)  # digest.core.sealing; "": not entered yet
    created_at = models.DateTimeField()
    received_at = models.DateTimeField(null=True)  # the last call that was signed
    # While the tiers of all customers are set again: those up to this id have theirs.
    settled_to = models.BigIntegerField(null=True)
    # Disconnected: it takes no calls, and is deleted once the last tier that it gave has ended.
    is_ending = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"Stripe for {self.publication}"


class TierRule(models.Model):
    """Which tier a price or a product of Stripe gives; a price counts before its product."""

    account = models.ForeignKey(StripeAccount, on_delete=models.CASCADE, related_name="rules")
    reference = models.CharField(max_length=LONGEST_ID)  # price_… or prod_…
    tier = models.CharField(max_length=LONGEST_LABEL)  # a choice of the account's attribute

    class Meta:
        ordering = ["reference"]
        constraints = [
            models.UniqueConstraint(fields=["account", "reference"], name="tier_rule_once"),
        ]

    def __str__(self) -> str:
        return f"{self.reference}: {self.tier}"


class Customer(models.Model):
    """Somebody who pays, by their address: perhaps nobody who subscribes yet.

    That they pay subscribes them to nothing. Once somebody with their address confirms a
    subscription of the publication, a trigger gives them the tier (sql/members.sql).
    """

    account = models.ForeignKey(StripeAccount, on_delete=models.CASCADE, related_name="customers")
    customer_id = models.CharField(max_length=LONGEST_ID)  # cus_…
    email = models.CharField(max_length=LONGEST_ADDRESS, blank=True)  # "": not known
    address_key = models.CharField(max_length=LONGEST_ADDRESS, blank=True)
    as_of = models.DateTimeField()  # when Stripe made the event that the address is from
    is_own_address = models.BooleanField(default=False)  # of the customer, not of a payment
    deleted = models.BooleanField(default=False)  # at Stripe; it never comes back
    # Of the person, whatever number of customers they are; "": none.
    tier = models.CharField(max_length=LONGEST_LABEL, blank=True)
    # Who they are here. It stays when either of the two addresses changes.
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.SET_NULL, null=True, related_name="stripe_customers"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "customer_id"], name="customer_once"),
        ]
        indexes = [
            models.Index(
                fields=["account", "address_key"],
                condition=~Q(address_key=""),
                name="customer_by_address",
            ),
        ]

    def __str__(self) -> str:
        return self.email or self.customer_id


class PaidSubscription(models.Model):
    """A subscription at Stripe: its prices and its state, as of the newest event about it."""

    account = models.ForeignKey(StripeAccount, on_delete=models.CASCADE, related_name="paid")
    subscription_id = models.CharField(max_length=LONGEST_ID)  # sub_…
    customer_id = models.CharField(max_length=LONGEST_ID)
    items = models.JSONField(default=list)  # [{"price": "price_…", "product": "prod_…"}]
    status = models.CharField(max_length=32, blank=True)  # as Stripe calls it; "": not known yet
    as_of = models.DateTimeField(null=True)  # when Stripe made the event; null: there was none yet
    rank = models.PositiveSmallIntegerField(default=0)  # of events of the same second: `reading`
    payment_failed_at = models.DateTimeField(null=True)  # the last payment; null once one succeeds
    payment_as_of = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "subscription_id"], name="paid_subscription_once"
            ),
        ]
        indexes = [
            models.Index(fields=["account", "customer_id"], name="paid_subscription_of"),
        ]

    def __str__(self) -> str:
        return f"{self.subscription_id}: {self.status}"


class Grant(models.Model):
    """A subscriber's tier that is Stripe's; none where a higher one is from elsewhere."""

    account = models.ForeignKey(
        StripeAccount, on_delete=models.CASCADE, related_name="grants", db_index=False
    )
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="+")
    tier = models.CharField(max_length=LONGEST_LABEL)
    # What they had before, and get back when they pay no more; "": none.
    former_tier = models.CharField(max_length=LONGEST_LABEL, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "subscriber"], name="grant_once"),
        ]

    def __str__(self) -> str:
        return self.tier


class Outcome(models.TextChoices):
    """What an event of Stripe's changed."""

    APPLIED = "applied", "applied"
    OLDER = "older", "older than what is known"
    IGNORED = "ignored", "not about a membership"


class StripeEvent(models.Model):
    """An event that Stripe reported; one that comes again changes nothing."""

    account = models.ForeignKey(StripeAccount, on_delete=models.CASCADE, related_name="events")
    event_id = models.CharField(max_length=LONGEST_ID)  # evt_…
    kind = models.CharField(max_length=LONGEST_ID)  # customer.subscription.updated …
    made_at = models.DateTimeField()  # by Stripe
    received_at = models.DateTimeField()
    outcome = models.CharField(max_length=8, choices=Outcome)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "event_id"], name="stripe_event_once"),
        ]
        indexes = [models.Index(fields=["received_at"], name="stripe_event_by_time")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.get_outcome_display()}"
