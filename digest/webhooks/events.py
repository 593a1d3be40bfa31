"""The events that a webhook can receive."""

from django.db.models import TextChoices


class Event(TextChoices):
    """What a webhook can receive."""

    SUBSCRIBED = "subscriber.subscribed", "a subscriber has confirmed a newsletter"
    UNSUBSCRIBED = "subscriber.unsubscribed", "a subscriber has unsubscribed from a newsletter"
    SENT = "issue.sent", "an issue has been sent to everyone"
    DECIDED = "experiment.decided", "an experiment of an issue has been decided, ended or stopped"
    STATISTICS = "issue.statistics", "an issue's numbers, a day and a week after it was sent"
    BOUNCED = "delivery.bounced", "an issue was refused permanently, or came back"
    COMPLAINED = "delivery.complained", "a subscriber has marked an issue as spam"
    ENTERED = "series.entered", "a subscriber has entered a series of mails"
    ENDED = "series.ended", "a subscriber has left a series, or had its last step"
    DROPPED = "deliverability.dropped", "a mailbox provider takes an issue far worse than before"
    WAITING = "issue.waiting", "an issue waits for approval"
    SKIPPED = "issue.skipped", "an issue was skipped"
    FAILED = "issue.failed", "an issue is paused because something is wrong with it"
    DOMAIN_PAUSED = "domain.paused", "a mailbox provider refuses our mail, and is paused"
    SOURCE_OFF = "source.disabled", "a source was switched off"
