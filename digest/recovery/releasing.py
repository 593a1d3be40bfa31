"""End a hold without sending anything a second time.

find_interrupted    issues that would be sent now, and may have been sent before
find_missed         slots since the restored state; their issues may have been sent
release             these are paused or skipped; an editor resumes or restores what was not sent
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from digest.core import clock, jobs
from digest.installation import holds
from digest.installation.models import Hold
from digest.issues import building
from digest.issues.models import Issue
from digest.newsletters import schedules
from digest.newsletters.models import Newsletter
from digest.notices.models import Notice
from digest.sending import control

PERHAPS_SENT = (
    "This may have been sent already: mail was held after an older state of the database ({}) had "
    "been restored. {} only if it was not."
)


@dataclass(frozen=True, slots=True)
class MissedSlot:
    """A slot that passed without an issue, as far as these data know."""

    newsletter: Newsletter
    slot: datetime  # UTC


@dataclass(frozen=True, slots=True)
class Released:
    """What a release left for editors to decide."""

    paused: list[Issue]
    skipped: list[Issue]
    dropped_notices: int

    @property
    def summary(self) -> str:
        """What was set aside, in a sentence; empty if nothing was."""
        counts = (
            (len(self.paused), "issues paused"),
            (len(self.skipped), "issues skipped"),
            (self.dropped_notices, "waiting notices dropped"),
        )
        named = ", ".join(f"{count:,} {label}" for count, label in counts if count)
        return f"{named}." if named else "Nothing had to be set aside."


def find_interrupted() -> QuerySet[Issue]:
    """Return the issues that are sent as soon as the hold is released."""
    states = (Issue.State.BUILT, Issue.State.SENDING)
    rows = Issue.objects.filter(state__in=states).select_related("newsletter__publication")
    return rows.order_by("slot", "pk")


def find_missed(hold: Hold, now: datetime) -> Iterator[MissedSlot]:
    """Yield the slots of active newsletters between the end of these data and `now`."""
    if hold.data_until is None or hold.reason == Hold.Reason.REQUESTED:
        return
    active = Newsletter.objects.filter(active=True, schedule__isnull=False)
    for newsletter in active.select_related("schedule", "publication").order_by("pk"):
        after = max(hold.data_until, newsletter.schedule.since)
        built = set(newsletter.issues.filter(slot__gt=after).values_list("slot", flat=True))
        for slot in schedules.slots(schedules.rule_of(newsletter.schedule), after, now):
            if slot not in built:
                yield MissedSlot(newsletter, slot)


@transaction.atomic
def release(hold: Hold, now: datetime) -> Released:
    """Release a hold. What may have been sent since these data is paused or skipped first.

    Notices that waited when these data were saved are dropped: they are sent within seconds, so
    they have been. A hold that somebody asked for loses nothing.
    """
    released = Released([], [], 0)
    if hold.reason != Hold.Reason.REQUESTED:
        released = _set_aside(hold, now)
    holds.release(hold, now)
    for name in (jobs.BUILD_ISSUES, jobs.PLAN_ISSUES, jobs.SEND_DELIVERIES, jobs.SEND_NOTICES):
        jobs.enqueue(name)
    return released


def _set_aside(hold: Hold, now: datetime) -> Released:
    moment = clock.format_moment(hold.data_until) if hold.data_until else "of unknown age"
    paused = list(find_interrupted())
    for issue in paused:
        control.pause_with_reason(issue, PERHAPS_SENT.format(moment, "Resume it"))
    reason = PERHAPS_SENT.format(moment, "Restore it")
    skipped = [
        issue
        for row in find_missed(hold, now)
        for issue in building.skip_slot(row.newsletter, row.slot, reason, now)
    ]
    waiting = Notice.objects.filter(state__in=Notice.DUE)
    if hold.data_until:
        waiting = waiting.filter(created_at__lte=hold.data_until)
    dropped = waiting.update(
        state=Notice.State.CANCELLED, settled_at=now, reply="Mail was held after a restore."
    )
    return Released(paused, skipped, dropped)
