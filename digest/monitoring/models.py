"""Alerts: what was wrong with this installation, from when until when."""

from django.db import models

from digest.core.database.indexes import partial_index


class Alert(models.Model):
    """Something that an operator has to look at. It is open until it is over."""

    key = models.CharField(max_length=200)  # what it is about: "worker", "relay:second"
    summary = models.TextField()
    began_at = models.DateTimeField()
    notified_at = models.DateTimeField(null=True)  # when somebody was reached
    ended_at = models.DateTimeField(null=True)
    report_at = models.DateTimeField(null=True)  # when to report it next; null: nothing to report
    failures = models.PositiveIntegerField(default=0)  # reports in a row that reached nobody

    class Meta:
        indexes = [partial_index("alert_due", "report_at", report_at__isnull=False)]
        constraints = [
            models.UniqueConstraint(
                fields=["key"], condition=models.Q(ended_at=None), name="alert_open_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.summary}"
