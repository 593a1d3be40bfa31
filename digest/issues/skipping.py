"""Issues that do not go out: skipped by a person or by a rule, and restored.

A skipped issue keeps its stories, but they may be in the next one. Restored before its time, it
goes out as if nothing had been; restored later, it is a draft that waits for somebody to send it.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

from digest.core import jobs
from digest.issues import approval, building, window
from digest.issues.building import lock_newsletter
from digest.issues.changing import OPEN, left_out_entry, renumber, unsettle
from digest.issues.composing import compose
from digest.issues.errors import IssueError
from digest.issues.models import Block, Issue, Story
from digest.issues.scheduling import locked_issue
from digest.newsletters.models import Cadence, Pick

State = Issue.State


def skip(issue: Issue, now: datetime, reason: str = "Skipped by an editor.") -> Issue:
    """Let an issue not go out; its stories may be in the next one."""
    with locked_issue(issue) as locked:
        if locked.state not in OPEN or locked.planned_at:
            raise IssueError(f"It cannot be skipped: it is {locked.get_state_display()}.")
        locked.state, locked.reason, locked.finished_at = State.SKIPPED, reason, now
        building.return_picks(locked, now)
    return locked


def restore(issue: Issue, now: datetime) -> Issue:
    """Let a skipped issue go out after all; pressed again, nothing changes.

    Before its time it goes out then, once it is approved where that is needed; an approval of the
    same content still holds. Later, it is a draft that somebody has to send. Stories that are in
    another issue by now, or were retracted, are removed from it.

    One without stories, as when there were too few, gets those that there are now. Raises
    IssueError if it was not skipped, or if there are no stories for it.
    """
    with transaction.atomic():
        lock_newsletter(issue.newsletter)  # nobody builds the next issue of the same stories
        return _restore(issue, now)


def _restore(issue: Issue, now: datetime) -> Issue:
    with locked_issue(issue) as locked:
        if locked.state in OPEN:
            return locked
        if locked.state != State.SKIPPED or locked.planned_at:
            raise IssueError(f"Only a skipped issue can be restored: it is {_state(locked)}.")
        _remove_stories_sent_elsewhere(locked)
        _take_picks(locked)
        if not locked.stories.exists():
            _select_few(locked, now)
        if not locked.stories.filter(retracted_at=None).exists():
            raise IssueError("It cannot be restored: there are no stories for it.")
        locked.reason, locked.finished_at = "", None
        _resume(locked, now)
    return locked


def _take_picks(issue: Issue) -> None:
    """Take the picks off the waiting list that are in the issue again."""
    articles = issue.stories.filter(building.PICKED).values("article")
    Pick.objects.filter(block__newsletter=issue.newsletter_id, article__in=articles).delete()


def _resume(issue: Issue, now: datetime) -> None:
    """Put the issue back on its way, or let it wait for somebody if its time has passed."""
    if not issue.goes_by_itself or issue.goes_at <= now:
        issue.state, issue.send_at = State.DRAFT, None
        issue.on_hold = issue.kind != Issue.Kind.MANUAL
        return
    issue.state = State.DRAFT if approval.is_needed(issue) else State.BUILT
    jobs.enqueue(jobs.PLAN_ISSUES)


def _remove_stories_sent_elsewhere(issue: Issue) -> None:
    """Remove the stories that another issue has by now, and those that were retracted."""
    received = window.stories_received(issue.newsletter, Cadence(issue.cadence))
    in_other_issues = received.exclude(issue=issue).filter(article__isnull=False).values("article")
    sent = Q(article__in=in_other_issues) if issue.kind != Issue.Kind.MANUAL else Q()
    stories = issue.stories.filter(sent | Q(article__retracted_at__isnull=False))
    texts = issue.blocks.filter(article__retracted_at__isnull=False, hidden=False)
    texts.update(hidden=True, version=F("version") + 1)
    removed = [left_out_entry(story, "in another issue by now, or retracted") for story in stories]
    if removed:
        stories.delete()
        issue.left_out = [*removed, *issue.left_out]
        _change_content(issue)


def _select_few(issue: Issue, now: datetime) -> None:
    """Select stories for an issue that was skipped with too few: one is enough."""
    cadence = Cadence(issue.cadence)
    draft = compose(
        issue.newsletter, issue.slot, now, issue.kind, cadence, excluded=issue, fewest=1
    )
    issue.blocks.all().delete()
    for block in draft.blocks:
        block.issue = issue
    for story in draft.stories:
        story.issue = issue
    Block.objects.bulk_create(draft.blocks)
    Story.objects.bulk_create(draft.stories)
    issue.left_out, issue.built_at = draft.issue.left_out, now
    _change_content(issue)


def _change_content(issue: Issue) -> None:
    """Make the next revision, which nobody has approved."""
    renumber(issue)
    issue.make_next_revision()
    unsettle(issue)


def _state(issue: Issue) -> str:
    return str(issue.get_state_display())
