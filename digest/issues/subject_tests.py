"""Tests of subjects: set up and removed while an issue can still be changed."""

from collections.abc import Sequence

from django.db import transaction

from digest.accounts.models import User
from digest.core.text import one_line
from digest.issues import changing
from digest.issues.errors import IssueError
from digest.issues.models import Issue, SubjectTest
from digest.newsletters.models import Newsletter, Tracking

MOST_SUBJECTS = 3  # besides the issue's own
SHARES = range(2, 101)  # per cent
MINUTES = range(15, 2881)  # up to two days: raw clicks and patience


@transaction.atomic
def save(
    issue: Issue,
    revision: int | None,
    by: User,
    subjects: Sequence[str],
    *,
    share: int,
    minutes: int,
) -> SubjectTest:
    """Test other subjects on `share` per cent of the subscribers for some minutes.

    It is content: an issue that was approved has to be approved again. Raises IssueError with what
    has to be different, ChangedMeanwhileError for another revision.
    """
    locked = changing.lock(issue, revision)
    _require_countable(locked.newsletter)
    values = {"subjects": _cleaned(subjects), "share": share, "minutes": minutes}
    if share not in SHARES or minutes not in MINUTES:
        raise IssueError(
            f"The share is {SHARES[0]} to {SHARES[-1]} per cent, "
            f"the time {MINUTES[0]} minutes to {MINUTES[-1] // 60} hours."
        )
    test, _ = SubjectTest.objects.update_or_create(issue=locked, defaults=values)
    _settle(locked, by)
    return test


@transaction.atomic
def remove(issue: Issue, revision: int | None, by: User) -> None:
    """Remove an issue's test; everyone gets the issue's own subject."""
    locked = changing.lock(issue, revision)
    SubjectTest.objects.filter(issue=locked).delete()
    _settle(locked, by)


def problem_of(newsletter: Newsletter) -> str:
    """Say why the issues of a newsletter cannot test subjects; "" if they can."""
    if newsletter.publication.tracking == Tracking.NONE:
        return "Clicks are not counted: the publication's settings can change that."
    if newsletter.send_in_local_time:
        return (
            "The newsletter is sent in each subscriber's time zone, which leaves no time to test."
        )
    return ""


def _require_countable(newsletter: Newsletter) -> None:
    if problem := problem_of(newsletter):
        raise IssueError(f"Subjects cannot be tested. {problem}")


def _cleaned(subjects: Sequence[str]) -> list[str]:
    """Return the subjects in one line each, without empty ones."""
    cleaned = [text for subject in subjects if (text := one_line(subject))]
    if not cleaned or len(cleaned) > MOST_SUBJECTS or len(set(cleaned)) < len(cleaned):
        raise IssueError(f"Write 1 to {MOST_SUBJECTS} different subjects to test.")
    if any(len(text) > 250 for text in cleaned):
        raise IssueError("A subject has at most 250 characters.")
    if any("{{" in text or "{%" in text for text in cleaned):
        raise IssueError("A subject to test is plain text. Write it out without {{ }}.")
    return cleaned


def _settle(issue: Issue, by: User) -> None:
    changing.settle(issue, by)
    issue.save()
