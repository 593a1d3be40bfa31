"""When the next digest goes out, for the welcome and the empty mailbox."""

from datetime import datetime
from typing import NamedTuple

from digest.core import clock
from digest.newsletters.models import Schedule
from digest.newsletters.publicity.states import SENDING
from digest.newsletters.schedules import rule_of, upcoming


class Upcoming(NamedTuple):
    """A newsletter, and the moment of its next digest."""

    newsletter: str
    at: datetime  # UTC
    local_time: str  # in the schedule's own zone
    wait: str  # "in 48 seconds"


def first(now: datetime) -> Upcoming | None:
    """Return the next digest of all newsletters, or None if none is planned."""
    sending = Schedule.objects.filter(newsletter__state__in=SENDING).select_related("newsletter")
    planned = [
        (slot, schedule) for schedule in sending for slot in upcoming(rule_of(schedule), now, 1)
    ]
    if not planned:
        return None
    at, schedule = min(planned, key=lambda pair: pair[0])
    local_time = clock.format_moment(at, clock.zone(schedule.timezone))
    return Upcoming(schedule.newsletter.name, at, local_time, clock.in_words(at - now))
