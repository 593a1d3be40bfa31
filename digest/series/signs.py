"""Who is inactive, and who is not any more: `digest.bounces.sunset` says so, which stands above."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from django.db.models import Exists, QuerySet

from digest.newsletters.models import Newsletter
from digest.subscribers.models import Subscription


class Inactivity(NamedTuple):
    """How a newsletter's rule for inactive subscribers is asked."""

    obstacle: Callable[[Newsletter, datetime], str]  # why nobody can be told inactive; ""
    inactive: Callable[[Newsletter, datetime], QuerySet[Subscription]]
    # Conditions on enrolments: their subscriber has shown a sign of life since they entered.
    shown_since_entering: Callable[[], list[Exists]]


_registered: list[Inactivity] = []


def register(inactivity: Inactivity) -> None:
    """Let inactivity be judged in this way; once, when Django starts."""
    _registered[:] = [inactivity]


def obstacle(newsletter: Newsletter, now: datetime) -> str:
    """Return why nobody of a newsletter can be told inactive; "" if they can."""
    (inactivity,) = _registered
    return inactivity.obstacle(newsletter, now)


def inactive(newsletter: Newsletter, now: datetime) -> QuerySet[Subscription]:
    """Return the subscriptions of a newsletter that are inactive at `now` (aware, UTC)."""
    (inactivity,) = _registered
    return inactivity.inactive(newsletter, now)


def shown_since_entering() -> list[Exists]:
    """Return conditions on enrolments, each that a kind of sign was shown since they entered."""
    (inactivity,) = _registered
    return inactivity.shown_since_entering()
