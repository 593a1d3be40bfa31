"""Changes to many subscribers, and what they changed."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from digest.core.database.indexes import partial_index
from digest.core.database.leases import Leased
from digest.core.text import counted
from digest.newsletters.models import Publication
from digest.subscribers.models import Subscriber

LONGEST_SELECTION = 500


class BulkChange(models.Model):
    """What an editor does to the subscribers that they selected."""

    class Kind(models.TextChoices):
        """What is done to each subscriber."""

        ADD_TAG = "add-tag", "Add tag"
        REMOVE_TAG = "remove-tag", "Remove tag"
        SET_ATTRIBUTE = "attribute", "Set attribute"
        PAUSE = "pause"
        INVITE = "invite", "Invite to newsletter"
        REMOVE = "remove", "Remove from newsletter"
        ERASE = "erase"

    class State(models.TextChoices):
        """How far a change is."""

        DRAFT = "draft", "Not started"
        RUNNING = "running", "In progress"
        DONE = "done"
        STOPPED = "stopped"
        UNDOING = "undoing", "Being undone"
        UNDONE = "undone"

    publication = models.ForeignKey(Publication, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    selection = models.CharField(max_length=LONGEST_SELECTION)  # for people
    selected = models.PositiveIntegerField()  # subscribers
    kind = models.CharField(max_length=16, choices=Kind, blank=True)  # blank: not chosen yet
    values = models.JSONField(default=dict)  # what its action reads: a tag, an attribute and value
    state = models.CharField(max_length=16, choices=State, default=State.DRAFT)
    changed = models.PositiveIntegerField(default=0)  # subscribers, once it is over
    restored = models.PositiveIntegerField(default=0)  # of them, by the undoing
    reasons = models.JSONField(default=dict)  # why others were not changed: how many
    note = models.TextField(blank=True)  # why Digest stopped it
    created_at = models.DateTimeField()
    begun_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="draft") | Q(begun_at__isnull=False), name="bulk_change_begun"
            ),
            models.CheckConstraint(
                condition=Q(state="draft") | ~Q(kind=""), name="bulk_change_has_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display() or 'Change'}: {counted(self.selected, 'subscriber')}"


class BulkChunk(Leased):
    """Some of the subscribers of a change, which one transaction changes or restores."""

    change = models.ForeignKey(BulkChange, on_delete=models.CASCADE, related_name="chunks")
    subscriber_ids = ArrayField(models.BigIntegerField())
    changed = models.PositiveIntegerField(default=0)
    restored = models.PositiveIntegerField(default=0)
    reasons = models.JSONField(default=dict)
    settled_at = models.DateTimeField(null=True)  # when they were changed
    undone_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            partial_index("bulk_chunk_due", "change", "id", settled_at=None),
        ]

    def __str__(self) -> str:
        return counted(len(self.subscriber_ids), "subscriber")


class BulkItem(models.Model):
    """A subscriber whom a change has changed, and what they had before; deleted with them."""

    chunk = models.ForeignKey(BulkChunk, on_delete=models.CASCADE, related_name="items")
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="bulk_items")
    before = models.JSONField(null=True)

    def __str__(self) -> str:
        return f"{self.subscriber_id} in {self.chunk_id}"
