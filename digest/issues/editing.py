"""Change the stories and texts of an issue before it goes out; see `changing` for the rules."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction

from digest.accounts.models import User
from digest.articles import storing
from digest.articles.models import Article
from digest.core import clock
from digest.core.text import one_line
from digest.issues import history, pictures
from digest.issues.changing import (
    block_of,
    changing,
    left_out_entry,
    lock,
    renumber,
    settle,
    story_of,
)
from digest.issues.composing import compose, folded, snapshot
from digest.issues.errors import EditConflictError, IssueError
from digest.issues.models import Block, Issue, Story
from digest.newsletters.checks import require_own_article
from digest.newsletters.choices import STORY_KINDS, BlockKind
from digest.newsletters.models import Cadence

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
LONGEST_TEMPLATE = 250
MOST_STORIES = 100
BY_EDITOR = "added by an editor"
MORE_STORIES = "More stories"


def move(
    issue: Issue, revision: int | None, story_id: int, block_id: int, to: int, by: User
) -> Issue:
    """Put a story to a place (0 is first) of a block of stories; the others make room.

    The story that led changes places with one that is put into the lead.
    """
    with changing(issue, revision, by, "Move story") as locked:
        story, target = story_of(locked, story_id), block_of(locked, block_id)
        if target.kind not in STORY_KINDS:
            raise IssueError(f"{target} holds no stories.")
        if target.kind == BlockKind.LEAD and (previous := target.stories.first()):
            _exchange(previous, story)
        neighbours = [row for row in target.stories.order_by("position") if row.pk != story.pk]
        story.block = target
        neighbours.insert(max(0, to), story)
        _order(neighbours)
    return locked


def remove(issue: Issue, revision: int | None, story_id: int, by: User) -> Issue:
    """Remove a story; it is among those left out then, and may be added again.

    If it led, the next one leads.
    """
    with changing(issue, revision, by, "Remove story") as locked:
        story = story_of(locked, story_id)
        if not (locked.is_of_series or locked.stories.exclude(pk=story.pk).exists()):
            raise IssueError("It is the last story of this issue: skip the issue instead.")
        story.delete()
        if story.block.kind == BlockKind.LEAD:
            _promote(story.block)
        locked.left_out = [
            left_out_entry(story, "removed by an editor"),
            *(left for left in locked.left_out if left["article"] != story.article_id),
        ]
    return locked


def add(
    issue: Issue,
    revision: int | None,
    article: Article,
    by: User,
    block_id: int | None = None,
    to: int | None = None,
) -> Story:
    """Add an article to the issue: to a block and place, or at the end of its topic's block.

    Raises IssueError if it is in already, or was retracted, NewsletterError for an article of
    another publication.
    """
    require_own_article(issue.newsletter, article)
    with _unless_retracted(article), changing(issue, revision, by, "Add story") as locked:
        if locked.stories.filter(article=article).exists():
            raise IssueError(f"“{article.title}” is in this issue already.")
        if locked.stories.count() >= MOST_STORIES:
            raise IssueError(f"An issue holds {MOST_STORIES} stories at most.")
        block = block_of(locked, block_id) if block_id else _block_for(locked, article)
        if block.kind not in STORY_KINDS:
            raise IssueError(f"{block} holds no stories.")
        neighbours = list(block.stories.order_by("position"))
        if block.kind == BlockKind.LEAD and neighbours:
            raise IssueError("There is a lead story already. Move the story there to replace it.")
        story = snapshot(block, 2 * MOST_STORIES, article, BY_EDITOR, _topics(locked, article))
        story.pinned = True
        pictures.assign(locked, [story], clock.now())
        story.save()
        neighbours.insert(len(neighbours) if to is None else max(0, to), story)
        _order(neighbours)
        locked.left_out = [left for left in locked.left_out if left["article"] != article.pk]
    story.refresh_from_db()
    return story


def reword(
    issue: Issue,
    revision: int | None,
    story_id: int,
    texts: Mapping[str, str],
    by: User,
    version: int | None = None,
) -> Issue:
    """Change texts or the picture of a story for this issue alone; see TEXT_FIELDS.

    `picture` among the texts is the UUID of a picture of the library, shown instead of the one at
    `image_url`; empty: that one. Raises IssueError for a picture of somebody else's,
    EditConflictError if the story has another `version` by now.
    """
    with changing(issue, revision, by, "Edit story", f"story:{story_id}") as locked:
        story = story_of(locked, story_id, version)
        for name in TEXT_FIELDS:
            if name in texts:
                setattr(story, name, _clean(name, texts[name]))
        if not story.title:
            raise IssueError("A story needs a headline.")
        if story.image_url and not story.image_url.startswith(("https://", "http://")):
            raise IssueError("The picture's address begins with https://.")
        if "image_url" in texts or "picture" in texts:
            _set_picture(locked, story, texts.get("picture", ""))
        story.edited = True
        story.version += 1
        story.save()
    return locked


def describe_pictures(
    issue: Issue, revision: int | None, texts: Mapping[int, str], by: User
) -> Issue:
    """Set what the pictures of stories show, by the stories' ids, for this issue alone."""
    with changing(issue, revision, by, "Describe pictures") as locked:
        for story_id, text in texts.items():
            story = story_of(locked, story_id)
            story.image_alt = _clean("image_alt", text)
            story.edited = True
            story.version += 1
            story.save()
    return locked


