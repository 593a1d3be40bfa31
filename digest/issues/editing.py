"""Change an issue before it goes out: order, words, stories, subject, appeal.

Each change names the revision that its editor saw, and is refused if somebody else was faster. It
takes an approval away, because that was of other content.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import transaction

from digest.accounts.models import User
from digest.articles import storing
from digest.articles.models import Article
from digest.core.text import one_line
from digest.issues.composing import compose, snapshot
from digest.issues.errors import ChangedMeanwhileError, IssueError
from digest.issues.models import Issue, Story
from digest.newsletters.checks import require_own_article
from digest.newsletters.models import Appeal, Cadence, Newsletter

State = Issue.State
OPEN = (State.DRAFT, State.BUILT)  # while nothing has left
TEXT_FIELDS = (
    "title",
    "summary",
    "kicker",
    "image_url",
    "image_alt",
    "image_caption",
    "image_credit",
)
LONGEST = {"title": 500, "summary": 2_000, "image_url": 2_000}
MOST_STORIES = 100
BY_HAND = "added by an editor"


def reorder(issue: Issue, revision: int, order: Sequence[int], by: User) -> Issue:
    """Put the stories into the order of these ids; every story of the issue is named once."""
    with _changing(issue, revision, by) as locked:
        stories = {story.pk: story for story in locked.stories.all()}
        if sorted(order) != sorted(stories):
            raise ChangedMeanwhileError("The stories are others by now. Look at them again.")
        _place(stories[pk] for pk in order)
    return locked


def move(issue: Issue, revision: int, story_id: int, to: int, by: User) -> Issue:
    """Put one story to a place (0 leads) and let the others make room."""
    order = list(issue.stories.order_by("position").values_list("pk", flat=True))
    if story_id not in order:
        raise ChangedMeanwhileError("This story is in the issue no more. Look at it again.")
    order.remove(story_id)
    order.insert(max(0, to), story_id)
    return reorder(issue, revision, order, by)


def remove(issue: Issue, revision: int, story_id: int, by: User) -> Issue:
    """Take a story out; it is among those left out then, and may be added again."""
    with _changing(issue, revision, by) as locked:
        story = _story(locked, story_id)
        if not locked.stories.exclude(pk=story.pk).exists():
            raise IssueError("It is the last story of this issue: skip the issue instead.")
        story.delete()
        locked.left_out = [
            {"article": story.article_id, "title": story.title, "reason": "removed by an editor"},
            *(left for left in locked.left_out if left["article"] != story.article_id),
        ]
        _place(locked.stories.order_by("position"))
    return locked


def add(
    issue: Issue, revision: int, article: Article, by: User, section: str = "", to: int = 0
) -> Issue:
    """Put an article into the issue, at a place, under the title of a section.

    Raises IssueError if it is in already, or was retracted, NewsletterError for an article of
    another publication.
    """
    require_own_article(issue.newsletter, article)
    if article.retracted_at:
        raise IssueError(f"“{article.title}” was retracted.")
    with _changing(issue, revision, by) as locked:
        stories = list(locked.stories.order_by("position"))
        if any(story.article_id == article.pk for story in stories):
            raise IssueError(f"“{article.title}” is in this issue already.")
        if len(stories) >= MOST_STORIES:
            raise IssueError(f"An issue holds {MOST_STORIES} stories at most.")
        story = snapshot(locked, len(stories), article, _section(locked, section, stories), BY_HAND)
        story.pinned = True
        story.save()
        stories.insert(max(0, to), story)
        _place(stories)
        locked.left_out = [left for left in locked.left_out if left["article"] != article.pk]
    return locked


def reword(issue: Issue, revision: int, story_id: int, texts: Mapping[str, str], by: User) -> Issue:
    """Change a story's words or picture for this issue alone; see WORDS."""
    with _changing(issue, revision, by) as locked:
        story = _story(locked, story_id)
        for name in TEXT_FIELDS:
            if name in texts:
                setattr(story, name, _clean(name, texts[name]))
        if not story.title:
            raise IssueError("A story needs a headline.")
        if story.image_url and not story.image_url.startswith(("https://", "http://")):
            raise IssueError("The picture's address begins with https://.")
        story.edited = True
        story.save()
    return locked


def pin(issue: Issue, revision: int, story_id: int, by: User, *, pinned: bool) -> Issue:
    """Let a story stay when the issue is picked anew, or not."""
    with _changing(issue, revision, by) as locked:
        story = _story(locked, story_id)
        story.pinned = pinned
        story.save(update_fields=["pinned"])
    return locked


def change_texts(
    issue: Issue,
    revision: int,
    by: User,
    *,
    subject: str | None = None,
    preheader: str | None = None,
    appeal: Appeal | str | None = "",
) -> Issue:
    """Give the issue a subject, preheader or appeal of its own; "" as subject: the newsletter's.

    An `appeal` of None is no appeal; the empty string leaves it as it is.
    """
    with _changing(issue, revision, by) as locked:
        if subject is not None:
            locked.own_subject = one_line(subject)
        if preheader is not None:
            locked.own_preheader = one_line(preheader)
        if not isinstance(appeal, str):
            _check_appeal(appeal, locked)
            locked.appeal = appeal
    return locked


