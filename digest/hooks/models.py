"""Where events are told, and what is still to be told."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from digest.editions.models import Edition
from digest.newsletters.models import Newsletter, Publication
from digest.subscribers.models import Subscriber


class Event(models.TextChoices):
    """What a hook may be told of."""

    SUBSCRIBED = "subscriber.subscribed", "a reader has confirmed a newsletter"
    UNSUBSCRIBED = "subscriber.unsubscribed", "a reader has left a newsletter"
    SENT = "edition.sent", "an edition is done"
    BOUNCED = "delivery.bounced", "a reader's server refused an edition for good"


class WebHook(models.Model):
    """An address that is told of events, and how it is doing."""

    name = models.SlugField(max_length=64, unique=True)
    url = models.CharField(max_length=2000)
    sealed_secret = models.TextField()  # digest.core.sealing
    events = ArrayField(models.CharField(max_length=32, choices=Event))
    publication = models.ForeignKey(  # none: of all
        Publication, on_delete=models.CASCADE, null=True, related_name="hooks"
    )
    created_at = models.DateTimeField()

    failures = models.PositiveIntegerField(default=0)  # in a row
    failing_since = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)  # nobody knocks before this
    disabled_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True)  # what went wrong last, or why it was disabled

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(events=[]), name="hook_has_event"),
        ]

    def __str__(self) -> str:
        return self.name


class Word(models.Model):
    """One event to be told to one hook. Triggers lay it down with the change that it is about.

    It holds ids alone, so nothing of a reader stays when they are erased.
    """

    class State(models.IntegerChoices):
        WAITING = 0, "waiting"
        CLAIMED = 1, "claimed"
        TOLD = 2, "told"
        GIVEN_UP = 3, "given up"

    hook = models.ForeignKey(WebHook, on_delete=models.CASCADE, related_name="words")
    event = models.CharField(max_length=32, choices=Event)
    at = models.DateTimeField()  # of the event
    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="+")
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, null=True, related_name="+"
    )
    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, null=True, related_name="+")
    # A plain number: a foreign key would have millions of deliveries looked at when they go.
    delivery_id = models.BigIntegerField(null=True)

    state = models.SmallIntegerField(choices=State, default=State.WAITING)
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)  # also the fence of a claim
    lease_until = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    reply = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["hook", "due_at", "id"], condition=Q(state=0), name="word_due"),
            models.Index(fields=["lease_until"], condition=Q(state=1), name="word_leased"),
            models.Index(
                fields=["settled_at"], condition=Q(settled_at__isnull=False), name="word_settled"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.hook}: {self.get_state_display()}"
