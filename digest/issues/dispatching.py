"""When an issue goes out: now, at a time, not at all. Until it has begun, that can be undone.

Two people who press at the same moment, or one who presses twice, change one row once.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from digest.accounts.models import User
from digest.articles.models import Article
from digest.core import jobs
from digest.issues import approval
from digest.issues.building import lock_newsletter, save
from digest.issues.changing import OPEN
from digest.issues.composing import Draft, blocks_of, compose, snapshot
from digest.issues.editing import BY_HAND, MOST_STORIES
from digest.issues.errors import ApprovalError, ChangedMeanwhileError, IssueError
from digest.issues.models import Block, Issue, Story
from digest.newsletters.block_fields import BlockKind
from digest.newsletters.checks import require_own_article
from digest.newsletters.models import Cadence, Newsletter

State = Issue.State
FURTHEST = timedelta(days=90)
MOMENT = timedelta(seconds=1)
MANUAL = Issue.Kind.MANUAL


def send_now(issue: Issue, revision: int, now: datetime) -> Issue:
    """Let an issue go to everyone, after the seconds in which it can be undone.

    Pressed again, it is on its way already, and nothing changes. Raises IssueError if it can't
    go, ApprovalError if it has to be approved first.
    """
    return _send_at(issue, revision, now + timedelta(seconds=_pause(issue)), now)


def send_at(issue: Issue, revision: int, at: datetime, now: datetime) -> Issue:
    """Let an issue go to everyone at a moment (aware); raises as `send_now` does."""
    if not now < at <= now + FURTHEST:
        raise IssueError(f"Choose a time within the next {FURTHEST.days} days.")
    return _send_at(issue, revision, at, now)


def undo(issue: Issue, now: datetime) -> Issue:
    """Undo "send" while nothing has left: the issue goes out at its slot, or is a draft again."""
    with _locked(issue) as locked:
        if locked.state not in OPEN or locked.planned_at or not locked.send_at:
            raise IssueError("It is too late: the issue is on its way. Pause or cancel it.")
        if locked.send_at <= now:
            raise IssueError("It is too late: the issue is on its way. Pause or cancel it.")
        locked.send_at = None
        scheduled = locked.kind != MANUAL and locked.slot > now
        if not scheduled:
            locked.state = State.DRAFT
    return locked


def skip(issue: Issue, now: datetime, reason: str = "Skipped by an editor.") -> Issue:
    """Let an issue not go out; its stories may be in the next one."""
    with _locked(issue) as locked:
        if locked.state not in OPEN or locked.planned_at:
            raise IssueError(f"It cannot be skipped: it is {locked.get_state_display()}.")
        locked.state, locked.reason, locked.finished_at = State.SKIPPED, reason, now
    return locked


def create_issue(
    newsletter: Newsletter,
    key: str,
    by: User,
    now: datetime,
    *,
    articles: Sequence[Article] = (),
    only_topics: Sequence[str] = (),
) -> Issue:
    """Create a draft outside the schedule, of these articles or of the latest ones.

    `key` identifies the request: repeated, it creates one issue. There is one draft of the latest
    articles at a time: while it is open, a second request returns it. Raises IssueError if there
    are no articles for it, or no such topic.
    """
    with transaction.atomic():
        lock_newsletter(newsletter)
        if existing := _existing_issue(newsletter, key, articles, only_topics):
            return existing
        draft = _chosen(newsletter, articles, now) if articles else _new(newsletter, now)
        issue = draft.issue
        issue.state, issue.start_key, issue.changed_by = State.DRAFT, key, by
        issue.contributors = [by.pk]
        issue.slot = _free_slot(newsletter, now)
        issue.only_topics = _topics(newsletter, only_topics)
        save(draft)
    return issue


def _existing_issue(
    newsletter: Newsletter, key: str, articles: Sequence[Article], only_topics: Sequence[str]
) -> Issue | None:
    """Return the issue that this wish made, or another's of what is new that waits to be sent."""
    if issue := Issue.objects.filter(start_key=key).first():
        if issue.newsletter_id != newsletter.pk:
            raise IssueError("This was asked for another newsletter. Look at the page again.")
        return issue
    if articles:
        return None
    waiting = newsletter.issues.filter(kind=MANUAL, state=State.DRAFT, start_key__isnull=False)
    alike = waiting.filter(only_topics=sorted(set(only_topics)))
    picked = Story.objects.filter(issue=OuterRef("pk")).exclude(reason=BY_HAND)
    return alike.filter(Exists(picked)).order_by("pk").last()


