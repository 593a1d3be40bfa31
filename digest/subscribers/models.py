"""Subscribers, what they asked for, what they agreed to, and whom we must not mail."""

from typing import Any, NoReturn

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from digest.newsletters.models import Cadence, Newsletter
from digest.subscribers.errors import SubscriberError

LONGEST_ADDRESS = 320


class Subscriber(models.Model):
    """A person, known by address."""

    email = models.CharField(max_length=LONGEST_ADDRESS)  # as shown and written in To:
    address_key = models.CharField(
        max_length=LONGEST_ADDRESS, unique=True
    )  # core.addresses.Address.key
    name = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=35, blank=True)
    timezone = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            # Whether anybody lives where the next issue's time has come is asked at every tick.
            models.Index(fields=["timezone"], condition=~Q(timezone=""), name="subscriber_zone"),
        ]

    def __str__(self) -> str:
        return self.email


class Subscription(models.Model):
    """What one subscriber asked of one newsletter."""

    class State(models.TextChoices):
        PENDING = "pending", "waits for the subscriber's confirmation"
        ACTIVE = "active", "receives it"
        UNSUBSCRIBED = "unsubscribed", "has left"

    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, related_name="subscriptions"
    )
    newsletter = models.ForeignKey(
        Newsletter, on_delete=models.CASCADE, related_name="subscriptions"
    )
    state = models.CharField(max_length=16, choices=State)
    cadence = models.CharField(
        max_length=8, choices=Cadence, default=Cadence.EVERY, db_default=Cadence.EVERY
    )
    # Titles of topic sections; none: everything.
    topics = ArrayField(models.CharField(max_length=200), default=list, db_default=[], blank=True)
    paused_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    unsubscribed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "newsletter"], name="subscription_once"),
            models.CheckConstraint(
                condition=~Q(state="active") | Q(confirmed_at__isnull=False),
                name="subscription_active_is_confirmed",
            ),
        ]
        indexes = [
            # Planning walks a newsletter's subscribers in this order.
            models.Index(
                fields=["newsletter", "subscriber"],
                condition=Q(state="active"),
                name="subscription_audience",
            ),
            # What was never confirmed is forgotten after a while.
            models.Index(
                fields=["created_at"], condition=Q(state="pending"), name="subscription_pending"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber} to {self.newsletter}"


class AppendOnly(models.QuerySet["ConsentEvent"]):
    """Rows that are added and read; they go only with the subscriber or newsletter they are about."""

    def update(self, **_fields: Any) -> NoReturn:
        """Refuse; the database has a trigger that refuses too."""
        raise SubscriberError("A consent event is never changed.")

    def delete(self) -> NoReturn:
        """Refuse; erasing a subscriber takes their events along by cascade."""
        raise SubscriberError("A consent event is never deleted by itself.")


class ConsentEvent(models.Model):
    """What a subscriber agreed to or took back: when, from where, to which wording. Append-only."""

    class Action(models.TextChoices):
        REQUESTED = "requested"
        CONFIRMED = "confirmed"
        IMPORTED = "imported"
        UNSUBSCRIBED = "unsubscribed"

    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, related_name="consent_events"
    )
    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="+")
    action = models.CharField(max_length=16, choices=Action)
    at = models.DateTimeField()
    via = models.CharField(max_length=32)  # page, one-click, import, command line
    ip = models.GenericIPAddressField(null=True)
    wording = models.TextField(blank=True)
    wording_version = models.CharField(max_length=64, blank=True)

    objects = AppendOnly.as_manager()

    class Meta:
        indexes = [models.Index(fields=["at"], name="consent_by_time")]

    def __str__(self) -> str:
        return f"{self.subscriber} {self.action} {self.newsletter}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the event; a second time is refused."""
        if not self._state.adding:
            raise SubscriberError("A consent event is never changed.")
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse; erasing a subscriber takes their events along by cascade."""
        raise SubscriberError("A consent event is never deleted by itself.")


class Growth(models.Model):
    """How many joined and left a newsletter on a day (UTC): differences, whose sum is how many.

    Written by a trigger on consent events and without foreign keys, so that no writer waits for
    another. Whoever is erased has joined and left all the same.
    """

    day = models.DateField()
    newsletter_id = models.BigIntegerField()
    joined = models.BigIntegerField()
    gone = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["day"], name="growth_by_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.joined:+} {-self.gone:+}"


class Suppression(models.Model):
    """An address that must not be mailed, by one newsletter or (newsletter absent) by any.

    Of an erased subscriber only a keyed hash is kept (digest.subscribers.hashing).
    """

    address_key = models.CharField(max_length=LONGEST_ADDRESS)  # or the hash of it
    newsletter = models.ForeignKey(
        Newsletter, on_delete=models.CASCADE, null=True, related_name="suppressions"
    )
    reason = models.CharField(max_length=64)
    evidence = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["address_key", "newsletter"],
                nulls_distinct=False,
                name="suppression_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.address_key}: {self.reason}"


class SignUp(models.Model):
    """A wish to subscribe as it came in; a worker settles it, out of the stranger's sight.

    So the door does the same work for every address, known or not, and answers in the same time.
    """

    email = models.CharField(max_length=LONGEST_ADDRESS)
    address_key = models.CharField(max_length=LONGEST_ADDRESS)
    newsletters = ArrayField(models.BigIntegerField())  # ids, of one publication
    language = models.CharField(max_length=35, blank=True)
    via = models.CharField(max_length=32)
    ip = models.GenericIPAddressField(null=True)
    wording = models.TextField(blank=True)
    wording_version = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.email}, {self.at:%Y-%m-%d %H:%M} UTC"


class AddressChange(models.Model):
    """A subscriber's wish to be mailed elsewhere; it holds once the new address has confirmed it."""

    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, related_name="address_changes"
    )
    email = models.CharField(max_length=LONGEST_ADDRESS)
    address_key = models.CharField(max_length=LONGEST_ADDRESS)
    former_email = models.CharField(max_length=LONGEST_ADDRESS, blank=True)  # once confirmed
    asked_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.subscriber} to {self.email}"


class UnsubscribeFeedback(models.Model):
    """Why somebody left, if they cared to say; kept without their name when they are erased."""

    class Reason(models.TextChoices):
        TOO_OFTEN = "too often"
        NOT_INTERESTING = "not interesting"
        NEVER_ASKED = "never asked"
        ELSEWHERE = "read elsewhere"
        OTHER = "other"

    newsletter = models.ForeignKey(
        Newsletter, on_delete=models.CASCADE, related_name="unsubscribe_feedback"
    )
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.SET_NULL, null=True, related_name="unsubscribe_feedback"
    )
    reason = models.CharField(max_length=16, choices=Reason)
    words = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "newsletter"], name="farewell_once"),
        ]

    def __str__(self) -> str:
        return f"{self.newsletter}: {self.reason}"
