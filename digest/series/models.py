"""A series, its steps, and who is where in it."""

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q

from digest.core.database.indexes import partial_index
from digest.core.uuids import HasUuid
from digest.issues.models import Issue
from digest.newsletters.audiences.models import Segment
from digest.newsletters.models import Newsletter
from digest.subscribers.models import LONGEST_TAG, Subscriber

LONGEST_NAME = 100
LONGEST_DELAY = 365 * 24 * 60  # minutes


class Outcome(models.TextChoices):
    """What became of a step for a subscriber."""

    SENT = "sent", "planned"
    SKIPPED = "skipped", "left out, its condition did not hold"
    SET_ASIDE = "set_aside", "left out, it may have been sent before older data were restored"


class Series(HasUuid):
    """Mails of a newsletter that each subscriber gets in their own time, step after step.

    A subscriber goes through a series once.
    """

    class Trigger(models.TextChoices):
        """What brings a subscriber into a series."""

        SIGN_UP = "sign_up", "Somebody confirms their subscription"
        INACTIVE = "inactive", "A subscriber becomes inactive"

    class Goal(models.TextChoices):
        """What a subscriber does to end the series early."""

        NONE = "", "None: everybody gets every step"
        CLICKED = "clicked", "They click a link in a mail of the series"
        SEGMENT = "segment", "They belong to a segment"

    newsletter = models.ForeignKey(Newsletter, on_delete=models.CASCADE, related_name="series")
    name = models.CharField(max_length=LONGEST_NAME)
    trigger = models.CharField(max_length=8, choices=Trigger, default=Trigger.SIGN_UP)
    active = models.BooleanField(default=False)  # who is in it waits while it is not
    includes_imported = models.BooleanField(default=False)  # who is imported enters it too
    goal = models.CharField(max_length=8, choices=Goal, default=Goal.NONE, blank=True)
    goal_segment = models.ForeignKey(
        Segment, on_delete=models.RESTRICT, null=True, blank=True, related_name="series_goals"
    )
    # Steps with a delay go out between these hours of each subscriber's day; NULL: at any hour.
    hour_from = models.PositiveSmallIntegerField(null=True, blank=True)
    hour_until = models.PositiveSmallIntegerField(null=True, blank=True)
    avoids_issues = models.BooleanField(default=False)  # no step on a day with an issue
    created_at = models.DateTimeField()
    switched_at = models.DateTimeField(null=True)  # on or off, last

    class Meta:
        ordering = ["name", "pk"]
        verbose_name_plural = "series"
        constraints = [
            models.UniqueConstraint(fields=["newsletter", "name"], name="series_name_once"),
            models.CheckConstraint(
                condition=Q(hour_from=None, hour_until=None)
                | Q(hour_from__lt=F("hour_until"), hour_until__lte=24),
                name="series_hours",
            ),
            models.CheckConstraint(
                condition=Q(goal="segment") ^ Q(goal_segment=None), name="series_goal_has_segment"
            ),
        ]
        indexes = [
            # Looked at with each consent event.
            partial_index("series_active", "newsletter", active=True),
        ]

    def __str__(self) -> str:
        return self.name


