"""How far back an issue looks, and which issues its subscribers have had already.

Subscribers of each cadence have issues of their own, and a manual issue goes to all of them. So a
weekly issue has the stories of its week's other issues again. What went to a segment, or to those
of a topic, counts for nobody: the others have not had it.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Max, Min, Q, QuerySet

from digest.issues.models import Issue, Story
from digest.newsletters import periods, schedules
from digest.newsletters.choices import CatchUp, ShownIn, Thin
from digest.newsletters.models import Cadence, Newsletter

# Two daily slots lie 25 hours apart when clocks go back: an issue that looks back so little less
# than to the one before reaches back to it.
_LEEWAY = timedelta(hours=2)
_OVERLAP = timedelta(minutes=10)  # for a poll that was storing while the last issue was built

State = Issue.State


def window_start(
    newsletter: Newsletter, slot: datetime, cadence: Cadence, now: datetime
) -> datetime:
    """Return how far the issue of a slot looks back at least, however late it is built.

    One that is built before its slot looks back from `now`, and to when the one before was built.
    """
    if cadence == Cadence.EVERY:
        return _since_the_issue_before(newsletter, slot, now)
    return _since_the_period_began(newsletter, slot, cadence)


def stories_received(newsletter: Newsletter, cadence: Cadence) -> QuerySet[Story]:
    """Return the stories that every subscriber of this cadence was sent, or may yet be.

    None of a block that is for a segment, or on the web only.
    """
    cadence_issues = Q(cadence=cadence) | Q(kind=Issue.Kind.MANUAL)
    return Story.objects.filter(
        issue__in=_went_out(newsletter).filter(cadence_issues),
        left_out=False,
        block__hidden=False,
        block__segment=None,
    ).exclude(block__shown_in=ShownIn.WEB)


def latest_issue(newsletter_ids: Collection[int]) -> Issue | None:
    """Return the latest issue of these newsletters that went out to everybody; None without one.

    One that goes out by local time is left out while it does: it may still reach a new subscriber
    by itself.
    """
    sent = issues_for_everyone(newsletter_ids)
    sent = sent.exclude(newsletter__send_in_local_time=True, state=State.SENDING)
    return sent.order_by("-slot").first()


def issues_for_everyone(newsletter_ids: Collection[int]) -> QuerySet[Issue]:
    """Return the issues of these newsletters that went out to everybody, or do now."""
    out = (State.SENDING, State.SENT)
    return Issue.objects.filter(Issue.FOR_EVERYONE, newsletter__in=newsletter_ids, state__in=out)


def stories_for_everyone(issue: Issue) -> QuerySet[Story]:
    """Return the stories of an issue that all of its subscribers had: of no block for some.

    None of a block on the web only, and none whose article was retracted after the issue
    had been sent: the issue does not say so.
    """
    stories = issue.stories.filter(retracted_at=None, left_out=False, block__hidden=False)
    stories = stories.exclude(article__retracted_at__isnull=False)
    stories = stories.exclude(block__shown_in=ShownIn.WEB)
    return stories.filter(block__segment=None, block__only_topics=[]).order_by("position")


def issues_of_period(newsletter: Newsletter, since: datetime, slot: datetime) -> QuerySet[Issue]:
    """Return the issues that went out in a day or week to those who receive every one."""
    within = Q(cadence=Cadence.EVERY, slot__gte=since, slot__lte=slot)
    return _went_out(newsletter).filter(within)


def makes_up(newsletter: Newsletter) -> bool:
    """Say whether the next day's or week's issue makes up for one that did not go out."""
    skips = newsletter.thin == Thin.SKIP
    return not skips and newsletter.catch_up != CatchUp.SKIP


def _went_out(newsletter: Newsletter) -> QuerySet[Issue]:
    stopped_in_time = Q(state=State.CANCELLED, planned_at__isnull=True)
    issues = newsletter.issues.filter(Issue.FOR_EVERYONE)
    return issues.exclude(state=State.SKIPPED).exclude(stopped_in_time)


def _since_the_issue_before(newsletter: Newsletter, slot: datetime, now: datetime) -> datetime:
    """As far back as the policy says; to the regular slot before (on a Monday that is Friday's).

    Where that ends just short of the issue before, to that one: else a story between the two would
    never go out.
    """
    start = min(slot, now) - timedelta(hours=newsletter.look_back_hours)
    if regular := _slot_before(newsletter, slot):
        start = min(start, regular - _OVERLAP)
    issues = newsletter.issues.filter(Issue.FOR_EVERYONE, cadence=Cadence.EVERY, slot__lt=slot)
    before = issues.order_by("slot").last()
    if before and before.slot >= start - _LEEWAY:
        start = min(start, before.slot - _OVERLAP, before.built_at - _OVERLAP)
    if _keeps_stories(newsletter):
        start = min(start, _last_sent(newsletter) - _OVERLAP)
    return start


def _since_the_period_began(newsletter: Newsletter, slot: datetime, cadence: Cadence) -> datetime:
    """To the begin of the day or week, and to the last slot before it, which ended another.

    The issue of a week that ends on Friday evening thus has the weekend before it. A day or week
    whose issue didn't go out is made up for by the next one, unless the newsletter skips.
    """
    rule = schedules.rule_of(newsletter.schedule)
    first = (_lost_since(newsletter, slot, cadence) if makes_up(newsletter) else None) or slot
    start = periods.begin(first, cadence, rule)
    if before := schedules.previous(rule, start):
        period_issues = newsletter.issues.filter(cadence=cadence, slot__gte=before, slot__lt=start)
        built = period_issues.aggregate(at=Min("built_at"))["at"]
        start = min(filter(None, [start, before - _OVERLAP, built and built - _OVERLAP]))
    return start


def _lost_since(newsletter: Newsletter, slot: datetime, cadence: Cadence) -> datetime | None:
    """Return the first slot since the cadence last went out whose issue did not."""
    cadence_issues = Q(cadence=cadence, kind=Issue.Kind.SCHEDULED, slot__lt=slot)
    last = _went_out(newsletter).filter(cadence_issues).aggregate(at=Max("slot"))["at"]
    after = max(filter(None, [last, newsletter.schedule.since]))
    lost: datetime | None = newsletter.issues.filter(cadence_issues, slot__gt=after).aggregate(
        at=Min("slot")
    )["at"]
    return lost


def _slot_before(newsletter: Newsletter, slot: datetime) -> datetime | None:
    schedule = getattr(newsletter, "schedule", None)
    return schedules.previous(schedules.rule_of(schedule), slot) if schedule else None


def _keeps_stories(newsletter: Newsletter) -> bool:
    """Say whether stories of an issue that didn't go out wait for the next one."""
    return newsletter.thin == Thin.WAIT or newsletter.catch_up == CatchUp.MERGE


def _last_sent(newsletter: Newsletter) -> datetime:
    """Return when stories last went out; before the first time, when the newsletter was made."""
    issues = _went_out(newsletter).filter(cadence=Cadence.EVERY)
    last: datetime | None = issues.aggregate(at=Max("built_at"))["at"]
    return last or newsletter.created_at
