"""Take stories back: from one issue, whatever its state, or an article from all of them."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from digest.accounts.models import User
from digest.articles import storing
from digest.articles.models import Article
from digest.core.text import one_line
from digest.issues import editing
from digest.issues.changing import OPEN, story_of
from digest.issues.errors import IssueError
from digest.issues.models import Issue, Story
from digest.newsletters.blocks import have_content

State = Issue.State
UNFINISHED = (*OPEN, State.SENDING, State.PAUSED)
REVISIONS = ("revision", "content_revision")


def retract(issue: Issue, story_id: int, note: str, now: datetime, by: User | None = None) -> Story:
    """Take a story back: it is in no mail sent from now on, and the archive shows the note.

    Works while the issue goes out, and after. Mails that have arrived stay as they are. Before it
    goes out, an approval falls, and `by` is among those who changed it.
    """
    with transaction.atomic():
        locked = Issue.objects.select_for_update().get(pk=issue.pk)
        story = story_of(locked, story_id)
        if not _remains(locked, story):
            raise IssueError("It is the last story of this issue: cancel the issue instead.")
        if not story.retracted_at:
            story.retracted_at, story.retraction = now, one_line(note)
            story.save(update_fields=["retracted_at", "retraction"])
            _hide_text(locked, story)
            # Subject and preheader may name it: they are written again with the mail.
            locked.make_next_revision()
            locked.subject, locked.preheader = "", ""
            if by and locked.planned_at is None:
                locked.contributors = sorted({*locked.contributors, by.pk})
            locked.save(update_fields=[*REVISIONS, "subject", "preheader", "contributors"])
    return story


def withdraw(
    article: Article, note: str, by: User, now: datetime, *, by_system: bool = False
) -> list[Issue]:
    """Retract an article everywhere: from drafts, from issues being sent, and from all to come.

    Return the issues that it was in and that had not all left; one of nothing else does not go out,
    or no further. A mail of a series that has a text goes on without it.
    """
    storing.retract(article, now, by_system=by_system)
    issues = Issue.objects.filter(stories__article=article, stories__retracted_at=None)
    touched = list(issues.filter(state__in=UNFINISHED).order_by("pk"))
    for issue in touched:
        _take_out(issue, article, note, by, now)
    return touched


def _take_out(issue: Issue, article: Article, note: str, by: User, now: datetime) -> None:
    with transaction.atomic():
        locked = Issue.objects.select_for_update().get(pk=issue.pk)
        story = locked.stories.filter(article=article, retracted_at=None).first()
        if story is None or locked.state not in UNFINISHED:
            return  # it left, or was cancelled, meanwhile
        _hide_text(locked, story)
        is_begun = locked.planned_at or locked.state not in OPEN
        if not _remains(locked, story):
            locked.state = State.PAUSED if is_begun else State.SKIPPED
            locked.reason = f"Its only story was retracted: {story.title}"
            locked.finished_at = None if is_begun else now
            locked.make_next_revision()
            locked.save(update_fields=["state", "reason", "finished_at", *REVISIONS])
        elif is_begun:
            retract(locked, story.pk, note, now)
        else:
            editing.remove(locked, locked.revision, story.pk, by)


def _remains(issue: Issue, story: Story) -> bool:
    """Say whether something is left of an issue without a story: also a text in a series.

    A draft of a series is never sent as it is, and may be empty.
    """
    if issue.stories.filter(retracted_at=None).exclude(pk=story.pk).exists():
        return True
    has_text = issue.is_of_series and have_content(issue.blocks.filter(hidden=False))
    return has_text or issue.kind == Issue.Kind.TEMPLATE


def _hide_text(issue: Issue, story: Story) -> None:
    """Hide the blocks that have the whole text of a story's article."""
    if story.article_id:
        blocks = issue.blocks.filter(article=story.article_id, hidden=False)
        blocks.update(hidden=True, version=F("version") + 1)
