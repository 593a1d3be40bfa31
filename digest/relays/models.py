"""Where mail is handed over, and what a mail records on its way there."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Dispatch(models.Model):
    """One mail to one address on its way to a relay: the columns of its ledger.

    A row is `claimed` under a lease by one batch (`fence`). When that ends with its holder, the row
    goes back to `queued` if it was not yet attempted, and to `uncertain` if it was.
    """

    class State(models.IntegerChoices):
        QUEUED = 0, "queued"
        CLAIMED = 1, "claimed"
        DEFERRED = 2, "deferred"
        SENT = 3, "sent"
        FAILED = 4, "failed"
        SUPPRESSED = 5, "suppressed"
        CANCELLED = 6, "cancelled"
        UNCERTAIN = 7, "uncertain"

    state = models.SmallIntegerField(choices=State, default=State.QUEUED)
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    first_attempt_at = models.DateTimeField(null=True)
    times_uncertain = models.PositiveSmallIntegerField(default=0)  # how often its end was unknown
    fence = models.BigIntegerField(null=True)
    settled_at = models.DateTimeField(null=True)
    reply_code = models.PositiveSmallIntegerField(null=True)
    reply = models.TextField(blank=True)  # the server's words, or why it was not sent

    class Meta:
        abstract = True


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

    # A slow start (digest.relays.warming), from this day (UTC) on.
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
