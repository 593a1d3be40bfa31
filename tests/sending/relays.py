"""What the tests of several relays share."""

from collections.abc import Callable

from digest.issues.models import Issue
from digest.relays.models import Relay
from digest.sending.models import Delivery
from digest.subscribers.models import Subscriber
from tests.cast import LONG_AGO
from tests.smtp_server import SmtpServer

AddRelay = Callable[..., tuple[Relay, SmtpServer]]  # a name, a script, options of the relay


def move_subscribers(issue: Issue, domain: str, keep: int = 0) -> None:
    """Move all subscribers of an issue except the first `keep` to addresses at a domain."""
    subscribers = Subscriber.objects.filter(deliveries__issue=issue).order_by("pk")
    for number, subscriber in enumerate(subscribers[keep:]):
        Subscriber.objects.filter(pk=subscriber.pk).update(email=f"r{number}@{domain}")


def make_all_due() -> None:
    """Make everything due that waits."""
    waiting = [Delivery.State.QUEUED, Delivery.State.DEFERRED]
    Delivery.objects.filter(state__in=waiting).update(due_at=LONG_AGO)
