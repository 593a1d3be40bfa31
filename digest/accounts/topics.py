"""What members of a newsroom may be told of by mail, each as they wish."""

from django.db.models import TextChoices


class NewsroomEvent(TextChoices):
    """Something that a member may be told of."""

    WAITING = "waiting", "An issue waits for approval"
    SKIPPED = "skipped", "An issue was skipped (at most one email a day for each newsletter)"
    FAILED = "failed", "An issue is paused because something is wrong with it"
    DOMAIN = "domain", "A mailbox provider refuses our mail, and is paused"
    DROP = "drop", "A mailbox provider takes mail far worse than before"
    SOURCE = "source", "A source was switched off"
    WEBHOOK = "webhook", "A webhook was disabled (for owners)"
