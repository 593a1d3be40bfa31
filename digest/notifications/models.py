"""What the newsroom was told of."""

from django.db import models

from digest.accounts.topics import NewsroomEvent


class Notification(models.Model):
    """Something that happened, which the newsroom is told of once."""

    event = models.CharField(max_length=8, choices=NewsroomEvent)
    key = models.CharField(max_length=100)  # what it happened to, and when if that may be again
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "key"], name="notification_once"),
        ]
        indexes = [models.Index(fields=["at"], name="notification_by_time")]

    def __str__(self) -> str:
        return f"{self.event} {self.key}"
