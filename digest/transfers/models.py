"""What comes from elsewhere: transfers on their way, and past issues that came."""

from datetime import datetime
from typing import Any

from django.db import models

from digest.core.choices import LowercaseLabels
from digest.core.database.indexes import partial_index
from digest.core.database.leases import Leased
from digest.core.uuids import HasUuid
from digest.newsletters.models import Newsletter

LONGEST_FILE_NAME = 200
LONGEST_ORIGIN = 200
LONGEST_SUBJECT = 250


class Transfer(Leased):
    """A list, another service's export, or access to its API, until it is imported or discarded.

    What was uploaded or fetched is deleted when it has been imported, and after a day in any case;
    the key of an API as soon as it is not needed. The report stays longer.
    """

    class State(LowercaseLabels, models.TextChoices):
        """How far a transfer is."""

        PACKING = "packing", "being unpacked"
        FETCHING = "fetching", "fetching from the service"
        CHECKING = "checking", "being read"
        CHECKED = "checked", "waits for you"
        IMPORTING = "importing", "being imported"
        FINISHED = "finished", "imported"
        FAILED = "failed"

    WORKING = (State.PACKING, State.FETCHING, State.CHECKING, State.IMPORTING)  # due for a worker

    class Issues(models.TextChoices):
        """Which past issues come along."""

        PUBLIC = "public", "Those that were public there"
        ALL = "all", "All that everybody got"
        NONE = "none"

    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="transfers")
    service = models.CharField(max_length=32, blank=True)  # a key of services.SERVICES
    reading = models.JSONField(default=dict)  # how a list is read: plain_lists; {} for an export
    file_name = models.CharField(max_length=LONGEST_FILE_NAME, blank=True)
    # A list, or a zip archive (a bundle until it is packed); empty until it is fetched, and at last
    content = models.BinaryField()
    address = models.CharField(max_length=500, blank=True)  # of the service's API
    sealed_key = models.TextField(blank=True)  # of the API (core.sealing), until it is fetched
    consent = models.TextField()
    # What a person chose; see options.Options.
    list_name = models.CharField(max_length=200, blank=True)
    issues = models.CharField(max_length=8, choices=Issues, default=Issues.PUBLIC)
    suppress = models.BooleanField(default=True)
    affirmed = models.BooleanField(default=False)  # services.Service.question
    state = models.CharField(max_length=12, choices=State)
    progress = models.PositiveSmallIntegerField(default=0)  # per cent of what is being done
    attempts = models.PositiveSmallIntegerField(default=0)  # workers that took it up
    problem = models.TextField(blank=True)  # why it failed
    # Of the dry run, then of the import; see reporting and plain_lists.
    report = models.JSONField(default=dict)
    skipped = models.BinaryField()  # rows that were not imported, as CSV, compressed with gzip
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["created_at"], name="transfer_by_time"),
            partial_index(
                "transfer_due", "state", state__in=["packing", "fetching", "checking", "importing"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_name or self.service} into {self.newsletter}"

    @property
    def is_working(self) -> bool:
        """Whether a worker has it, or will."""
        return self.state in self.WORKING


class PastIssue(HasUuid):
    """An issue that another service sent, for the public archive. It has no way to be sent.

    The archive shows it like an issue of ours, so it has what the archive asks of one.
    """

    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="past_issues")
    transfer = models.ForeignKey(
        Transfer, on_delete=models.SET_NULL, null=True, related_name="past_issues"
    )
    service = models.CharField(max_length=32)
    origin = models.CharField(max_length=LONGEST_ORIGIN)  # what it is known by there
    slot = models.DateTimeField()  # when it was sent, to the second
    subject = models.CharField(max_length=LONGEST_SUBJECT)
    preheader = models.CharField(max_length=LONGEST_SUBJECT, blank=True)
    html = models.TextField()  # sanitised (past_issues.clean)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["newsletter", "service", "origin"], name="past_issue_once"
            ),
            models.UniqueConstraint(fields=["newsletter", "slot"], name="past_issue_once_a_slot"),
        ]

    def __str__(self) -> str:
        return f"{self.newsletter}, {self.slot:%Y-%m-%d}: {self.subject}"

    @property
    def planned_at(self) -> datetime:
        """When it was sent."""
        return self.slot

    @property
    def goes_at(self) -> datetime:
        """When it was sent."""
        return self.slot

    @property
    def key(self) -> str:
        """Its part in its archive address: when it was sent, `20261123T070000Z`."""
        return self.slot.strftime("%Y%m%dT%H%M%SZ")

    @property
    def shown_stories(self) -> list[Any]:
        """None: it is one text."""
        return []
