"""Deliveries of an issue to its subscribers, current and past, and what senders have claimed."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from digest.core.database.indexes import partial_index
from digest.issues.models import Issue
from digest.relays.models import Dispatch
from digest.subscribers.models import Subscriber

# Groups of states and single states, for SQL that the ORM cannot express.
SQL_STATES = {
    "due": f"({Dispatch.State.QUEUED:d}, {Dispatch.State.DEFERRED:d})",  # of an index's condition
    **{state.name.lower(): f"{state:d}" for state in Dispatch.State},
}


class CompiledMail(models.Model):
    """An issue's compiled form (digest.rendering.compiled), made once, loaded by every worker."""

    issue = models.OneToOneField(Issue, on_delete=models.CASCADE, related_name="compiled")
    revision = models.PositiveIntegerField(default=1)  # of the issue
    # Of the content (digest.issues.approval): the newsletter's words are not part of the revision.
    content_hash = models.CharField(max_length=64, blank=True)
    # Of the files of its pictures, and of how links are tracked.
    fingerprint = models.CharField(max_length=64, blank=True)
    data = models.BinaryField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.issue}, compiled"


class PreflightRun(models.Model):
    """What the slow preflight checks (links, spam) said of a revision of an issue."""

    issue = models.OneToOneField(Issue, on_delete=models.CASCADE, related_name="preflight")
    revision = models.PositiveIntegerField()
    findings = models.JSONField(default=list)
    passed = models.JSONField(default=list)
    checked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.issue}, checked"


class Delivery(Dispatch):
    """One issue to one subscriber: the row of a delivery with a history or an end of its own.

    What has not been tried is in a `Chunk`, what went well at once is a `SentDelivery`. The row
    remains, anonymous, when the subscriber is erased.
    """

    # The unique index begins with the issue.
    issue = models.ForeignKey(
        Issue, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.SET_NULL, null=True, related_name="deliveries"
    )
    # Ids of the issue's appeals that the subscriber has had as often as allowed
    # (digest.sending.planning.caps): it goes out without these. NULL, as nearly always: with all.
    without_appeals = ArrayField(models.BigIntegerField(), null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issue", "subscriber"], name="delivery_once"),
            models.CheckConstraint(
                condition=~Q(state=Dispatch.State.CLAIMED) | Q(fence__isnull=False),
                name="delivery_claimed_has_fence",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=Dispatch.SETTLED) | Q(settled_at__isnull=False),
                name="delivery_settled_has_time",
            ),
        ]
        indexes = [
            partial_index("delivery_due", "issue", "due_at", "id", state__in=Dispatch.DUE),
            partial_index("delivery_in_flight", "issue", state=Dispatch.State.CLAIMED),
            # Claimed, or uncertain and perhaps settled later by the sender that claimed it.
            partial_index("delivery_fence", "fence", fence__isnull=False),
            partial_index("delivery_uncertain", "issue", state=Dispatch.State.UNCERTAIN),
            # Who did not get it, page by page; a delivery that succeeds is never in this index.
            partial_index(
                "delivery_not_sent", "issue", "state", "subscriber", state__in=Dispatch.NOT_SENT
            ),
            # Of subscribers who were deleted; a sweep settles them, so it is almost empty.
            partial_index(
                "delivery_anonymous", "id", state__in=Dispatch.DUE, subscriber__isnull=True
            ),
        ]

    def __str__(self) -> str:
        return f"{self.issue} to {self.subscriber}: {self.get_state_display()}"


class Chunk(models.Model):
    """Deliveries of an issue that have not been tried yet: up to 500 subscribers in one row.

    A delivery gets a row of its own when it has an outcome: a `SentDelivery` if the relay accepts
    it at once, otherwise a `Delivery`. Its id, from planning on, is the chunk's first one and its
    place in the array. At most one claim has a chunk (its `fence`). docs/decisions/0035 says why.
    """

    LARGEST = 500  # deliveries; ids come from the sequence of `Delivery` in blocks of as many

    first_id = models.BigIntegerField(primary_key=True)
    # The index below begins with the issue.
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="+", db_index=False)
    due_at = models.DateTimeField()
    fence = models.BigIntegerField(null=True)
    # NULL where a delivery has a row by now, or has been put into another chunk.
    subscriber_ids = ArrayField(models.BigIntegerField(null=True))
    size = models.PositiveIntegerField()  # how many of them are not NULL
    lowest = models.BigIntegerField()  # of the subscribers' ids
    highest = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(size__gt=0), name="chunk_is_not_empty"),
        ]
        indexes = [
            partial_index("chunk_due", "issue", "due_at", "first_id", fence__isnull=True),
            models.Index(fields=["issue", "first_id"], name="chunk_of_issue"),
            partial_index("chunk_fence", "fence", fence__isnull=False),
            models.Index(fields=["highest", "lowest"], name="chunk_of_subscriber"),
        ]

    def __str__(self) -> str:
        return f"{self.issue_id}: {self.size} from {self.first_id}"


