"""Webhooks, and the events on their way to them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from digest.core.choices import LowercaseLabels
from digest.core.database.indexes import partial_index
from digest.core.database.leases import Leased
from digest.core.uuids import HasUuid
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter, Publication
from digest.series.models import Enrolment
from digest.subscribers.models import Subscriber
from digest.webhooks.events import Event


class Webhook(models.Model):
    """An address that events are posted to, and how that is going."""

    name = models.SlugField(max_length=64, unique=True)
    url = models.CharField(max_length=2000)
    sealed_secret = models.TextField()  # digest.core.sealing
    events = ArrayField(models.CharField(max_length=32, choices=Event))
    publication = models.ForeignKey(  # null: all publications
        Publication, on_delete=models.CASCADE, null=True, related_name="webhooks"
    )
    created_at = models.DateTimeField()

    failures = models.PositiveIntegerField(default=0)  # in a row
    failing_since = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)  # not called before this
    disabled_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True)  # the last problem, or why it was disabled

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(events=[]), name="webhook_has_event"),
        ]

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(Leased, HasUuid):
    """One event to deliver to one webhook. A trigger inserts it with the change that it reports.

    It holds only ids, so nothing of a subscriber remains when they are erased.
    """

    class State(LowercaseLabels, models.IntegerChoices):
        """Where an event is on its way to the webhook."""

        WAITING = 0
        CLAIMED = 1
        DELIVERED = 2
        GIVEN_UP = 3

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=32, choices=Event)
    at = models.DateTimeField()  # of the event
    newsletter = models.ForeignKey(
        Newsletter, on_delete=models.CASCADE, null=True, related_name="+"
    )
    publication = models.ForeignKey(  # where there is no newsletter; null: of all publications
        Publication, on_delete=models.CASCADE, null=True, related_name="+"
    )
    details = models.JSONField(null=True)  # of an event of the newsroom: nothing of a subscriber
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, null=True, related_name="+"
    )
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, null=True, related_name="+")
    # A plain number: a foreign key would have millions of deliveries looked at when they go.
    delivery_id = models.BigIntegerField(null=True)
    enrolment = models.ForeignKey(Enrolment, on_delete=models.CASCADE, null=True, related_name="+")

    state = models.SmallIntegerField(choices=State, default=State.WAITING)
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    settled_at = models.DateTimeField(null=True)
    reply = models.TextField(blank=True)

    class Meta:
        indexes = [
            partial_index("webhook_delivery_due", "webhook", "due_at", "id", state=0),
            partial_index("webhook_delivery_leased", "lease_until", state=1),
            partial_index("webhook_delivery_settled", "settled_at", settled_at__isnull=False),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.webhook}: {self.get_state_display()}"
