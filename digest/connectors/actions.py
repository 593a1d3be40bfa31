"""What can happen to an article. Apart from `reading`, whose parsers not every process needs."""

from django.db.models import TextChoices


class Action(TextChoices):
    """What happened to an article."""

    PUBLISH = "publish", "published"
    CORRECT = "correct", "corrected"
    RETRACT = "retract", "retracted"
