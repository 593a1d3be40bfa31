"""Single mails to one person."""

from django.db import models
from django.db.models import Q

from digest.newsletters.models import Publication
from digest.relays.models import Dispatch
from digest.subscribers.models import LONGEST_ADDRESS, Subscriber


class Notice(Dispatch):
    """A single mail about a subscriber's own affairs. It quotes nothing that a stranger typed."""

    class Kind(models.TextChoices):
        CONFIRM = "confirm", "asks to confirm a subscription"
        WELCOME = "welcome", "welcomes a new subscriber"
        LINK = "link", "brings the link to the preferences"
        CHANGE = "change", "asks the new address to confirm it"
        CHANGED = "changed", "tells the old address of the new one"
        LEFT = "left", "acknowledges leaving by mail"
        HELP = "help", "says which addresses there are"
        PAUSED = "paused", "tells an editor of a domain that refuses us"
        ACCOUNT = "account", "is about somebody's account in the console"
        COPY = "copy", "brings an issue once more"

    kind = models.CharField(max_length=8, choices=Kind)
    lease_until = models.DateTimeField(null=True)
    attempted_at = models.DateTimeField(null=True)  # of the present claim; cleared with it
    publication = models.ForeignKey(Publication, on_delete=models.CASCADE, related_name="notices")
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, null=True, related_name="notices"
    )
    email = models.CharField(max_length=LONGEST_ADDRESS)
    mailbox = models.CharField(max_length=LONGEST_ADDRESS)  # folded: the key of limits
    answers_mail = models.BooleanField(default=False)  # RFC 3834 rules it
    language = models.CharField(max_length=35, blank=True)
    context = models.JSONField(default=dict)  # ids: {"newsletters": [1, 2]}, {"change": 7}
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state=1) | Q(fence__isnull=False, lease_until__isnull=False),
                name="notice_claimed_has_lease",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(state__in=[0, 2]), name="notice_due"),
            models.Index(fields=["lease_until"], condition=Q(state=1), name="notice_leased"),
            # "At most one to an address in an hour" is looked up here.
            models.Index(fields=["mailbox", "created_at"], name="notice_to_mailbox"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.email}: {self.get_state_display()}"
