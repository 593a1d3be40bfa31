"""Issues that should have begun to go out and have not: nobody builds them, or plans them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Q

from digest.core.errors import DigestError
from digest.issues.models import Issue
from digest.newsletters import schedules
from digest.newsletters.models import Schedule
from digest.newsletters.publicity.states import SENDING

GRACE = timedelta(minutes=5)  # until then building may wait for pictures, or workers be busy


@dataclass(frozen=True, slots=True)
class LateIssue:
    """An issue that is late; there may be no row of it yet."""

    newsletter: str  # its slug
    due_at: datetime


def late_issues(now: datetime) -> list[LateIssue]:
    """Return what was due more than GRACE ago, the earliest first.

    Whatever waits for a person is not late: approval, a pause, a newsletter that is off.
    """
    return sorted([*_unbuilt(now), *_unplanned(now)], key=lambda issue: issue.due_at)


def _unbuilt(now: datetime) -> list[LateIssue]:
    """Return the last slot of each newsletter of which no worker has taken note."""
    scheduled = Q(newsletter__issues__kind=Issue.Kind.SCHEDULED)
    sending = Schedule.objects.filter(newsletter__state__in=SENDING).select_related("newsletter")
    late = []
    for schedule in sending.annotate(done=Max("newsletter__issues__slot", filter=scheduled)):
        slot = _last_slot(schedule, now - GRACE)
        if slot and slot > max(schedule.since, schedule.done or schedule.since):
            late.append(LateIssue(schedule.newsletter.slug, slot))
    # A manual one at the very moment of a slot is that slot's issue.
    manual = set(
        Issue.objects.filter(
            newsletter__slug__in=[issue.newsletter for issue in late],
            slot__in=[issue.due_at for issue in late],
        ).values_list("newsletter__slug", "slot")
    )
    return [issue for issue in late if (issue.newsletter, issue.due_at) not in manual]


def _last_slot(schedule: Schedule, before: datetime) -> datetime | None:
    try:
        return schedules.previous(schedules.rule_of(schedule), before)
    except DigestError:  # its rule cannot be read any more: doctor says so
        return None


def _unplanned(now: datetime) -> list[LateIssue]:
    """Return the issues that are built, have had their time, and are not sent."""
    before = now - GRACE
    is_due = Q(send_at__lt=before) | Q(send_at=None, slot__lt=before)
    is_reviewed = Q(review_until=None) | Q(review_until__lt=before) | Q(send_at__lt=before)
    issues = Issue.objects.filter(is_due, is_reviewed, state=Issue.State.BUILT)
    rows = issues.select_related("newsletter")
    return [LateIssue(issue.newsletter.slug, issue.goes_at) for issue in rows]
