"""Subscribers, their subscriptions and consent, suppressed addresses, and feedback."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from digest.core.choices import LowercaseLabels
from digest.core.database.indexes import partial_index
from digest.core.uuids import HasUuid
from digest.newsletters.models import Cadence, Newsletter, Publication
from digest.subscribers.evidence.append_only import AppendOnly, AppendOnlyModel
from digest.subscribers.evidence.origins import HasOrigin

LONGEST_ADDRESS = 320
LONGEST_NAME = 200
LONGEST_TAG = 60


class Subscriber(HasUuid):
    """A person, identified by address."""

    email = models.CharField(max_length=LONGEST_ADDRESS)  # as shown and written in To:
    address_key = models.CharField(
        max_length=LONGEST_ADDRESS, unique=True
    )  # core.addresses.Address.key
    name = models.CharField(max_length=LONGEST_NAME, blank=True)
    language = models.CharField(max_length=35, blank=True)
    timezone = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    acted_at = models.DateTimeField(null=True)  # last changed a preference, or wrote to us

    class Meta:
        indexes = [
            # Every tick checks whether any subscriber lives in a zone where an issue is due.
            models.Index(fields=["timezone"], condition=~Q(timezone=""), name="subscriber_zone"),
        ]

    def __str__(self) -> str:
        return self.email


class Subscription(models.Model):
    """One subscriber's subscription to one newsletter."""

    class State(LowercaseLabels, models.TextChoices):
        """Whether a subscriber gets the newsletter."""

        PENDING = "pending", "not confirmed yet"
        ACTIVE = "active", "subscribed"
        UNSUBSCRIBED = "unsubscribed"

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
    # Titles of topic blocks; none: everything.
    topics = ArrayField(models.CharField(max_length=200), default=list, db_default=[], blank=True)
    # Titles of topic blocks whose stories are left out, unless they are about a chosen one too.
    muted_topics = ArrayField(
        models.CharField(max_length=200), default=list, db_default=[], blank=True
    )
    paused_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    unsubscribed_at = models.DateTimeField(null=True)
    # Entered in forms, until it is confirmed: digest.subscribers.evidence.requests.
    answers = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "newsletter"], name="subscription_once"),
            models.CheckConstraint(
                condition=~Q(state="active") | Q(confirmed_at__isnull=False),
                name="subscription_active_is_confirmed",
            ),
        ]
        indexes = [
            # Planning reads a newsletter's subscribers in this order.
            partial_index("subscription_audience", "newsletter", "subscriber", state="active"),
            # Unconfirmed subscriptions are deleted after a while.
            partial_index("subscription_pending", "created_at", state="pending"),
            # So is what was entered for somebody who has left.
            partial_index(
                "subscription_entered", "id", state="unsubscribed", answers__isnull=False
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber} to {self.newsletter}"


class Profile(models.Model):
    """What a publication knows of a subscriber: tags, and the values of its attributes.

    Another publication knows nothing of it. docs/decisions/0046 says why it is one row.
    """

    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, related_name="profiles", db_index=False
    )
    publication = models.ForeignKey(
        Publication, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    tags = ArrayField(models.CharField(max_length=LONGEST_TAG), default=list, db_default=[])
    # By Attribute.key: text, a number, true or false; a date as "2026-11-30". Unset: no key.
    attributes = models.JSONField(default=dict)
    # Values entered at sign-ups, until the subscriber confirms one: evidence.requests.
    unconfirmed = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "publication"], name="profile_once"),
        ]
        indexes = [
            GinIndex(fields=["tags"], name="profile_tags"),
            GinIndex(
                fields=["attributes"], opclasses=["jsonb_path_ops"], name="profile_attributes"
            ),
            partial_index("profile_entered", "id", unconfirmed__isnull=False),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber} in {self.publication}"


