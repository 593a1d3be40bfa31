"""One issue to each subscriber: what happened, and what is being sent."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from digest.issues.models import Issue
from digest.relays.models import Dispatch
from digest.subscribers.models import Subscriber


class CompiledMail(models.Model):
    """An issue's compiled form (digest.rendering.compiled), made once, read by every worker."""

    issue = models.OneToOneField(Issue, on_delete=models.CASCADE, related_name="compiled")
    revision = models.PositiveIntegerField(default=1)  # of the issue
    data = models.BinaryField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.issue}, compiled"


class Delivery(Dispatch):
    """One issue to one subscriber: what happened. It outlives the subscriber, nameless."""

    # The unique index begins with the issue.
    issue = models.ForeignKey(
        Issue, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.SET_NULL, null=True, related_name="deliveries"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issue", "subscriber"], name="delivery_once"),
            models.CheckConstraint(
                condition=~Q(state=1) | Q(fence__isnull=False), name="delivery_claimed_has_fence"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[3, 4, 5, 6]) | Q(settled_at__isnull=False),
                name="delivery_settled_has_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["issue", "due_at", "id"],
                condition=Q(state__in=[0, 2]),
                name="delivery_due",
            ),
            models.Index(fields=["issue"], condition=Q(state=1), name="delivery_in_hand"),
            # Claimed, or uncertain and perhaps to be resolved by the one who claimed it.
            models.Index(fields=["fence"], condition=Q(fence__isnull=False), name="delivery_fence"),
            models.Index(fields=["issue"], condition=Q(state=7), name="delivery_doubted"),
            # Who did not get it, page by page; a mail that goes out well never enters this one.
            models.Index(
                fields=["issue", "state", "subscriber"],
                condition=Q(state__in=[4, 5, 6, 7]),
                name="delivery_not_sent",
            ),
            # Left by a subscriber who was deleted; a sweep settles them, so it is all but empty.
            models.Index(
                fields=["id"],
                condition=Q(state__in=[0, 2], subscriber__isnull=True),
                name="delivery_nameless",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.issue} to {self.subscriber}: {self.get_state_display()}"


class PastDelivery(models.Model):
    """A delivery put away (digest.sending.archiving): what happened, without a sender's columns.

    Rows come in by the thousand, so the database checks no foreign key to the subscriber: that would
    halve the pace, and wait for subscribers' rows while holding deliveries'. The ledger forgets subscribers
    here too.
    """

    pk = models.CompositePrimaryKey("issue_id", "id")
    id = models.BigIntegerField()  # the delivery's
    issue = models.ForeignKey(
        Issue,
        on_delete=models.CASCADE,
        related_name="past_deliveries",
        db_index=False,
    )
    subscriber = models.ForeignKey(
        Subscriber,
        on_delete=models.SET_NULL,
        null=True,
        related_name="past_deliveries",
        db_constraint=False,
        db_index=False,
    )
    at = models.DateTimeField()  # when it was settled; of what stayed uncertain, when it was due
    state = models.SmallIntegerField(choices=Dispatch.State)
    attempts = models.PositiveSmallIntegerField()
    reply_code = models.PositiveSmallIntegerField(null=True)
    reply = models.TextField(blank=True)

    class Meta:
        constraints = [
            # Also what finds a subscriber's. A statement trigger keeps new deliveries away from
            # issues that are here, so that it holds across both tables.
            models.UniqueConstraint(fields=["subscriber", "issue"], name="past_delivery_once"),
            models.CheckConstraint(
                condition=Q(state__in=[3, 4, 5, 6, 7]), name="past_delivery_is_over"
            ),
        ]
        indexes = [
            models.Index(
                fields=["issue", "state", "id"],
                condition=Q(state__in=[4, 5, 6, 7]),
                name="past_delivery_not_sent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.issue_id} to {self.subscriber_id}: {self.get_state_display()}"


class AnyDelivery(models.Model):
    """A delivery, wherever its row is now: a view over both tables, to be read alone."""

    id = models.BigIntegerField(primary_key=True)
    issue = models.ForeignKey(
        Issue, on_delete=models.DO_NOTHING, related_name="any_deliveries", db_constraint=False
    )
    subscriber = models.ForeignKey(
        Subscriber,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="any_deliveries",
        db_constraint=False,
    )
    put_away = models.BooleanField()
    at = models.DateTimeField()  # when it was settled, or is due
    state = models.SmallIntegerField(choices=Dispatch.State)
    attempts = models.PositiveSmallIntegerField()
    reply_code = models.PositiveSmallIntegerField(null=True)
    reply = models.TextField(blank=True)

    class Meta:
        managed = False
        db_table = "sending_anydelivery"

    def __str__(self) -> str:
        return f"{self.issue_id} to {self.subscriber_id}: {self.get_state_display()}"


class Claim(models.Model):
    """A batch in a sender's hand, under a lease; its rows bear its fence."""

    fence = models.BigIntegerField(primary_key=True)  # of the sequence relays_fences
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="+")
    journal = models.CharField(max_length=64)  # where its sender notes what it begins
    lease_until = models.DateTimeField(db_index=True)
    # Its rows were folded in while its sender may be only frozen, and may have a late word.
    swept = models.BooleanField(default=False, db_default=False)

    def __str__(self) -> str:
        return f"{self.fence}: {self.issue}"


class Tally(models.Model):
    """Differences in how many deliveries of an issue are in a state; their sum is how many are.

    Written by triggers, and without a foreign key, so that no writer waits for another.
    """

    issue_id = models.BigIntegerField(db_index=True)
    state = models.SmallIntegerField(choices=Dispatch.State)
    deliveries = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())  # by the database's clock

    def __str__(self) -> str:
        return f"{self.issue_id}: {self.deliveries:+} {self.get_state_display()}"
