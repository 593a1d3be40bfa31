"""One edition to each reader, and where mail is handed over."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from digest.editions.models import Edition
from digest.newsletters.models import Publication
from digest.subscribers.models import LONGEST_ADDRESS, Subscriber


class CompiledMail(models.Model):
    """An edition's compiled form (digest.rendering.compiled), made once, read by every worker."""

    edition = models.OneToOneField(Edition, on_delete=models.CASCADE, related_name="compiled")
    revision = models.PositiveIntegerField(default=1)  # of the edition
    data = models.BinaryField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.edition}, compiled"


class Dispatch(models.Model):
    """One mail to one address on its way to a relay: the columns of its ledger.

    A row is `claimed` under a lease by one batch (`fence`). When that ends with its holder, the row
    goes back to `queued` if it was not yet attempted, and to `in_doubt` if it was.
    """

    class State(models.IntegerChoices):
        QUEUED = 0, "queued"
        CLAIMED = 1, "claimed"
        DEFERRED = 2, "deferred"
        SENT = 3, "sent"
        FAILED = 4, "failed"
        SUPPRESSED = 5, "suppressed"
        CANCELLED = 6, "cancelled"
        IN_DOUBT = 7, "in doubt"

    state = models.SmallIntegerField(choices=State, default=State.QUEUED)
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    first_attempt_at = models.DateTimeField(null=True)
    doubts = models.PositiveSmallIntegerField(default=0)  # how often its end was unknown
    fence = models.BigIntegerField(null=True)
    settled_at = models.DateTimeField(null=True)
    reply_code = models.PositiveSmallIntegerField(null=True)
    reply = models.TextField(blank=True)  # the server's words, or why it was not sent

    class Meta:
        abstract = True


class Delivery(Dispatch):
    """One edition to one reader: what happened. It outlives the reader, nameless."""

    # The unique index begins with the edition.
    edition = models.ForeignKey(
        Edition, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.SET_NULL, null=True, related_name="deliveries"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["edition", "subscriber"], name="delivery_once"),
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
                fields=["edition", "due_at", "id"],
                condition=Q(state__in=[0, 2]),
                name="delivery_due",
            ),
            models.Index(fields=["edition"], condition=Q(state=1), name="delivery_in_hand"),
            # Claimed, or in doubt and perhaps to be resolved by the one who claimed it.
            models.Index(fields=["fence"], condition=Q(fence__isnull=False), name="delivery_fence"),
            models.Index(fields=["edition"], condition=Q(state=7), name="delivery_doubted"),
            # Who did not get it, page by page; a mail that goes out well never enters this one.
            models.Index(
                fields=["edition", "state", "subscriber"],
                condition=Q(state__in=[4, 5, 6, 7]),
                name="delivery_not_sent",
            ),
            # Left by a reader who was deleted; a sweep settles them, so it is all but empty.
            models.Index(
                fields=["id"],
                condition=Q(state__in=[0, 2], subscriber__isnull=True),
                name="delivery_nameless",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.edition} to {self.subscriber}: {self.get_state_display()}"


