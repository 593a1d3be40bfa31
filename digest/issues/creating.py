"""Issues outside the schedule: of the latest articles, of chosen ones, or of one whole article."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from digest.accounts.models import User
from digest.articles.models import Article
from digest.core import rich_text
from digest.core.rich_text import Document
from digest.issues.building import lock_newsletter, save
from digest.issues.composing import Draft, blocks_of, compose, snapshot
from digest.issues.editing import BY_EDITOR, MOST_STORIES
from digest.issues.errors import IssueError
from digest.issues.models import Block, Issue, Story
from digest.newsletters.audiences.models import Segment
from digest.newsletters.checks import require_own_article, require_own_segment
from digest.newsletters.choices import BlockKind
from digest.newsletters.models import Cadence, Newsletter

State = Issue.State
MOMENT = timedelta(seconds=1)
MANUAL = Issue.Kind.MANUAL
WHOLE = "Sent as a whole article."  # why its story is in it
_COMPARED = 120  # characters of a summary that may repeat how the text begins


def create_issue(
    newsletter: Newsletter,
    key: str,
    by: User,
    now: datetime,
    *,
    articles: Sequence[Article] = (),
    only_topics: Sequence[str] = (),
    segment: Segment | None = None,
    whole: bool = False,
) -> Issue:
    """Create a draft outside the schedule, of these articles or of the latest ones.

    With `whole` it is one article with all of its text, and nothing else.

    `key` identifies the request: repeated, it creates one issue. There is one draft of the latest
    articles at a time: while it is open, a second request returns it. Raises IssueError if there
    are no articles for it, or no such topic, NewsletterError for another publication's segment.
    """
    if whole and len(articles) != 1:
        raise IssueError("A whole article is sent alone: name one article.")
    with transaction.atomic():
        lock_newsletter(newsletter)
        require_own_segment(newsletter.publication_id, segment)
        if existing := _existing_issue(newsletter, key, articles, only_topics, segment):
            return existing
        draft = _chosen(newsletter, articles, now) if articles else _new(newsletter, now)
        draft = _fill_with_article(draft, articles[0]) if whole else draft
        issue = draft.issue
        issue.state, issue.start_key, issue.changed_by = State.DRAFT, key, by
        issue.contributors = [by.pk]
        issue.slot = _free_slot(newsletter, now)
        issue.only_topics, issue.segment = _topics(newsletter, only_topics), segment
        save(draft)
        if issue.state == State.SKIPPED:
            raise IssueError(f"There is nothing to send: {issue.reason}")
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


def _fill_with_article(draft: Draft, article: Article) -> Draft:
    """Return a draft with an article in two blocks instead: its headline, and its text.

    The headline looks as in the newsletter's layout, where that has a lead. Pictures within the
    text are left out, and tables become lines. Raises IssueError for an article without a text,
    RichTextError for one that is too long.
    """
    document = rich_text.from_html(article.body_html)
    if rich_text.is_empty(document):
        raise IssueError(
            f"“{article.title}” came without its text. Send its headline and summary instead, or "
            "push the article with its text."
        )
    issue = draft.issue
    issue.left_out = []
    lead = _lead(draft, position=0)
    content = {"document": document}
    text = Block(issue=issue, kind=BlockKind.TEXT, position=1, content=content, article=article)
    story = snapshot(lead, 0, article, WHOLE)
    story.pinned = True
    if _repeats(article.summary, document):
        story.summary = ""
    return replace(draft, blocks=[lead, text], stories=[story])


def _lead(draft: Draft, position: int) -> Block:
    rows = draft.issue.newsletter.layout.filter(kind=BlockKind.LEAD).order_by("position")
    row = rows.first()
    return Block(
        issue=draft.issue,
        layout_block=row,
        kind=BlockKind.LEAD,
        position=position,
        title=row.title if row else "",
        style=row.style if row else "",
    )


def _repeats(summary: str, document: Document) -> bool:
    """Say whether a text begins with its summary, as where a system cuts one from the other."""
    begin = " ".join(summary.split()).rstrip(".… ")[:_COMPARED].casefold()
    text = " ".join(rich_text.plain_text(document).split()).casefold()
    return bool(begin) and text.startswith(begin)


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
