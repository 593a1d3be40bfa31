"""Connections, and what they reported of articles."""

from django.db import models

from digest.accounts.models import User
from digest.connectors.actions import Action
from digest.core.choices import LowercaseLabels
from digest.core.database.indexes import partial_index
from digest.core.text import LONGEST_URL
from digest.core.uuids import HasUuid
from digest.newsletters.models import Publication


class Connection(HasUuid):
    """A system that reports the articles of one publication to an address of its own."""

    class Kind(models.TextChoices):
        """How the system reports."""

        GHOST = "ghost"
        WEBHOOK = "webhook", "Signed webhook (Wagtail and others)"

    name = models.SlugField(max_length=64, unique=True)
    kind = models.CharField(max_length=8, choices=Kind)
    publication = models.ForeignKey(
        Publication, on_delete=models.CASCADE, related_name="connections"
    )
    owner = models.ForeignKey(  # in whose name it retracts articles
        User, on_delete=models.CASCADE, related_name="+"
    )
    sealed_secret = models.TextField()  # of its signatures: digest.core.sealing
    created_at = models.DateTimeField()

    # Of Ghost: where its Content API is, and the key; "": only what its webhooks report comes in.
    site_url = models.CharField(max_length=LONGEST_URL, blank=True)
    sealed_key = models.TextField(blank=True)
    catch_up_at = models.DateTimeField(null=True)  # when it is asked next; null: never
    caught_up_to = models.DateTimeField(null=True)  # the last change of a post that it reported

    received_at = models.DateTimeField(null=True)  # the last call that was signed
    problem = models.TextField(blank=True)  # why the last call or question failed

    def __str__(self) -> str:
        return self.name


class ReceivedEvent(models.Model):
    """What a connection reported of one article, until it is settled and a while longer.

    The events of one connection are settled in the order in which they came.
    """

    class Outcome(LowercaseLabels, models.TextChoices):
        """What followed from an event."""

        NEW = "new", "new article"
        CHANGED = "changed", "article changed"
        UNCHANGED = "unchanged"
        RETRACTED = "retracted", "article retracted"
        STALE = "stale", "older than what is stored"
        UNKNOWN = "unknown", "no such article"
        FAILED = "failed"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="events")
    message_id = models.CharField(max_length=300)  # the sender's: a repetition has the same
    action = models.CharField(max_length=8, choices=Action)
    entry = models.JSONField(default=dict)  # fields of articles.parsing.base.Entry
    note = models.CharField(max_length=300, blank=True)  # of a retraction
    received_at = models.DateTimeField()
    changed_at = models.DateTimeField(null=True)  # there, where the system says so; not later

    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    settled_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True)
    problem = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "message_id"], name="received_once"),
        ]
        indexes = [
            partial_index("received_event_due", "connection", "id", settled_at__isnull=True),
            partial_index("received_event_settled", "settled_at", settled_at__isnull=False),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.title}"

    @property
    def title(self) -> str:
        """What the event calls its article, or where it is; may be empty."""
        entry: dict[str, str] = self.entry
        return entry.get("title") or entry.get("url") or entry.get("guid") or ""
