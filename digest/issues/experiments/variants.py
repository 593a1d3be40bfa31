"""Experiments of an issue: set up and removed while it can still be changed.

Either other subjects are tried, or other stories that stand first: a variant's lead and the issue's
own first story change places.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import transaction

from digest.accounts.models import User
from digest.core.text import one_line
from digest.issues import changing
from digest.issues.errors import IssueError
from digest.issues.experiments.models import Experiment
from digest.issues.models import Issue, Story
from digest.newsletters.choices import ShownIn
from digest.newsletters.models import Newsletter, Tracking

MOST_VARIANTS = 3  # besides the issue as it is
SHARES = range(2, 101)  # per cent
MINUTES = range(15, 2881)  # up to two days: raw clicks and patience


class Leads(NamedTuple):
    """Which story stands first, by variant; stories are named by their positions."""

    first: int  # of variant 0: the first story of the issue
    leads: tuple[int | None, ...]  # of variants 1 and so on; None: it is not in the issue any more


@transaction.atomic
def save(
    issue: Issue,
    revision: int | None,
    by: User,
    *,
    subjects: Sequence[str] = (),
    leads: Sequence[int] = (),
    share: int,
    minutes: int,
) -> Experiment:
    """Try other subjects, or leads (ids of stories), on `share` per cent for some minutes.

    It replaces the experiment that the issue has. It is content: an issue that was approved has to
    be approved again. Raises IssueError with what has to be different, EditConflictError for
    another revision.
    """
    locked = changing.lock(issue, revision)
    if problem := problem_of(locked):
        raise IssueError(f"Nothing can be tested in this issue. {problem}")
    if bool(leads) == any(map(one_line, subjects)):
        raise IssueError("Test other subjects or other lead stories: one of the two.")
    if share not in SHARES or minutes not in MINUTES:
        raise IssueError(
            f"The share is {SHARES[0]} to {SHARES[-1]} per cent, "
            f"the time {MINUTES[0]} minutes to {MINUTES[-1] // 60} hours."
        )
    values: dict[str, Any] = {
        "kind": Experiment.Kind.LEADS if leads else Experiment.Kind.SUBJECTS,
        "subjects": [] if leads else _cleaned(subjects),
        "leads": _checked(locked, leads) if leads else [],
    }
    values |= {"share": share, "minutes": minutes}
    experiment, _ = Experiment.objects.update_or_create(issue=locked, defaults=values)
    _settle(locked, by)
    return experiment


@transaction.atomic
def remove(issue: Issue, revision: int | None, by: User) -> None:
    """Remove an issue's experiment; everyone gets the issue as it is."""
    locked = changing.lock(issue, revision)
    Experiment.objects.filter(issue=locked).delete()
    _settle(locked, by)


def problem_of(issue: Issue) -> str:
    """Say why nothing can be tested in an issue; "" if something can."""
    newsletter: Newsletter = issue.newsletter
    if newsletter.publication.tracking == Tracking.NONE:
        return "Clicks are not counted: the publication's settings can change that."
    if newsletter.send_in_local_time and issue.kind != Issue.Kind.MANUAL:
        return (
            "The newsletter is sent in each subscriber's time zone, which leaves no time to test. "
            "An issue outside the schedule goes to all at once."
        )
    return ""


def experiment_of(issue: Issue) -> Experiment | None:
    """Return the experiment of an issue, if it has one."""
    return Experiment.objects.filter(issue=issue).first()


def ordered_stories(issue: Issue) -> list[Story]:
    """Return the stories of which one can stand first: those of mail and web, in their order."""
    stories = issue.stories.filter(
        retracted_at=None, block__hidden=False, block__shown_in=ShownIn.BOTH
    )
    return list(stories.order_by("position"))


def leads_of(issue: Issue) -> Leads | None:
    """Return which stories stand first in an experiment with leads, if the issue has one.

    Before it begins, stories that are gone, hidden, retracted or first by now are left out; while
    it runs, variants keep their numbers.
    """
    experiment = experiment_of(issue)
    if experiment is None or experiment.kind != Experiment.Kind.LEADS:
        return None
    positions = {story.pk: story.position for story in ordered_stories(issue)}
    if not positions:
        return None
    first = min(positions.values())
    leads = [positions.get(pk) for pk in experiment.leads]
    leads = [None if position == first else position for position in leads]
    if not experiment.has_begun:
        leads = [position for position in leads if position is not None]
    return Leads(first, tuple(leads))


def prune(experiment: Experiment) -> None:
    """Leave the leads out that cannot be tested any more; the caller saves it."""
    if experiment.kind == Experiment.Kind.LEADS:
        testable = {story.pk for story in ordered_stories(experiment.issue)[1:]}
        experiment.leads = [pk for pk in experiment.leads if pk in testable]


def values_of(issue: Issue) -> list[Any] | None:
    """Return what of an experiment is approved with the issue; None if it has none."""
    experiment = experiment_of(issue)
    if experiment is None:
        return None
    leads = leads_of(issue)
    return [experiment.subjects, leads, experiment.share, experiment.minutes]


def _cleaned(subjects: Sequence[str]) -> list[str]:
    """Return the subjects in one line each, without empty ones."""
    cleaned = [text for subject in subjects if (text := one_line(subject))]
    if not cleaned or len(cleaned) > MOST_VARIANTS or len(set(cleaned)) < len(cleaned):
        raise IssueError(f"Write 1 to {MOST_VARIANTS} different subjects to test.")
    if any(len(text) > 250 for text in cleaned):
        raise IssueError("A subject has at most 250 characters.")
    if any("{{" in text or "{%" in text for text in cleaned):
        raise IssueError("A subject to test is plain text. Write it out without {{ }}.")
    return cleaned


def _checked(issue: Issue, leads: Sequence[int]) -> list[int]:
    """Return the ids of stories, if each may stand first and none does already."""
    if len(leads) > MOST_VARIANTS or len(set(leads)) < len(leads):
        raise IssueError(f"Choose 1 to {MOST_VARIANTS} different stories to test.")
    first, *testable = [story.pk for story in ordered_stories(issue)] or [0]
    if first in leads:
        raise IssueError("The first story of the issue is tested anyway. Choose other stories.")
    if not set(leads) <= set(testable):
        raise IssueError("A lead to test is a story of the issue that its mail shows.")
    return list(leads)


def _settle(issue: Issue, by: User) -> None:
    changing.settle(issue, by)
    issue.save()