class SentDelivery(models.Model):
    """A delivery that the relay accepted at its first attempt; never changed.

    Hundreds are appended at once, so the database does not check foreign keys. There is one index:
    whoever looks for a subscriber's goes from issue to issue. When a subscriber is erased theirs
    become anonymous rows of `Delivery`.
    """

    pk = models.CompositePrimaryKey("issue_id", "subscriber_id")
    issue = models.ForeignKey(
        Issue,
        on_delete=models.CASCADE,
        related_name="sent_deliveries",
        db_constraint=False,
        db_index=False,
    )
    subscriber = models.ForeignKey(
        Subscriber,
        on_delete=models.DO_NOTHING,
        related_name="sent_deliveries",
        db_constraint=False,
        db_index=False,
    )
    id = models.BigIntegerField()  # the delivery's
    at = models.DateTimeField()
    reply_code = models.PositiveSmallIntegerField(null=True)
    reply = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.issue_id} to {self.subscriber_id}: sent"


class PastDelivery(models.Model):
    """An archived delivery (digest.sending.archiving): what happened, without a sender's columns.

    Thousands of rows are inserted at once, so the database does not check the foreign key to the
    subscriber: that would halve the pace, and wait for locks on subscribers while deliveries are
    locked. The ledger removes erased subscribers here too.
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
    without_appeals = ArrayField(models.BigIntegerField(), null=True)  # as in Delivery

    class Meta:
        constraints = [
            # Also the index to find a subscriber's. A trigger refuses rows and chunks of a past
            # issue, so nobody has a delivery here and another of the same issue there.
            models.UniqueConstraint(fields=["subscriber", "issue"], name="past_delivery_once"),
            models.CheckConstraint(
                condition=Q(state__in=(Dispatch.State.SENT, *Dispatch.NOT_SENT)),
                name="past_delivery_is_over",
            ),
        ]
        indexes = [
            partial_index(
                "past_delivery_not_sent", "issue", "state", "id", state__in=Dispatch.NOT_SENT
            ),
        ]

    def __str__(self) -> str:
        return f"{self.issue_id} to {self.subscriber_id}: {self.get_state_display()}"


class VariantChoice(models.Model):
    """Which variant was chosen for a subscriber of an issue with an experiment, and how likely.

    With the probability of each choice, another policy can be judged by these data later.
    """

    pk = models.CompositePrimaryKey("issue_id", "subscriber_id")
    issue = models.ForeignKey(
        Issue, on_delete=models.CASCADE, related_name="variant_choices", db_index=False
    )
    # Many rows at once, as in PastDelivery.
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    variant = models.PositiveSmallIntegerField()  # of issues.Experiment
    probability = models.FloatField()  # that this variant was chosen, at that moment
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.issue_id} to {self.subscriber_id}: variant {self.variant}"


class AnyDelivery(models.Model):
    """A delivery, wherever it is: a read-only view of all four tables."""

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
    archived = models.BooleanField()
    waiting = models.BooleanField()  # in a chunk; read page by page by digest.sending.history
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


class AppealReach(models.Model):
    """Which share of an issue's mails has an appeal that is for a segment or for topics alone.

    One that every mail has, unless its cap is reached, has no row
    (digest.sending.planning.appeal_reach).
    """

    pk = models.CompositePrimaryKey("issue_id", "appeal_id")
    issue_id = models.BigIntegerField()
    appeal_id = models.BigIntegerField()
    share = models.FloatField()  # from 0 to 1, when the issue was planned

    def __str__(self) -> str:
        return f"{self.issue_id}: {self.share:.0%} with appeal {self.appeal_id}"


class Claim(models.Model):
    """A batch that a sender has claimed, under a lease; its deliveries have its fence."""

    fence = models.BigIntegerField(primary_key=True)  # of the sequence relays_fences
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="+")
    journal = models.CharField(max_length=64)  # in which its sender writes what it begins
    lease_until = models.DateTimeField(db_index=True)
    # Its deliveries were settled by a sweep; the sender may only be frozen, and report a late
    # reply.
    swept = models.BooleanField(default=False, db_default=False)

    def __str__(self) -> str:
        return f"{self.fence}: {self.issue}"


class Tally(models.Model):
    """A change of how many deliveries of an issue are in a state; the sum is how many there are.

    Written by triggers, and without a foreign key, so that no writer waits for another.
    """

    issue_id = models.BigIntegerField(db_index=True)
    state = models.SmallIntegerField(choices=Dispatch.State)
    deliveries = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())  # by the database's clock

    def __str__(self) -> str:
        return f"{self.issue_id}: {self.deliveries:+} {self.get_state_display()}"


class AppealTally(models.Model):
    """A change of how many mails of an issue were sent without an appeal; the sum is how many.

    Written by the triggers of `Tally`, for appeals and sponsors with a cap.
    """

    issue_id = models.BigIntegerField()
    appeal_id = models.BigIntegerField()
    deliveries = models.BigIntegerField()

    class Meta:
        indexes = [
            models.Index(
                fields=["appeal_id", "issue_id"], include=["deliveries"], name="tally_of_appeal"
            )
        ]

    def __str__(self) -> str:
        return f"{self.issue_id}: {self.deliveries:+} without appeal {self.appeal_id}"
