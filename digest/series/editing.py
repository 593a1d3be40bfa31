"""Series and their steps: created, changed, put in order, removed.

Who is in a series while it changes keeps their place: they wait for the step that they waited for.
From there they go on in the order of that moment, and get no step that they have had. Who waits for
a step that is removed goes on to the next one; a new delay counts from the same moment as the old.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F

from digest.accounts.models import User
from digest.core import clock
from digest.core.database.uniqueness import refuse_duplicate
from digest.core.text import one_line
from digest.issues.errors import IssueError
from digest.issues.models import Issue
from digest.newsletters.audiences.models import Segment
from digest.newsletters.checks import require_own_segment
from digest.newsletters.models import Newsletter
from digest.series import conditions, enrolling, versions
from digest.series.errors import SeriesError
from digest.series.models import LONGEST_NAME, Enrolment, Series, Step
from digest.subscribers.profiles import clean_tag

MOST_STEPS = 30
_SETTINGS = (
    *("name", "goal", "goal_segment", "hour_from", "hour_until"),
    *("avoids_issues", "includes_imported"),
)
_STEP = ("delay_minutes", "condition", "tag", "segment", "otherwise", "stories", "shown_issue")
_FIRST = {
    Series.Trigger.SIGN_UP: (
        "Welcome to {{ newsletter.name }}",
        "Thank you for signing up. This is what you can expect from us.",
    ),
    Series.Trigger.INACTIVE: (
        "Are you still reading {{ newsletter.name }}?",
        "It has been a while since you opened one of our stories. This is what you missed.",
    ),
}


def find(pk: int) -> Series:
    """Return a series by its id; raise SeriesError if there is none."""
    rows = Series.objects.select_related("newsletter__publication", "newsletter__schedule")
    if series := rows.filter(pk=pk).first():
        return series
    raise SeriesError(f"There is no series {pk}. `digest series list` shows all of them.")


@transaction.atomic
def create(newsletter: Newsletter, name: str, trigger: str, by: User, now: datetime) -> Series:
    """Create a series, switched off, with a first step whose mail waits to be written.

    Raises SeriesError for a name in use, or a trigger that does not exist.
    """
    if trigger not in Series.Trigger.values:
        raise SeriesError(f"A series begins with one of: {', '.join(Series.Trigger.values)}.")
    series = Series(newsletter=newsletter, trigger=trigger, created_at=now)
    if trigger == Series.Trigger.INACTIVE:
        series.goal = Series.Goal.CLICKED
    _save(series, {"name": name})
    add_step(series, by, now)
    return series


def change(series: Series, **settings: Any) -> None:
    """Change a series: its name, goal, hours, and so on; raises SeriesError for what cannot be."""
    _save(series, settings)


@transaction.atomic
def delete(series: Series) -> None:
    """Delete a series with all that is known of who was where; raises SeriesError while it is on.

    Mails that were sent stay, as issues.
    """
    if series.active:
        raise SeriesError("Switch the series off first.")
    steps = list(series.steps.all())
    Issue.objects.filter(version_of__step__in=steps).update(stands_open=False)
    drafts = [step.draft_id for step in steps]
    series.delete()
    Issue.objects.filter(pk__in=drafts).delete()


@transaction.atomic
def add_step(series: Series, by: User, now: datetime) -> Step:
    """Add a step at the end: the first one at once, others some days after the one before.

    Who has completed the series stays out of it. Raises SeriesError for too many steps.
    """
    position = series.steps.count()
    if position >= MOST_STEPS:
        raise SeriesError(f"A series has {MOST_STEPS} steps at most.")
    is_welcome = position == 0 and series.trigger == Series.Trigger.SIGN_UP
    subject, text = ("", "")
    if position == 0:
        subject, text = _FIRST[Series.Trigger(series.trigger)]
    draft = versions.create_draft(series.newsletter, subject, text, by, now)
    step = Step.objects.create(
        series=series,
        position=position,
        delay_minutes=0 if position == 0 else 3 * 24 * 60,
        stories=Step.Stories.LATEST if is_welcome else Step.Stories.NONE,
        draft=draft,
    )
    if is_welcome:
        versions.fill(step, by)
    return step


@transaction.atomic
def change_step(step: Step, by: User, **settings: Any) -> None:
    """Change when a step goes out, to whom, and whose stories it shows.

    `tag`, `segment` and `shown_issue` are dropped where the condition, or the stories, are of
    another kind. Raises SeriesError for what cannot be.
    """
    before = (step.delay_minutes, step.stories, step.shown_issue_id)
    for name in _STEP:
        if name in settings:
            setattr(step, name, settings[name])
    _settle_condition(step)
    _settle_stories(step)
    _clean(step, exclude=["draft", "version"])
    step.save()
    if step.delay_minutes != before[0]:
        _move_due_times(step)
    if (step.stories, step.shown_issue_id) != before[1:]:
        _forget_latest(step)
        versions.fill(step, by)


@transaction.atomic
def order_steps(series: Series, ids: Sequence[int]) -> None:
    """Put the steps of a series in this order; raises SeriesError if they are not all of them."""
    steps = {step.pk: step for step in series.steps.select_for_update(of=("self",))}
    if sorted(ids) != sorted(steps):
        raise SeriesError("The steps have changed meanwhile. Look at the series again.")
    for position, pk in enumerate(ids):
        if steps[pk].position != position:
            Step.objects.filter(pk=pk).update(position=position)


@transaction.atomic
def remove_step(step: Step, now: datetime) -> None:
    """Remove a step; who waits for it goes on to the next one, with the delay of that.

    Raises SeriesError for the only step of a series that is on.
    """
    series = step.series
    if series.active and series.steps.count() == 1:
        raise SeriesError("It is the only step: switch the series off first.")
    waiting = Enrolment.objects.select_for_update().filter(next_step=step)
    ids = list(waiting.order_by("pk").values_list("pk", flat=True))
    enrolling.move_to_next(Enrolment.objects.filter(pk__in=ids), step, now)
    Issue.objects.filter(version_of__step=step).update(stands_open=False)
    draft = step.draft_id
    step.delete()
    Issue.objects.filter(pk=draft).delete()
    remaining = series.steps.order_by("position").values_list("pk", flat=True)
    order_steps(series, list(remaining))


def _save(series: Series, settings: dict[str, Any]) -> None:
    for name in _SETTINGS:
        if name in settings:
            setattr(series, name, settings[name])
    series.name = one_line(series.name, LONGEST_NAME)
    if series.goal != Series.Goal.SEGMENT:
        series.goal_segment = None
    elif series.goal_segment is None:
        raise SeriesError("Choose the segment that is the goal.")
    _require_own(series.newsletter, series.goal_segment)
    _check_hours(series)
    _clean(series, exclude=["newsletter", "switched_at"])
    if series.active:
        _require_no_problem(series)
    with refuse_duplicate(SeriesError(f"There is a series “{series.name}” already.")):
        series.save()


def _check_hours(series: Series) -> None:
    start, end = series.hour_from, series.hour_until
    if (start is None) != (end is None):
        raise SeriesError("Set both hours, or none.")
    if start is not None and end is not None and not 0 <= start < end <= 24:
        raise SeriesError("The first hour comes before the last; hours are from 0 to 24.")


def _require_no_problem(series: Series) -> None:
    if problems := conditions.problems_of(series, (), clock.now()):
        raise SeriesError(" ".join(problems))


def _require_own(newsletter: Newsletter, segment: Segment | None) -> None:
    require_own_segment(newsletter.publication_id, segment)


def _settle_condition(step: Step) -> None:
    """Check that a condition has what it is about, and nothing else."""
    is_about_tag = step.condition in (Step.Condition.TAG, Step.Condition.NOT_TAG)
    is_about_segment = step.condition in (Step.Condition.SEGMENT, Step.Condition.NOT_SEGMENT)
    step.tag = clean_tag(step.tag) if is_about_tag else ""
    step.segment = step.segment if is_about_segment else None
    if is_about_segment and step.segment is None:
        raise SeriesError("Choose the segment that the condition is about.")
    _require_own(step.series.newsletter, step.segment)


def _settle_stories(step: Step) -> None:
    if step.stories == Step.Stories.CHOSEN:
        issues = step.series.newsletter.issues.filter(Issue.REGULAR)
        if step.shown_issue is None or not issues.filter(pk=step.shown_issue.pk).exists():
            raise IssueError("Choose an issue of this newsletter.")
    elif step.stories == Step.Stories.NONE:
        step.shown_issue = None


def _forget_latest(step: Step) -> None:
    """Let whatever the present version shows be another issue's, so that it is made again."""
    if step.stories == Step.Stories.LATEST:
        Step.objects.filter(pk=step.pk).update(shown_issue=None)
        step.shown_issue = None


def _clean(row: Series | Step, exclude: Sequence[str]) -> None:
    try:
        row.clean_fields(exclude=exclude)
    except ValidationError as cause:
        raise SeriesError(" ".join(cause.messages)) from cause


def _move_due_times(step: Step) -> None:
    """Count the new delay for those who wait, from the same moment."""
    waiting = Enrolment.objects.filter(next_step=step, state=Enrolment.State.ACTIVE)
    waiting.update(due_at=F("since") + timedelta(minutes=step.delay_minutes))