class PastDelivery(models.Model):
    """A delivery put away (digest.delivery.archiving): what happened, without a sender's columns.

    Rows come in by the thousand, so the database checks no foreign key to the reader: that would
    halve the pace, and wait for readers' rows while holding deliveries'. The ledger forgets readers
    here too.
    """

    pk = models.CompositePrimaryKey("edition_id", "id")
    id = models.BigIntegerField()  # the delivery's
    edition = models.ForeignKey(
        Edition,
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
    at = models.DateTimeField()  # when it was settled; of what stayed in doubt, when it was due
    state = models.SmallIntegerField(choices=Dispatch.State)
    attempts = models.PositiveSmallIntegerField()
    reply_code = models.PositiveSmallIntegerField(null=True)
    reply = models.TextField(blank=True)

    class Meta:
        constraints = [
            # Also what finds a reader's. A statement trigger keeps new deliveries away from
            # editions that are here, so that it holds across both tables.
            models.UniqueConstraint(fields=["subscriber", "edition"], name="past_delivery_once"),
            models.CheckConstraint(
                condition=Q(state__in=[3, 4, 5, 6, 7]), name="past_delivery_is_over"
            ),
        ]
        indexes = [
            models.Index(
                fields=["edition", "state", "id"],
                condition=Q(state__in=[4, 5, 6, 7]),
                name="past_delivery_not_sent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.edition_id} to {self.subscriber_id}: {self.get_state_display()}"


class AnyDelivery(models.Model):
    """A delivery, wherever its row is now: a view over both tables, to be read alone."""

    id = models.BigIntegerField(primary_key=True)
    edition = models.ForeignKey(
        Edition, on_delete=models.DO_NOTHING, related_name="any_deliveries", db_constraint=False
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
        db_table = "delivery_anydelivery"

    def __str__(self) -> str:
        return f"{self.edition_id} to {self.subscriber_id}: {self.get_state_display()}"


class Claim(models.Model):
    """A batch in a sender's hand, under a lease; its rows bear its fence."""

    fence = models.BigIntegerField(primary_key=True)  # of the sequence delivery_fences
    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="+")
    journal = models.CharField(max_length=64)  # where its sender notes what it begins
    lease_until = models.DateTimeField(db_index=True)
    # Its rows were folded in while its sender may be only frozen, and may have a late word.
    swept = models.BooleanField(default=False, db_default=False)

    def __str__(self) -> str:
        return f"{self.fence}: {self.edition}"


class Tally(models.Model):
    """Differences in how many deliveries of an edition are in a state; their sum is how many are.

    Written by triggers, and without a foreign key, so that no writer waits for another.
    """

    edition_id = models.BigIntegerField(db_index=True)
    state = models.SmallIntegerField(choices=Dispatch.State)
    deliveries = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())  # by the database's clock

    def __str__(self) -> str:
        return f"{self.edition_id}: {self.deliveries:+} {self.get_state_display()}"


class Notice(Dispatch):
    """A single mail about a reader's own affairs. It quotes nothing that a stranger typed."""

    class Kind(models.TextChoices):
        CONFIRM = "confirm", "asks to confirm a subscription"
        WELCOME = "welcome", "welcomes a new reader"
        LINK = "link", "brings the link to the preferences"
        CHANGE = "change", "asks the new address to confirm it"
        CHANGED = "changed", "tells the old address of the new one"
        LEFT = "left", "acknowledges leaving by mail"
        HELP = "help", "says which addresses there are"
        PAUSED = "paused", "tells an editor of a domain that refuses us"
        ACCOUNT = "account", "is about somebody's account in the console"
        COPY = "copy", "brings an issue once more"

    kind = models.CharField(max_length=8, choices=Kind)
    lease_until = models.DateTimeField(null=True)
    attempted_at = models.DateTimeField(null=True)  # of the present claim; cleared with it
    publication = models.ForeignKey(Publication, on_delete=models.CASCADE, related_name="notices")
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, null=True, related_name="notices"
    )
    email = models.CharField(max_length=LONGEST_ADDRESS)
    mailbox = models.CharField(max_length=LONGEST_ADDRESS)  # folded: the key of limits
    answers_mail = models.BooleanField(default=False)  # RFC 3834 rules it
    language = models.CharField(max_length=35, blank=True)
    about = models.JSONField(default=dict)  # ids: {"newsletters": [1, 2]}, {"change": 7}
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state=1) | Q(fence__isnull=False, lease_until__isnull=False),
                name="notice_claimed_has_lease",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(state__in=[0, 2]), name="notice_due"),
            models.Index(fields=["lease_until"], condition=Q(state=1), name="notice_leased"),
            # "At most one to an address in an hour" is looked up here.
            models.Index(fields=["mailbox", "created_at"], name="notice_to_mailbox"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.email}: {self.get_state_display()}"


class Relay(models.Model):
    """A place where mail is handed over: what it is for, what it takes, and how it is doing."""

    name = models.SlugField(max_length=64, unique=True)
    sealed_url = models.TextField(blank=True)  # blank: "default", whose address is a setting
    active = models.BooleanField(default=True)
    sender_domains = ArrayField(  # in A-labels; none: mail from any domain that no relay names
        models.CharField(max_length=253), default=list, blank=True
    )
    weight = models.PositiveSmallIntegerField(default=1)  # 0: stands in when the others are down

    # Limits for all workers together.
    connections = models.PositiveSmallIntegerField(null=True)
    per_minute = models.PositiveIntegerField(null=True)
    domain_limits = models.JSONField(default=dict)  # {"gmail.com": messages a minute, "*": others}

    # A slow start (digest.delivery.warming), from this day (UTC) on.
    warming_since = models.DateField(null=True)
    warming_start = models.PositiveIntegerField(default=1_000)
    warming_growth = models.FloatField(default=2.0)
    warming_until = models.PositiveIntegerField(default=1_000_000)

    failures = models.PositiveIntegerField(default=0)  # in a row
    down_since = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)  # nobody knocks before this
    problem = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name

    def resting(self, now: datetime) -> bool:
        """Say whether it was down a moment ago and is not to be tried again yet."""
        return self.retry_at is not None and self.retry_at > now


class PausedDomain(models.Model):
    """A recipient domain that refused us for what we are, and is left alone by a relay."""

    relay = models.ForeignKey(Relay, on_delete=models.CASCADE, related_name="paused_domains")
    domain = models.CharField(max_length=253)  # in A-labels
    since = models.DateTimeField()
    until = models.DateTimeField()
    times = models.PositiveSmallIntegerField(default=1)  # in a row: each rest is longer
    why = models.TextField(blank=True)  # the server's words

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["relay", "domain"], name="paused_domain_once"),
        ]

    def __str__(self) -> str:
        return f"{self.domain} by {self.relay}"
