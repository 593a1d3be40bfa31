"""Transactional mails, each to one person."""

from django.db import models
from django.db.models import Q

from digest.core.choices import LowercaseLabels
from digest.core.database.indexes import partial_index
from digest.core.database.leases import Leased
from digest.core.uuids import HasUuid
from digest.newsletters.models import Publication
from digest.relays.models import Dispatch
from digest.subscribers.models import LONGEST_ADDRESS, Subscriber


class Notice(Dispatch, Leased, HasUuid):
    """A transactional mail to one person. It quotes nothing that a stranger typed."""

    class Kind(models.TextChoices):
        """What a notice does."""

        CONFIRM = "confirm", "asks to confirm a subscription"
        WELCOME = "welcome", "welcomes a new subscriber"
        LINK = "link", "sends the link to the preferences"
        CHANGE = "change", "asks the new address to confirm it"
        CHANGED = "changed", "informs the old address of the new one"
        LEFT = "left", "acknowledges an unsubscription by mail"
        HELP = "help", "explains the addresses that accept mail"
        STAY = "stay", "asks an inactive subscriber whether to go on"
        PAUSED = "paused", "warns an editor of a domain that refuses mail"
        DROP = "drop", "warns an editor of a mailbox provider that takes mail worse than before"
        EVENT = "event", "tells an editor what happened to an issue or a source"
        ACCOUNT = "account", "is about an account of the console"
        COPY = "copy", "sends an issue again"
        READ = "read", "sends a link to past issues"

    class Precedence(LowercaseLabels, models.IntegerChoices):
        """Which of the notices that are due goes first."""

        FIRST = 0  # of accounts: somebody waits at the console
        USUAL = 1
        IN_BULK = 2  # thousands at once, for which nobody waits

    kind = models.CharField(max_length=8, choices=Kind)
    publication = models.ForeignKey(Publication, on_delete=models.CASCADE, related_name="notices")
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, null=True, related_name="notices"
    )
    email = models.CharField(max_length=LONGEST_ADDRESS)
    mailbox = models.CharField(max_length=LONGEST_ADDRESS)  # folded: the key of limits
    answers_mail = models.BooleanField(default=False)  # RFC 3834 applies
    language = models.CharField(max_length=35, blank=True)
    context = models.JSONField(default=dict)  # ids: {"newsletters": [1, 2]}, {"change": 7}
    precedence = models.PositiveSmallIntegerField(choices=Precedence, default=Precedence.USUAL)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state=Dispatch.State.CLAIMED) | Q(lease_until__isnull=False),
                name="notice_claimed_has_lease",
            ),
        ]
        indexes = [
            partial_index("notice_due", "precedence", "due_at", "id", state__in=Dispatch.DUE),
            partial_index("notice_leased", "lease_until", state=Dispatch.State.CLAIMED),
            # Serves "at most one an hour to an address".
            models.Index(fields=["mailbox", "created_at"], name="notice_to_mailbox"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.email}: {self.get_state_display()}"
