"""Alerts: what was wrong with this installation, from when until when."""

from django.db import models


class Alert(models.Model):
    """Something that an operator has to look at. It is open until it is over."""

    key = models.CharField(max_length=200)  # what it is about: "worker", "relay:second"
    summary = models.TextField()
    began_at = models.DateTimeField()
    notified_at = models.DateTimeField(null=True)  # not before it has lasted for a while
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["key"], condition=models.Q(ended_at=None), name="alert_open_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.summary}"
