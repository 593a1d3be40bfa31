"""Bounces and complaints, refusals to settle, results by domain, drops, polled mailboxes."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from digest.bounces.reading.reasons import Consequence, Reason
from digest.core.choices import LowercaseLabels
from digest.core.database.indexes import partial_index
from digest.core.database.leases import Leased
from digest.core.text import counted
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.relays.models import Relay
from digest.subscribers.models import LONGEST_ADDRESS, Subscriber, Subscription


class Bounce(models.Model):
    """That an issue came back from a subscriber, or was complained about; and what followed.

    One row for each, however often it is reported: the most severe report counts. It goes with the
    subscriber when they are erased.
    """

    class Source(models.TextChoices):
        """How we heard of it."""

        SMTP = "smtp", "refused while sending"
        REPORT = "report", "reported by mail"
        PROVIDER = "provider", "reported by the provider"

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="bounces")
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, null=True, related_name="bounces")
    is_complaint = models.BooleanField(default=False)
    consequence = models.CharField(max_length=16, choices=[(row, row.value) for row in Consequence])
    reason = models.CharField(max_length=32, choices=[(row, row.value) for row in Reason])
    source = models.CharField(max_length=16, choices=Source)
    domain = models.CharField(max_length=253)  # of the subscriber's address then
    recipient = models.CharField(max_length=LONGEST_ADDRESS, blank=True)  # that the report names
    status = models.CharField(max_length=16, blank=True)  # RFC 3463
    code = models.PositiveSmallIntegerField(null=True)  # RFC 5321 §4.2
    text = models.TextField(blank=True)  # the server's words
    reporter = models.CharField(max_length=253, blank=True)
    suppressed = models.BooleanField(default=False)  # it led to a suppression
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscriber", "issue", "is_complaint"],
                nulls_distinct=False,
                name="bounce_once",
            ),
        ]
        indexes = [
            models.Index(fields=["domain", "at"], name="bounce_by_domain"),
            models.Index(fields=["issue", "domain"], name="bounce_of_issue"),
            models.Index(fields=["at"], name="bounce_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber}: {self.reason}"

    @property
    def reply(self) -> str:
        """The codes and words of the server, as they are shown."""
        status = "" if self.status and self.status in self.text else self.status
        code = "" if self.code is None or str(self.code) in self.text else str(self.code)
        return " ".join(filter(None, (code, status, self.text)))


class Refusal(models.Model):
    """A delivery that was refused for good while it was sent, and is not settled yet.

    A trigger inserts it with the outcome (sql/refusals.sql). No foreign keys: it waits for seconds.
    """

    subscriber_id = models.BigIntegerField()
    issue_id = models.BigIntegerField()
    code = models.PositiveSmallIntegerField()
    reply = models.TextField(blank=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.code} {self.reply}"


class DomainResult(models.Model):
    """What became of an issue's deliveries to one recipient domain, counted now and then.

    Domains that get few mails are one row, with the name "".
    """

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="domain_results")
    domain = models.CharField(max_length=253, blank=True)
    sent = models.PositiveIntegerField()
    deferred = models.PositiveIntegerField()  # sent after several attempts, or waiting for another
    waiting = models.PositiveIntegerField(default=0)  # of these, not sent yet
    refused = models.PositiveIntegerField()
    bounced = models.PositiveIntegerField(default=0)  # of those sent, reported later
    complaints = models.PositiveIntegerField(default=0)
    # People who clicked; null where the publication does not count each subscriber.
    clickers = models.PositiveIntegerField(null=True)
    counted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issue", "domain"], name="domain_result_once"),
        ]

    def __str__(self) -> str:
        return f"{self.issue}, {self.domain}: {self.sent} sent"


class Drop(models.Model):
    """That mail of a newsletter did far worse at one destination (digest.bounces.drops).

    It is open until a later issue does well there again, so editors are notified once.
    """

    class Kind(models.TextChoices):
        """What a mailbox provider does worse than before."""

        DELIVERY = "delivery", "refused or deferred"
        COMPLAINTS = "complaints", "complained about"
        CLICKS = "clicks", "clicked less"

    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="drops")
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="drops")  # the first
    destination = models.CharField(max_length=253)  # a provider's key, or a domain
    kind = models.CharField(max_length=16, choices=Kind)
    mails = models.PositiveIntegerField()  # to it, of the issue
    share = models.FloatField()  # refused or deferred, complaints, or people who clicked; 0 to 1
    usual_share = models.FloatField()  # of the earlier issues
    noticed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["newsletter", "destination", "kind"],
                condition=models.Q(ended_at=None),
                name="drop_open_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.newsletter} at {self.destination}: {self.kind}"


class Mailbox(Leased):
    """A mailbox that mail returns to, and how polling it went."""

    name = models.SlugField(max_length=64, unique=True)
    sealed_url = models.TextField()  # with its password: core.sealing
    active = models.BooleanField(default=True)
    due_at = models.DateTimeField()
    polled_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)  # in a row
    problem = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name


class MailboxMessage(models.Model):
    """A message of a mailbox that was read, so that it is not read twice."""

    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="messages")
    key = models.CharField(max_length=200)  # the server's: UIDVALIDITY/UID, or UIDL
    message_id = models.CharField(max_length=250, blank=True)
    outcome = models.CharField(max_length=16)  # of reports.Outcome
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mailbox", "key"], name="mailbox_message_once"),
        ]
        indexes = [models.Index(fields=["mailbox", "-at"], name="mailbox_message_by_time")]

    def __str__(self) -> str:
        return f"{self.mailbox}: {self.key}"


class ProviderHistory(Leased):
    """Until when a provider was asked for the events that its webhook may have lost."""

    relay = models.OneToOneField(Relay, on_delete=models.CASCADE, related_name="history")
    asked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.relay}: {self.asked_at}"


class Sunset(models.Model):
    """When subscribers of a newsletter count as inactive, and whether they are asked then."""

    newsletter = models.OneToOneField(Newsletter, on_delete=models.CASCADE, related_name="sunset")
    active = models.BooleanField(default=False)
    issues = models.PositiveSmallIntegerField(  # received within the months
        default=20, validators=[MinValueValidator(3), MaxValueValidator(1_000)]
    )
    months = models.PositiveSmallIntegerField(
        default=3, validators=[MinValueValidator(1), MaxValueValidator(36)]
    )

    def __str__(self) -> str:
        return (
            f"{self.newsletter}: {counted(self.issues, 'issue')} in {counted(self.months, 'month')}"
        )


class SunsetQuestion(models.Model):
    """That an inactive subscriber was asked whether they want to stay, and what came of it."""

    class Outcome(LowercaseLabels, models.TextChoices):
        """What came of the question."""

        OPEN = "open", "not answered yet"
        STAYED = "stayed"
        PAUSED = "paused"  # nobody answered

    subscription = models.ForeignKey(
        Subscription, on_delete=models.CASCADE, related_name="sunset_questions"
    )
    asked_at = models.DateTimeField()
    outcome = models.CharField(max_length=8, choices=Outcome, default=Outcome.OPEN)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            partial_index("sunset_question_open", "asked_at", outcome="open"),
        ]

    def __str__(self) -> str:
        return f"{self.subscription}: {self.outcome}"
