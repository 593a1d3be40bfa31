"""Series and their steps: created, changed, put in order, removed.

Who is in a series while it changes keeps their place: they wait for the step that they waited for.
From there they go on in the order of that moment, and get no step that they have had. Who waits for
a step that is removed goes on to the next one; a new delay counts from the same moment as the old.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import transaction
from django.db.models import F, ManyToOneRel, QuerySet

from digest.accounts.models import User
from digest.core import clock
from digest.core.database.statements import execute
from digest.core.database.uniqueness import refuse_duplicate
from digest.core.text import one_line
from digest.issues.errors import IssueError
from digest.issues.models import Issue
from digest.issues.window import issues_for_everyone
from digest.newsletters.audiences.models import Segment
from digest.newsletters.checks import require_own_segment
from digest.newsletters.models import Newsletter
from digest.sending import control
from digest.series import conditions, enrolling, versions
from digest.series.errors import SeriesError
from digest.series.models import LONGEST_NAME, Enrolment, Series, Step
from digest.subscribers.profiles import clean_tag

MOST_STEPS = 30
_SETTINGS = (
    *("name", "goal", "goal_segment", "hour_from", "hour_until"),
    *("avoids_issues", "includes_imported"),
)
_DELETED = "The series was deleted."
_REMOVED = "The step was removed from the series."
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


@transaction.atomic
def change(series: Series, **settings: Any) -> None:
    """Change a series: its name, goal, hours, and so on; raises SeriesError for what cannot be."""
    _hold(series)
    _save(series, settings)


@transaction.atomic
def delete(series: Series, now: datetime) -> None:
    """Delete a series with all that is known of who was where; raises SeriesError while it is on.

    Mails that were sent stay, as issues; those that wait are cancelled.
    """
    _hold(series)
    if series.active:
        raise SeriesError("Switch the series off first.")
    drafts = list(series.steps.values_list("draft", flat=True))
    _close_versions(Issue.objects.filter(version_of__step__series=series), _DELETED, now)
    _delete_enrolments(series)
    series.delete()
    Issue.objects.filter(pk__in=drafts).delete()


@transaction.atomic
def add_step(series: Series, by: User, now: datetime) -> Step:
    """Add a step at the end: the first one at once, others some days after the one before.

    Who has completed the series stays out of it. Raises SeriesError for too many steps.
    """
    _hold(series)
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
    _hold(step)
    before = (step.delay_minutes, step.stories, step.shown_issue_id)
    for name in _STEP:
        if name in settings:
            setattr(step, name, settings[name])
    _settle_condition(step)
    _settle_stories(step)
    _clean(step, exclude=["draft", "version"])
    step.save(update_fields=_STEP)
    if step.delay_minutes != before[0]:
        _move_due_times(step)
    if (step.stories, step.shown_issue_id) != before[1:]:
        _forget_latest(step)
        versions.fill(step, by)


@transaction.atomic
def order_steps(series: Series, ids: Sequence[int]) -> None:
    """Put the steps of a series in this order; raises SeriesError if they are not all of them."""
    rows = series.steps.select_for_update(no_key=True, of=("self",))
    steps = {step.pk: step for step in rows.order_by("pk")}
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
    _hold(series)
    if series.active and series.steps.count() == 1:
        raise SeriesError("It is the only step: switch the series off first.")
    _hold_step(step)
    enrolling.move_to_next(Enrolment.objects.all(), step, now)
    _close_versions(Issue.objects.filter(version_of__step=step), _REMOVED, now)
    draft = step.draft_id
    step.delete()
    Issue.objects.filter(pk=draft).delete()
    remaining = series.steps.order_by("position").values_list("pk", flat=True)
    order_steps(series, list(remaining))


def _hold_step(step: Step) -> None:
    """Let nobody come to wait for a step, or be planned in the series, until the transaction ends.

    Planners hold the version of a step before its enrolments, so it is held first here too. Then
    whoever is entering the series is waited for (sql/enrolments.sql).
    """
    siblings = Step.objects.filter(series=step.series_id).select_for_update(no_key=True)
    versions_sent = Issue.objects.filter(current_step__series=step.series_id)
    for rows in (siblings, versions_sent.select_for_update(no_key=True, of=("self",))):
        list(rows.order_by("pk").values_list("pk", flat=True))
    list(Step.objects.filter(pk=step.pk).select_for_update().values_list("pk", flat=True))


def _close_versions(rows: QuerySet[Issue], reason: str, now: datetime) -> None:
    """Let versions finish whose step goes; what waits in a paused one could never go out."""
    ids = list(rows.values_list("pk", flat=True))
    Issue.objects.filter(pk__in=ids).update(stands_open=False)
    for version in Issue.objects.filter(pk__in=ids, state=Issue.State.PAUSED).order_by("pk"):
        control.cancel(version, reason, now)


def _delete_enrolments(series: Series) -> None:
    """Delete who was where with a statement for each table: Django would load each enrolment."""
    fields = Enrolment._meta.get_fields(include_hidden=True)  # noqa: SLF001
    for relation in (field for field in fields if isinstance(field, ManyToOneRel)):
        rows = relation.field.model._default_manager  # noqa: SLF001
        rows.filter(**{f"{relation.field.name}__series": series}).delete()
    execute("DELETE FROM series_enrolment WHERE series_id = %s", [series.pk])


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
        series.save(update_fields=_SETTINGS if series.pk else None)


def _hold(row: Series | Step) -> None:
    """Read a row again, and let nobody change it until the transaction ends.

    Without hindering who enters the series. Raises SeriesError if it has been deleted meanwhile.
    """
    rows: Any = type(row).objects.select_for_update(no_key=True, of=("self",))
    try:
        row.refresh_from_db(from_queryset=rows)
    except ObjectDoesNotExist as cause:
        raise SeriesError("It was deleted meanwhile. Look at the list of series again.") from cause


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
        issues = issues_for_everyone([step.series.newsletter_id])
        if step.shown_issue is None or not issues.filter(pk=step.shown_issue.pk).exists():
            raise IssueError("Choose an issue of this newsletter that went out to everybody.")
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