class ConsentEvent(AppendOnlyModel, HasOrigin):
    """Consent given or withdrawn: when, from where, to which wording. Append-only."""

    class Action(models.TextChoices):
        """What happened to a consent."""

        REQUESTED = "requested"
        CONFIRMED = "confirmed"
        IMPORTED = "imported"
        UNSUBSCRIBED = "unsubscribed"
        RESTORED = "restored"  # an editor's removal was undone: the consent before it holds

    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, related_name="consent_events"
    )
    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="+")
    action = models.CharField(max_length=16, choices=Action)
    at = models.DateTimeField()
    via = models.CharField(max_length=32)  # page, one-click, import, command line, "form 12"
    ip = models.GenericIPAddressField(null=True)
    wording = models.TextField(blank=True)
    wording_version = models.CharField(max_length=64, blank=True)
    issue_id = models.BigIntegerField(null=True)  # in whose mail the link to unsubscribe was

    objects = AppendOnly.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["at"], name="consent_by_time"),
            # Statistics count the requests of a newsletter by where they came from.
            models.Index(
                fields=["newsletter", "at"],
                include=["page", "campaign", "subscriber"],
                condition=Q(action="requested") & ~Q(page="", campaign=""),
                name="consent_by_origin",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber} {self.action} {self.newsletter}"


class Growth(models.Model):
    """How many joined and left a newsletter on a day (UTC): several rows, to be summed.

    Triggers write them, without foreign keys, so that writers do not wait for each other. Who is
    erased while subscribed has left. The sum of all rows is how many are subscribed.
    """

    day = models.DateField()
    newsletter_id = models.BigIntegerField()
    # Where they signed up: `ConsentEvent.via` of their request; blank: not known.
    source = models.CharField(max_length=32, db_default="", blank=True)
    joined = models.BigIntegerField()
    left = models.BigIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["day"], name="growth_by_day"),
            models.Index(
                fields=["newsletter_id", "day"],
                include=["source", "joined", "left"],
                name="growth_of_newsletter",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.joined:+} {-self.left:+}"


class Cohort(models.Model):
    """How many of those who joined in a month left in which: several rows, to be summed.

    Months (UTC) are named by their first day. Without `left` it is how many joined.
    """

    newsletter_id = models.BigIntegerField()
    joined = models.DateField()
    left = models.DateField(null=True)
    subscribers = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["newsletter_id", "joined"], name="cohort_of_newsletter")]

    def __str__(self) -> str:
        return f"{self.joined:%Y-%m}: {self.subscribers:+}"


class Suppression(models.Model):
    """An address that must not be mailed: by one newsletter or (newsletter is null) by any.

    Of an erased subscriber's address only a keyed hash is stored (digest.subscribers.hashing).
    """

    address_key = models.CharField(max_length=LONGEST_ADDRESS)  # or its hash
    newsletter = models.ForeignKey(
        Newsletter, on_delete=models.CASCADE, null=True, related_name="suppressions"
    )
    reason = models.CharField(max_length=64)
    evidence = models.TextField(blank=True)
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)  # the subscriber, whatever the reason says

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


class SignUp(HasOrigin):
    """A request to subscribe as it came in; a worker settles it later.

    So a form does the same work for every address, and responds in the same time.
    """

    email = models.CharField(max_length=LONGEST_ADDRESS)
    address_key = models.CharField(max_length=LONGEST_ADDRESS)
    newsletters = ArrayField(models.BigIntegerField())  # ids, of one publication
    language = models.CharField(max_length=35, blank=True)
    via = models.CharField(max_length=32)
    ip = models.GenericIPAddressField(null=True)
    wording = models.TextField(blank=True)
    wording_version = models.CharField(max_length=64, blank=True)
    values = models.JSONField(default=dict)  # of attributes, by key
    answers = models.JSONField(null=True)  # see digest.subscribers.evidence.answers
    reads = models.CharField(max_length=16, blank=True)  # key of a past issue asked for instead
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.email}, {self.at:%Y-%m-%d %H:%M} UTC"


class AddressChange(HasUuid):
    """A subscriber's request to change their address; it applies once the new one confirms it."""

    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, related_name="address_changes"
    )
    email = models.CharField(max_length=LONGEST_ADDRESS)
    address_key = models.CharField(max_length=LONGEST_ADDRESS)
    former_email = models.CharField(max_length=LONGEST_ADDRESS, blank=True)  # once confirmed
    requested_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.subscriber} to {self.email}"


class UnsubscribeFeedback(models.Model):
    """Why somebody unsubscribed; after an erasure it stays, without the subscriber."""

    class Reason(models.TextChoices):
        """Why nobody was added."""

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
    comment = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscriber", "newsletter"], name="unsubscribe_feedback_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.newsletter}: {self.reason}"
