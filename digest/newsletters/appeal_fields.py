"""The fields of an appeal or a sponsor: what it says, how it looks, and when whose turn it is."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from digest.core.text import LONGEST_URL
from digest.newsletters.audiences.models import Segment


class AppealFields(models.Model):
    """What an appeal says, how it looks, and the rules by which issues show it."""

    class Kind(models.TextChoices):
        """Whose message it is; the values are those of BlockKind."""

        APPEAL = "appeal"
        SPONSOR = "sponsor"

    class Style(models.TextChoices):
        """How a mail shows it."""

        BOX = "box", "Box with text and button"
        LINK = "link", "Plain link in one line"

    class State(models.TextChoices):
        """Whether issues show it; follows from the columns (`state_at`)."""

        RUNNING = "running"
        SCHEDULED = "scheduled"
        ENDED = "ended"
        PAUSED = "paused"
        ARCHIVED = "archived"

    kind = models.CharField(max_length=8, choices=Kind, default=Kind.APPEAL)
    name = models.CharField(max_length=200, blank=True)  # for editors alone; blank: the heading

    label = models.CharField(max_length=80, blank=True)  # above a sponsor: "Sponsored"
    heading = models.CharField(max_length=200, blank=True)  # of a sponsor: its name
    body = models.TextField(blank=True)  # plain text; a blank line parts paragraphs
    button = models.CharField(max_length=80, blank=True)
    url = models.URLField(max_length=LONGEST_URL)
    style = models.CharField(max_length=8, choices=Style, default=Style.BOX)
    picture = models.UUIDField(null=True, blank=True)  # of a picture of the library
    picture_dark = models.UUIDField(null=True, blank=True)  # in its place in dark mode
    picture_alt = models.CharField(max_length=300, blank=True)

    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    paused = models.BooleanField(default=False)
    archived_at = models.DateTimeField(null=True, blank=True)  # deleted, but kept: it ran
    priority = models.PositiveSmallIntegerField(default=0)  # the highest goes first
    weight = models.PositiveSmallIntegerField(default=1)  # its share among those of its priority
    # Turns are counted from here on: since the last change of a rule that decides about them.
    turns_since = models.DateTimeField(null=True)
    # At most so many times for one subscriber, within so many days or in all; none: no limit.
    cap = models.PositiveSmallIntegerField(null=True, blank=True)
    cap_days = models.PositiveSmallIntegerField(null=True, blank=True)
    # Only for these subscribers, for example those who did not give; none: for everyone.
    segment = models.ForeignKey(
        Segment, on_delete=models.RESTRICT, null=True, blank=True, related_name="%(class)ss"
    )

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(condition=Q(weight__gte=1), name="appeal_has_weight"),
            models.CheckConstraint(
                condition=Q(cap__isnull=True) | Q(cap__gte=1), name="appeal_cap_allows_one"
            ),
            models.CheckConstraint(
                condition=Q(cap_days__isnull=True) | Q(cap__isnull=False, cap_days__gte=1),
                name="appeal_days_of_a_cap",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="appeal_ends_after_start",
            ),
        ]

    @classmethod
    def in_state(cls, state: str, now: datetime) -> Q:
        """Return the condition for appeals in a state at `now`; see `state_at`."""
        archived, ended = Q(archived_at__isnull=False), Q(ends_at__isnull=False, ends_at__lte=now)
        open_, started = ~archived & ~ended, Q(starts_at__lte=now)
        return {
            cls.State.ARCHIVED: archived,
            cls.State.ENDED: ended & ~archived,
            cls.State.PAUSED: open_ & Q(paused=True),
            cls.State.SCHEDULED: open_ & Q(paused=False) & ~started,
            cls.State.RUNNING: open_ & Q(paused=False) & started,
        }[cls.State(state)]

    def state_at(self, now: datetime) -> State:
        """Return whether issues that are built at `now` can show it."""
        if self.archived_at:
            return self.State.ARCHIVED
        if self.ends_at and self.ends_at <= now:
            return self.State.ENDED
        if self.paused:
            return self.State.PAUSED
        return self.State.SCHEDULED if self.starts_at > now else self.State.RUNNING