class Step(models.Model):
    """A mail of a series: when it goes out, to whom, and what it says.

    Editors write its draft. Publishing makes a version of it: an issue that stands open, into which
    the subscribers are planned for whom the step is due (docs/decisions/0056).
    """

    class Stories(models.TextChoices):
        """Which stories a step shows."""

        NONE = "", "None but those in its text"
        LATEST = "latest", "Those of the latest issue"
        CHOSEN = "chosen", "Those of one issue"

    class Condition(models.TextChoices):
        """Who gets a step."""

        NONE = "", "Everybody"
        CLICKED = "clicked", "Who clicked in an earlier mail of the series"
        NOT_CLICKED = "not_clicked", "Who did not click in an earlier mail of the series"
        TAG = "tag", "Who has a tag"
        NOT_TAG = "not_tag", "Who does not have a tag"
        SEGMENT = "segment", "Who belongs to a segment"
        NOT_SEGMENT = "not_segment", "Who does not belong to a segment"

    class Otherwise(models.TextChoices):
        """What those do who do not get a step."""

        SKIP = "skip", "go on with the next step"
        STOP = "stop", "leave the series"

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    delay_minutes = models.PositiveIntegerField(  # after the step before, or after entering
        default=0, validators=[MaxValueValidator(LONGEST_DELAY)]
    )
    condition = models.CharField(
        max_length=12, choices=Condition, default=Condition.NONE, blank=True
    )
    tag = models.CharField(max_length=LONGEST_TAG, blank=True)  # of a condition
    segment = models.ForeignKey(  # of a condition
        Segment, on_delete=models.RESTRICT, null=True, blank=True, related_name="series_steps"
    )
    otherwise = models.CharField(max_length=4, choices=Otherwise, default=Otherwise.SKIP)
    stories = models.CharField(max_length=8, choices=Stories, default=Stories.NONE, blank=True)
    shown_issue = models.ForeignKey(  # whose stories it shows: the chosen one, or the latest so far
        Issue, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    draft = models.OneToOneField(Issue, on_delete=models.RESTRICT, related_name="step")
    # The version that is sent now; NULL: nobody has published it yet.
    version = models.OneToOneField(
        Issue, on_delete=models.SET_NULL, null=True, related_name="current_step"
    )
    version_revision = models.PositiveIntegerField(default=0)  # of the draft that it was made of

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["series", "position"],
                name="step_position",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.CheckConstraint(
                condition=Q(condition__in=["tag", "not_tag"]) ^ Q(tag=""), name="step_has_tag"
            ),
            models.CheckConstraint(
                condition=Q(condition__in=["segment", "not_segment"]) ^ Q(segment=None),
                name="step_has_segment",
            ),
        ]

    def __str__(self) -> str:
        return self.draft.own_subject or f"Step {self.number}"

    @property
    def number(self) -> int:
        """Its place in the series, from 1."""
        return self.position + 1

    @property
    def is_immediate(self) -> bool:
        """Whether it goes out at once: at whatever hour, and on days with an issue too."""
        return self.delay_minutes == 0

    @property
    def has_changes(self) -> bool:
        """Whether its draft was changed since it was published, or never was."""
        is_published = self.version_id is not None
        return not (is_published and self.draft.says_the_same_as(self.version_revision))


class Enrolment(models.Model):
    """A subscriber in a series: which step is next, or how it ended."""

    class State(models.TextChoices):
        """Where a subscriber stands in a series."""

        ACTIVE = "active", "in the series"
        COMPLETED = "completed", "had every step"
        CONVERTED = "converted", "reached the goal"
        STOPPED = "stopped", "left at a step whose condition did not hold"
        LEFT = "left", "unsubscribed, or may not be mailed"
        REMOVED = "removed", "removed by the team"

    series = models.ForeignKey(
        Series, on_delete=models.CASCADE, related_name="enrolments", db_index=False
    )
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="enrolments")
    state = models.CharField(max_length=9, choices=State, default=State.ACTIVE)
    next_step = models.ForeignKey(
        Step, on_delete=models.RESTRICT, null=True, related_name="+", db_index=False
    )
    entered_at = models.DateTimeField()
    since = models.DateTimeField()  # from when the delay of the next step counts
    due_at = models.DateTimeField(null=True)  # of the next step
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series", "subscriber"], name="enrolment_once"),
            models.CheckConstraint(
                condition=Q(state="active", due_at__isnull=False, next_step__isnull=False)
                | Q(~Q(state="active"), due_at=None, next_step=None, ended_at__isnull=False),
                name="enrolment_is_active_or_ended",
            ),
        ]
        indexes = [
            partial_index("enrolment_due", "next_step", "due_at", state="active"),
            models.Index(fields=["series", "state"], name="enrolment_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber} in {self.series}: {self.get_state_display()}"


class Passage(models.Model):
    """That a subscriber is past a step: it was planned for them, or left out."""

    step = models.ForeignKey(
        Step, on_delete=models.CASCADE, related_name="passages", db_index=False
    )
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="+")
    outcome = models.CharField(max_length=9, choices=Outcome)
    issue = models.ForeignKey(  # the version that was sent
        Issue, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        constraints = [
            # Nobody gets a step twice, in whichever version.
            models.UniqueConstraint(fields=["step", "subscriber"], name="passage_once"),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber}, {self.step}: {self.get_outcome_display()}"


class Version(models.Model):
    """An issue that was sent for a step, now or before."""

    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="versions")
    issue = models.OneToOneField(Issue, on_delete=models.CASCADE, related_name="version_of")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.step} of {self.made_at:%Y-%m-%d %H:%M} UTC"
