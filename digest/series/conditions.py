"""For whom a step's condition holds, and who has reached the goal of a series."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from digest.analytics.models import Hit, HitKind, Verdict
from digest.newsletters.audiences.models import Segment
from digest.newsletters.models import Tracking
from digest.series import signs
from digest.series.errors import SeriesError
from digest.series.models import Enrolment, Series, Step, Version
from digest.subscribers.models import Profile
from digest.subscribers.segments.membership import Membership

_CLICKS = (Step.Condition.CLICKED, Step.Condition.NOT_CLICKED)
_OPPOSITES = (Step.Condition.NOT_CLICKED, Step.Condition.NOT_TAG, Step.Condition.NOT_SEGMENT)
NO_CLICKS = (
    "The publication does not count the clicks of each subscriber, so nobody knows who clicked. "
    "Change Click tracking in the publication's settings, or the condition."
)

Rows = QuerySet[Enrolment]


def matching(step: Step, rows: Rows, now: datetime) -> set[int]:
    """Return the ids of the subscribers among enrolments for whom a step's condition holds.

    Raises SeriesError where a segment of it cannot be read.
    """
    condition = _condition(step, now)
    if step.condition in _OPPOSITES:
        condition = ~condition
    return set(rows.filter(condition).values_list("subscriber", flat=True))


def at_goal(series: Series, rows: Rows, now: datetime) -> set[int]:
    """Return the ids of the subscribers among enrolments who have reached the goal of a series.

    Who shows a sign of life has reached that of one for inactive subscribers, whatever it says.
    """
    goal = Q(pk=None)
    if series.goal == Series.Goal.CLICKED:
        goal |= Q(_has_clicked(series))
    if series.goal == Series.Goal.SEGMENT and series.goal_segment:
        goal |= _membership(series.goal_segment, now).condition("subscriber_id")
    if series.trigger == Series.Trigger.INACTIVE:
        for sign in signs.shown_since_entering():
            goal |= Q(sign)
    return set(rows.filter(goal).values_list("subscriber", flat=True))


def problems_of(series: Series, steps: Collection[Step], now: datetime) -> list[str]:
    """Return why conditions and goal of a series cannot be decided."""
    needs_clicks = series.goal == Series.Goal.CLICKED or any(
        step.condition in _CLICKS for step in steps
    )
    counts_clicks = series.newsletter.publication.tracking == Tracking.INDIVIDUAL
    problems = [NO_CLICKS] if needs_clicks and not counts_clicks else []
    for segment in filter(None, (series.goal_segment, *(step.segment for step in steps))):
        try:
            _membership(segment, now)
        except SeriesError as problem:
            problems.append(str(problem))
    return problems


def _condition(step: Step, now: datetime) -> Q:
    match step.condition:
        case Step.Condition.CLICKED | Step.Condition.NOT_CLICKED:
            return Q(_has_clicked(step.series))
        case Step.Condition.TAG | Step.Condition.NOT_TAG:
            profiles = Profile.objects.filter(
                subscriber=OuterRef("subscriber_id"),
                publication=step.series.newsletter.publication_id,
                tags__contains=[step.tag],
            )
            return Q(Exists(profiles))
        case Step.Condition.SEGMENT | Step.Condition.NOT_SEGMENT:
            assert step.segment
            return _membership(step.segment, now).condition("subscriber_id")
    return Q()


def _has_clicked(series: Series) -> Exists:
    """Return the condition that a person clicked a link in one of the mails of a series."""
    issues = Version.objects.filter(step__series=series).values("issue")
    return Exists(
        Hit.objects.filter(
            issue_id__in=issues,
            subscriber_id=OuterRef("subscriber_id"),
            kind=HitKind.CLICK,
            verdict=Verdict.HUMAN,
        )
    )


def _membership(segment: Segment, now: datetime) -> Membership:
    membership = Membership.of(segment, now)
    if membership.problem:
        raise SeriesError(
            f"The segment “{segment.name}” cannot be used: {membership.problem} "
            "Change the rules of the segment."
        )
    return membership
