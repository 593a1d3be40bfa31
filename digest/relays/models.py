"""Relays, paused recipient domains, and the columns of every queue of mail."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models

from digest.core.choices import LowercaseLabels


class Dispatch(models.Model):
    """One mail to one address on its way to a relay: the columns that every ledger has.

    A batch claims a row under a lease (`fence`). When the batch ends without an outcome, the row
    goes back to `queued` if no attempt had begun, and to `uncertain` if one had.
    """

    class State(LowercaseLabels, models.IntegerChoices):
        """Where a message is on its way to the mail server."""

        QUEUED = 0
        CLAIMED = 1
        DEFERRED = 2
        SENT = 3
        FAILED = 4
        SUPPRESSED = 5
        CANCELLED = 6
        UNCERTAIN = 7

    DUE = (State.QUEUED, State.DEFERRED)  # can be claimed once `due_at` has come
    PENDING = (*DUE, State.CLAIMED)  # not over yet
    SETTLED = (State.SENT, State.FAILED, State.SUPPRESSED, State.CANCELLED)  # over, and known how
    NOT_SENT = (State.FAILED, State.SUPPRESSED, State.CANCELLED, State.UNCERTAIN)

    state = models.SmallIntegerField(choices=State, default=State.QUEUED)
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    first_attempt_at = models.DateTimeField(null=True)
    times_uncertain = models.PositiveSmallIntegerField(default=0)  # attempts of unknown outcome
    fence = models.BigIntegerField(null=True)
    settled_at = models.DateTimeField(null=True)
    reply_code = models.PositiveSmallIntegerField(null=True)
    reply = models.TextField(blank=True)  # the server's text, or why the mail was not sent

    class Meta:
        abstract = True


class Relay(models.Model):
    """A mail server or a provider: what it is for, what it may carry, and how it is doing."""

    name = models.SlugField(max_length=64, unique=True)
    sealed_url = models.TextField(blank=True)  # blank: "default", whose address is DIGEST_SMTP_URL
    active = models.BooleanField(default=True)
    sender_domains = ArrayField(  # in A-labels; empty: mail from any domain that no relay names
        models.CharField(max_length=253), default=list, blank=True
    )
    weight = models.PositiveSmallIntegerField(default=1)  # 0: used only while the others are down

    # Limits, all workers together; none: no limit
    connections = models.PositiveSmallIntegerField(null=True)
    per_minute = models.PositiveIntegerField(null=True)
    domain_limits = models.JSONField(default=dict)  # {"gmail.com": messages a minute, "*": …}

    # A warm-up (digest.relays.warming): its first day in UTC, and messages a day
    warming_since = models.DateField(null=True)
    warming_start = models.PositiveIntegerField(default=1_000)
    warming_growth = models.FloatField(default=2.0)
    warming_until = models.PositiveIntegerField(default=1_000_000)

    failures = models.PositiveIntegerField(default=0)  # in a row
    down_since = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)  # no sender connects before this moment
    problem = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name

    def is_backing_off(self, now: datetime) -> bool:
        """Return whether it failed a moment ago and must not be tried again yet."""
        return self.retry_at is not None and self.retry_at > now


class PausedDomain(models.Model):
    """A recipient domain that refused our mail as a whole: a relay sends nothing there for now."""

    relay = models.ForeignKey(Relay, on_delete=models.CASCADE, related_name="paused_domains")
    domain = models.CharField(max_length=253)  # in A-labels
    since = models.DateTimeField()
    until = models.DateTimeField()
    times = models.PositiveSmallIntegerField(default=1)  # pauses in a row: each lasts longer
    reason = models.TextField(blank=True)  # the server's text

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["relay", "domain"], name="paused_domain_once"),
        ]

    def __str__(self) -> str:
        return f"{self.domain} by {self.relay}"
