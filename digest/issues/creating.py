"""Issues outside the schedule: of the latest articles, or of chosen ones, once for each request."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from digest.accounts.models import User
from digest.articles.models import Article
from digest.issues.building import lock_newsletter, save
from digest.issues.composing import Draft, blocks_of, compose, snapshot
from digest.issues.editing import BY_EDITOR, MOST_STORIES
from digest.issues.errors import IssueError
from digest.issues.models import Block, Issue, Story
from digest.newsletters.audiences.models import Segment
from digest.newsletters.block_fields import BlockKind
from digest.newsletters.checks import require_own_article, require_own_segment
from digest.newsletters.models import Cadence, Newsletter

State = Issue.State
MOMENT = timedelta(seconds=1)
MANUAL = Issue.Kind.MANUAL


def create_issue(
    newsletter: Newsletter,
    key: str,
    by: User,
    now: datetime,
    *,
    articles: Sequence[Article] = (),
    only_topics: Sequence[str] = (),
    segment: Segment | None = None,
) -> Issue:
    """Create a draft outside the schedule, of these articles or of the latest ones.

    `key` identifies the request: repeated, it creates one issue. There is one draft of the latest
    articles at a time: while it is open, a second request returns it. Raises IssueError if there
    are no articles for it, or no such topic, NewsletterError for another publication's segment.
    """
    with transaction.atomic():
        lock_newsletter(newsletter)
        require_own_segment(newsletter.publication_id, segment)
        if existing := _existing_issue(newsletter, key, articles, only_topics, segment):
            return existing
        draft = _chosen(newsletter, articles, now) if articles else _new(newsletter, now)
        issue = draft.issue
        issue.state, issue.start_key, issue.changed_by = State.DRAFT, key, by
        issue.contributors = [by.pk]
        issue.slot = _free_slot(newsletter, now)
        issue.only_topics, issue.segment = _topics(newsletter, only_topics), segment
        save(draft)
    return issue


def _existing_issue(
    newsletter: Newsletter,
    key: str,
    articles: Sequence[Article],
    only_topics: Sequence[str],
    segment: Segment | None,
) -> Issue | None:
    """Return the issue that this wish made, or another's of what is new that waits to be sent."""
    if issue := Issue.objects.filter(start_key=key).first():
        if issue.newsletter_id != newsletter.pk:
            raise IssueError("This was asked for another newsletter. Look at the page again.")
        if (issue.segment, issue.only_topics) != (segment, sorted(set(only_topics))):
            raise IssueError(
                "This form has created an issue for other subscribers already. "
                "Open New issue again."
            )
        return issue
    if articles:
        return None
    waiting = newsletter.issues.filter(kind=MANUAL, state=State.DRAFT, start_key__isnull=False)
    same_audience = waiting.filter(only_topics=sorted(set(only_topics)), segment=segment)
    picked = Story.objects.filter(issue=OuterRef("pk")).exclude(reason=BY_EDITOR)
    return same_audience.filter(Exists(picked)).order_by("pk").last()


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
    stories = [snapshot(block, n, article, BY_EDITOR) for n, (block, article) in enumerate(pairs)]
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
