"""Pictures of a publication: uploaded, or fetched from the address that an article names."""

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet

from digest.core.choices import LowercaseLabels
from digest.core.database.indexes import partial_index
from digest.core.database.leases import Leased
from digest.core.text import LONGEST_URL
from digest.core.uuids import HasUuid


class Picture(HasUuid, Leased):
    """One picture of one publication; its files are named by its contents (digest.pictures.sizes).

    An upload is unique by its contents, a fetched picture by its address.
    """

    class State(LowercaseLabels, models.TextChoices):
        """Whether mails can show it."""

        DUE = "due", "waits to be fetched"
        READY = "ready"
        REFUSED = "refused"

    class Format(models.TextChoices):
        """What its sizes are stored as."""

        JPEG = "jpeg", "JPEG"
        PNG = "png", "PNG"

    # Not a foreign key, because publications belong to a floor above.
    publication_id = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=State, default=State.READY)
    problem = models.TextField(blank=True)  # why it is refused, or unfit for stories
    source_url = models.CharField(max_length=LONGEST_URL, blank=True)  # blank: uploaded
    sha256 = models.CharField(max_length=64, blank=True)  # hexadecimal, of the bytes that came

    width = models.PositiveIntegerField(default=0)  # pixels as it came, the right way up
    height = models.PositiveIntegerField(default=0)
    format = models.CharField(max_length=4, choices=Format, blank=True)  # of our files
    size = models.PositiveIntegerField(default=0)  # bytes as it came
    focal_x = models.FloatField(default=0.5)  # what crops keep: 0 is the left edge, 1 the right
    focal_y = models.FloatField(default=0.5)  # 0 is the top, 1 the bottom

    alt = models.TextField(blank=True)
    credit = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    next_try_at = models.DateTimeField(null=True)  # of those that are due
    failures = models.PositiveSmallIntegerField(default=0)  # in a row

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["uuid"], name="picture_uuid"),
            models.UniqueConstraint(
                fields=["publication_id", "sha256"],
                condition=Q(source_url=""),
                name="picture_uploaded_once",
            ),
            models.UniqueConstraint(
                fields=["publication_id", "source_url"],
                condition=~Q(source_url=""),
                name="picture_fetched_once",
            ),
            models.CheckConstraint(
                condition=Q(focal_x__range=(0, 1), focal_y__range=(0, 1)),
                name="picture_focal_point_inside",
            ),
            models.CheckConstraint(
                condition=~Q(state="ready") | (~Q(sha256="") & Q(width__gt=0, height__gt=0)),
                name="picture_ready_has_contents",
            ),
        ]
        indexes = [
            partial_index("picture_due", "next_try_at", state="due"),
            models.Index(fields=["publication_id", "-created_at"], name="picture_newest"),
        ]

    def __str__(self) -> str:
        return self.alt or self.source_url or str(self.uuid)

    @classmethod
    def ready(cls) -> QuerySet["Picture"]:
        """Return the pictures that can be shown."""
        return cls.objects.filter(state=cls.State.READY)

    @property
    def is_ready(self) -> bool:
        """Return whether it can be shown."""
        return self.state == self.State.READY
