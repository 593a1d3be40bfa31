"""The experiment of an issue."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from digest.core.choices import LowercaseLabels
from digest.core.database.indexes import partial_index


class Experiment(models.Model):
    """What is tried on a share of an issue's subscribers; the rest gets what most people clicked.

    Variant 0 is the issue as it is; the others, from 1 on, have another subject, or another story
    that stands first (`variants`).
    """

    class Kind(LowercaseLabels, models.TextChoices):
        """What is tried."""

        SUBJECTS = "subjects"
        LEADS = "leads", "lead stories"

    class Finding(LowercaseLabels, models.TextChoices):
        """How it ended."""

        NONE = "", "not known yet"
        WINNER = "winner"
        NO_DIFFERENCE = "no_difference"
        CHOSEN = "chosen", "chosen by a person"
        STOPPED = "stopped"  # it could not run to its end: `reason` says why

    issue = models.OneToOneField(
        "issues.Issue", on_delete=models.CASCADE, related_name="experiment"
    )
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.SUBJECTS)
    # Of variants 1 and so on, plain text, not templates.
    subjects = ArrayField(models.CharField(max_length=250), default=list, blank=True)
    # Ids of stories of the issue; some may be gone.
    leads = ArrayField(models.BigIntegerField(), default=list, blank=True)
    share = models.PositiveSmallIntegerField()  # per cent of the subscribers, all variants together
    minutes = models.PositiveIntegerField()  # that clicks are counted before the rest is sent
    decides_at = models.DateTimeField(null=True)  # set when the issue is planned
    paused_at = models.DateTimeField(null=True)  # as long as the issue is paused while it runs
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(  # who ended it early
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    winner = models.PositiveSmallIntegerField(null=True)  # the variant that the rest gets
    finding = models.CharField(max_length=16, choices=Finding, default=Finding.NONE, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    # By variant when it was decided: [{"mails": 500, "clickers": 40, "best": 0.97}]
    results = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(share__gte=1, share__lte=100), name="experiment_share"
            ),
            models.CheckConstraint(
                condition=Q(kind="subjects", leads=[]) | Q(kind="leads", subjects=[]),
                name="experiment_tries_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(decided_at__isnull=True) | Q(winner__isnull=False),
                name="experiment_decided_has_winner",
            ),
        ]
        indexes = [
            partial_index("experiment_undecided", "decides_at", decided_at__isnull=True),
        ]

    def __str__(self) -> str:
        return f"{self.issue}: {self.variants} {self.get_kind_display()}"

    @property
    def variants(self) -> int:
        """How many variants there are, with the issue as it is."""
        return 1 + len(self.subjects) + len(self.leads)

    @property
    def has_begun(self) -> bool:
        """Whether mails of it have gone out, or go out now."""
        return self.decides_at is not None