def refresh(issue: Issue, revision: int, by: User, now: datetime) -> Issue:
    """Pick the issue anew from what there is now; what is pinned or reworded stays, in front."""
    with _changing(issue, revision, by) as locked:
        cadence = Cadence(locked.cadence)
        draft = compose(locked.newsletter, locked.slot, now, locked.kind, cadence, besides=locked)
        pinned = [
            story for story in locked.stories.order_by("position") if story.pinned or story.edited
        ]
        locked.stories.exclude(pk__in=[story.pk for story in pinned]).delete()
        pinned_articles = {story.article_id for story in pinned}
        fresh = [story for story in draft.stories if story.article_id not in pinned_articles]
        for story in fresh:
            story.issue = locked
            story.position += MOST_STORIES + len(pinned)
        Story.objects.bulk_create(fresh)
        _place([*pinned, *fresh])
        locked.left_out = draft.issue.left_out
    return locked


def retract(issue: Issue, story_id: int, note: str, now: datetime, by: User | None = None) -> Story:
    """Take a story back: it is in no mail sent from now on, and the archive shows the note.

    Works while the issue goes out, and after. Mails that have arrived stay as they are. Before it
    goes out, an approval falls, and `by` is among those who changed it.
    """
    with transaction.atomic():
        locked = Issue.objects.select_for_update().get(pk=issue.pk)
        story = _story(locked, story_id)
        if not locked.stories.filter(retracted_at=None).exclude(pk=story.pk).exists():
            raise IssueError("It is the last story of this issue: cancel the issue instead.")
        if not story.retracted_at:
            story.retracted_at, story.retraction = now, one_line(note)
            story.save(update_fields=["retracted_at", "retraction"])
            # Subject and preheader may name it: they are written anew with the mail.
            locked.revision += 1
            locked.subject, locked.preheader = locked.own_subject, locked.own_preheader
            if by and locked.planned_at is None:
                locked.contributors = sorted({*locked.contributors, by.pk})
            locked.save(update_fields=["revision", "subject", "preheader", "contributors"])
    return story


def withdraw(article: Article, note: str, by: User, now: datetime) -> list[Issue]:
    """Retract an article everywhere: from drafts, from issues being sent, and from all to come.

    Return the issues that it was in and that had not all left; one of nothing else does not go out,
    or no further.
    """
    storing.retract(article, now)
    issues = Issue.objects.filter(stories__article=article, stories__retracted_at=None)
    touched = list(issues.filter(state__in=(*OPEN, State.SENDING, State.PAUSED)).order_by("pk"))
    for issue in touched:
        _take_out(issue, article, note, by, now)
    return touched


def _take_out(issue: Issue, article: Article, note: str, by: User, now: datetime) -> None:
    with transaction.atomic():
        locked = Issue.objects.select_for_update().get(pk=issue.pk)
        story = locked.stories.filter(article=article, retracted_at=None).first()
        if story is None:
            return
        remaining = locked.stories.filter(retracted_at=None).exclude(pk=story.pk)
        begun = locked.planned_at or locked.state not in OPEN
        if not remaining.exists():
            locked.state = State.PAUSED if begun else State.SKIPPED
            locked.reason = f"Its only story was retracted: {story.title}"
            locked.finished_at = None if begun else now
            locked.save(update_fields=["state", "reason", "finished_at"])
        elif begun:
            retract(locked, story.pk, note, now)
        else:
            remove(locked, locked.revision, story.pk, by)


@contextmanager
def _changing(issue: Issue, revision: int, by: User) -> Iterator[Issue]:
    """Hold the issue while it is changed; raises IssueError where that is too late."""
    with transaction.atomic():
        locked = (
            Issue.objects.select_for_update(of=("self",))
            .select_related("newsletter__publication")
            .get(pk=issue.pk)
        )
        if locked.state not in OPEN or locked.planned_at:
            raise IssueError(
                f"This issue can be changed no more: it is {locked.get_state_display()}."
            )
        if locked.revision != revision:
            raise ChangedMeanwhileError(
                "Somebody else changed this issue meanwhile. Look at it again, then change it."
            )
        yield locked
        locked.revision += 1
        locked.changed_by = by
        locked.contributors = sorted({*locked.contributors, by.pk})
        unsettle(locked)
        locked.save()


def unsettle(issue: Issue) -> None:
    """Take approval and final words away from an issue whose content is another now."""
    issue.approved_by, issue.approved_at, issue.approved_hash = None, None, ""
    issue.subject, issue.preheader = issue.own_subject, issue.own_preheader
    if issue.newsletter.approval != Newsletter.Approval.NONE:
        issue.state, issue.send_at = State.DRAFT, None


def _story(issue: Issue, story_id: int) -> Story:
    story = issue.stories.filter(pk=story_id).first()
    if story is None:
        raise ChangedMeanwhileError("This story is in the issue no more. Look at it again.")
    return story


def _section(issue: Issue, title: str, stories: Sequence[Story]) -> str:
    """Return the title to put a story under: the one named, or that of the last story."""
    titles = list(issue.newsletter.sections.values_list("title", flat=True))
    if title and title not in titles:
        raise IssueError(f"{issue.newsletter} has no section called {title}.")
    return title or (stories[-1].section if stories else "") or (titles[0] if titles else "")


def _place(stories: Any) -> None:
    """Number stories in the order given; the constraint is looked at when all are numbered."""
    for position, story in enumerate(stories):
        if story.position != position:
            story.position = position
            story.save(update_fields=["position"])


def _check_appeal(appeal: Appeal | None, issue: Issue) -> None:
    if appeal and appeal.publication_id != issue.newsletter.publication_id:
        raise IssueError("This appeal is another publication's.")


def _clean(name: str, text: str) -> str:
    cleaned = text.replace("\x00", "").strip() if name == "summary" else one_line(text)
    if len(cleaned) > (most := LONGEST.get(name, 300)):
        raise IssueError(f"The {name.replace('_', ' ')} has {most} characters at most.")
    return cleaned