def pin(issue: Issue, revision: int | None, story_id: int, by: User, *, pinned: bool) -> Issue:
    """Let a story stay when the stories are refreshed, or not."""
    with changing(issue, revision, by, "Pin story" if pinned else "Unpin story") as locked:
        story = story_of(locked, story_id)
        story.pinned = pinned
        story.save(update_fields=["pinned"])
    return locked


def change_texts(
    issue: Issue,
    revision: int | None,
    by: User,
    *,
    subject: str | None = None,
    preheader: str | None = None,
    previous: Mapping[str, str] | None = None,
) -> Issue:
    """Give the issue a subject or preview text of its own, as templates; empty: the newsletter's.

    Raises IssueError for one that is too long to store, EditConflictError if they are not the
    `previous` ones any more.
    """
    with changing(issue, revision, by, "Edit subject and preview text", "texts") as locked:
        if any(getattr(locked, f"own_{name}") != text for name, text in (previous or {}).items()):
            raise EditConflictError("Somebody else changed the subject or preview text.")
        if subject is not None:
            locked.own_subject = _template("subject", subject)
        if preheader is not None:
            locked.own_preheader = _template("preview text", preheader)
    return locked


def refresh(issue: Issue, revision: int | None, by: User, now: datetime) -> Issue:
    """Select the stories again; those that are pinned or edited stay, in front of their blocks.

    Blocks stay as they are; a block of the layout that was removed gets no stories.
    """
    if issue.is_of_series:
        raise IssueError("The page of the step says which stories this mail shows.")
    cadence = Cadence(issue.cadence)
    with transaction.atomic():
        draft = compose(issue.newsletter, issue.slot, now, issue.kind, cadence, excluded=issue)
        excluded_ids = storing.lock_articles(story.article_id for story in draft.stories)
        with changing(issue, revision, by, "Refresh stories") as locked:
            rows = locked.stories.order_by("position")
            retained = [story for story in rows if story.pinned or story.edited]
            locked.stories.exclude(pk__in=[story.pk for story in retained]).delete()
            excluded_ids |= {story.article_id for story in retained}
            fresh = [story for story in draft.stories if story.article_id not in excluded_ids]
            placed = _placed(locked, fresh)
            pictures.assign(locked, placed, now)
            Story.objects.bulk_create(placed)
            locked.left_out = draft.issue.left_out
    return locked


def undo(issue: Issue, revision: int, by: User) -> str:
    """Undo the last change; return what it was. Raises IssueError if there is nothing to undo."""
    with _restoring(issue, revision, by) as locked:
        return history.undo(locked)


def redo(issue: Issue, revision: int, by: User) -> str:
    """Make the change again that was undone last; return what it was."""
    with _restoring(issue, revision, by) as locked:
        return history.redo(locked)


