"""Which data these are and how far they go, and times at which no mail was sent."""

import uuid

from django.db import models
from django.db.models import Q


class Installation(models.Model):
    """The one row that says which data these are. A copy of the database has the same."""

    ONLY_ROW = 1  # the primary key of the row

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY_ROW)
    key = models.UUIDField(default=uuid.uuid4)
    # Counted while workers run; the same number is written to places outside the database
    # (digest.installation.witnesses), so that data from before show themselves.
    beats = models.BigIntegerField(default=0)
    beat_at = models.DateTimeField(null=True)
    # The last one of `digest backup`; what a backup itself has is the one before it.
    backup_at = models.DateTimeField(null=True)
    backup_path = models.TextField(default="")
    backup_size = models.BigIntegerField(null=True)  # bytes

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="installation_only_one")]

    def __str__(self) -> str:
        return f"Installation {self.key}"


class Hold(models.Model):
    """A time in which no issue is built and no mail is sent, until a person releases it."""

    class Reason(models.TextChoices):
        """Why it began."""

        RESTORED = "restored", "an older state of the database was restored"
        MOVED = "moved", "the database is new in this place"
        REQUESTED = "requested", "somebody asked for it"

    reason = models.CharField(max_length=16, choices=Reason)
    data_until = models.DateTimeField(null=True)  # the last beat: what came later is missing
    began_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Held: {self.get_reason_display()}"