def _send_at(issue: Issue, revision: int, at: datetime, now: datetime) -> Issue:
    with _locked(issue) as locked:
        if locked.planned_at or (locked.send_at and locked.send_at <= now):
            return locked
        if locked.state not in OPEN:
            raise IssueError(f"It cannot be sent: it is {locked.get_state_display()}.")
        if locked.revision != revision:
            raise ChangedMeanwhileError("Somebody changed this issue meanwhile. Look at it again.")
        if not locked.stories.exists():
            raise IssueError("There is no story in it.")
        if approval.is_needed(locked):
            raise ApprovalError("It has to be approved first.")
        if locked.state == State.BUILT and locked.send_at and at > locked.send_at:
            return locked  # somebody else pressed a moment before
        locked.state, locked.send_at, locked.reason = State.BUILT, at, ""
        jobs.enqueue(jobs.PLAN_ISSUES)
    return locked


def _pause(issue: Issue) -> int:
    return Newsletter.objects.values_list("undo_seconds", flat=True).get(pk=issue.newsletter_id)


@contextmanager
def _locked(issue: Issue) -> Iterator[Issue]:
    with transaction.atomic():
        rows = Issue.objects.select_for_update(of=("self",))
        locked = rows.select_related("newsletter__publication").get(pk=issue.pk)
        yield locked
        locked.save()


def _new(newsletter: Newsletter, now: datetime) -> Draft:
    draft = compose(newsletter, now.replace(microsecond=0), now, MANUAL, Cadence.EVERY)
    if draft.issue.state == State.SKIPPED:
        raise IssueError(f"There is nothing to send: {draft.issue.reason}")
    return draft


def _chosen(newsletter: Newsletter, articles: Sequence[Article], now: datetime) -> Draft:
    if len(articles) > MOST_STORIES:
        raise IssueError(f"An issue holds {MOST_STORIES} stories at most.")
    for article in articles:
        require_own_article(newsletter, article)
        if article.retracted_at:
            raise IssueError(f"“{article.title}” was retracted.")
    draft = compose(newsletter, now.replace(microsecond=0), now, MANUAL, Cadence.EVERY)
    draft.issue.reason, draft.issue.finished_at = "", None
    blocks = blocks_of(draft.issue, now)
    stories = _stories(blocks, list(dict.fromkeys(articles)))
    return Draft(draft.issue, blocks, stories, draft.selection)


def _stories(blocks: list[Block], articles: Sequence[Article]) -> list[Story]:
    """Return chosen articles as stories: the first one leads, the others are the first block's."""
    with_stories = [block for block in blocks if block.has_stories]
    leads = [block for block in with_stories if block.kind == BlockKind.LEAD]
    mixed = [block for block in with_stories if block.kind not in (BlockKind.LEAD, BlockKind.TOPIC)]
    main = (mixed or with_stories)[0]
    pairs = [(leads[0] if leads and not n else main, row) for n, row in enumerate(articles)]
    pairs.sort(key=lambda pair: pair[0].position)
    stories = [snapshot(block, n, article, BY_HAND) for n, (block, article) in enumerate(pairs)]
    for story in stories:
        story.pinned = True
    return stories


def _free_slot(newsletter: Newsletter, now: datetime) -> datetime:
    """Return a slot near `now` that no issue has."""
    slot = now.replace(microsecond=0)
    while newsletter.issues.filter(slot=slot, cadence=Cadence.EVERY).exists():
        slot += MOMENT
    return slot


def _topics(newsletter: Newsletter, topics: Sequence[str]) -> list[str]:
    titles = set(newsletter.layout.filter(kind=BlockKind.TOPIC).values_list("title", flat=True))
    if unknown := set(topics) - titles:
        raise IssueError(f"{newsletter} has no topic called {', '.join(sorted(unknown))}.")
    return sorted(set(topics))