@contextmanager
def _restoring(issue: Issue, revision: int, by: User) -> Iterator[Issue]:
    with transaction.atomic():
        storing.lock_articles(history.articles_nearby(issue))
        locked = lock(issue, revision)
        yield locked
        renumber(locked)
        settle(locked, by)
        locked.save()


@contextmanager
def _unless_retracted(article: Article) -> Iterator[None]:
    """Hold an article while it is added; raise IssueError if it was retracted by now."""
    with transaction.atomic():
        if storing.lock_articles([article.pk]):
            raise IssueError(f"“{article.title}” was retracted.")
        yield


def _order(stories: Sequence[Story]) -> None:
    """Put these stories of one block into an order; `changing` numbers the whole issue after it."""
    for position, story in enumerate(stories, MOST_STORIES * 3):
        story.position = position
        story.save(update_fields=["position", "block"])


def _promote(lead: Block) -> None:
    """Let the first story after an empty lead be the lead."""
    following = lead.issue.stories.filter(block__position__gt=lead.position)
    if story := following.order_by("position").first():
        story.block = lead
        story.save(update_fields=["block"])


def _exchange(previous: Story, story: Story) -> None:
    """Give the story that led the place of the one that leads now."""
    previous.block, previous.position = story.block, story.position
    story.position = MOST_STORIES * 2
    story.save(update_fields=["position"])
    previous.save(update_fields=["position", "block"])


def _placed(issue: Issue, stories: Sequence[Story]) -> list[Story]:
    """Return fresh stories in the blocks of an issue that exists, behind what is there."""
    blocks = list(issue.blocks.order_by("position"))
    by_layout_block = {block.layout_block_id: block for block in blocks}
    lead = next((block for block in blocks if block.kind == BlockKind.LEAD), None)
    is_led = lead is None or lead.stories.exists()
    placed: list[Story] = []
    for story in stories:
        block = by_layout_block.get(story.selected_by_id) if story.selected_by_id else None
        if not is_led and block:
            block, is_led = lead, True
        if block:
            story.issue, story.block = issue, block
            story.position = MOST_STORIES * 2 + len(placed)
            placed.append(story)
    return placed


def _block_for(issue: Issue, article: Article) -> Block:
    """Return the block of an article's topic, else the last mixed one, else a new one."""
    topics = set(_topics(issue, article))
    blocks = list(issue.blocks.filter(kind__in=STORY_KINDS - {BlockKind.LEAD}).order_by("position"))
    for block in blocks:
        if block.kind == BlockKind.TOPIC and block.title in topics:
            return block
    mixed = [block for block in blocks if block.kind in (BlockKind.LATEST, BlockKind.PICKED)]
    if mixed:
        return mixed[-1]
    position = issue.blocks.count()
    return issue.blocks.create(kind=BlockKind.PICKED, title=MORE_STORIES, position=position)


def _topics(issue: Issue, article: Article) -> list[str]:
    """Return the titles of the topic blocks of the layout that take an article."""
    tags = folded([article.section, *article.tags])
    rows = issue.newsletter.layout.filter(kind=BlockKind.TOPIC)
    return [row.title for row in rows if tags & folded(row.topics)]


def _set_picture(issue: Issue, story: Story, uuid: str) -> None:
    if uuid:
        story.picture = pictures.from_library(issue, uuid)
    else:
        pictures.assign(issue, [story], clock.now())


def _template(name: str, text: str) -> str:
    cleaned = one_line(text, LONGEST_TEMPLATE + 1)
    if len(cleaned) > LONGEST_TEMPLATE:
        raise IssueError(
            f"The {name} has {LONGEST_TEMPLATE} characters at most, with its values as Jinja."
        )
    return cleaned


def _clean(name: str, text: str) -> str:
    cleaned = text.replace("\x00", "").strip() if name == "summary" else one_line(text)
    if len(cleaned) > (most := LONGEST.get(name, 300)):
        raise IssueError(f"The {name.replace('_', ' ')} has {most} characters at most.")
    return cleaned
