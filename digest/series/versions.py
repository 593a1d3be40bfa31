"""The mail of a step: its draft, and the versions that are sent.

    create_draft   an issue that editors write like any other, and that is never sent
    fill           put the stories of another issue into it
    publish        make a version of the draft: an issue that stands open
    current        the version that is sent now; made again where it shows a newer issue, or is old

A version is frozen like every issue. Who was planned into one gets that one, also when the next is
published meanwhile; once nothing of it is due it is finished, and archived in its time.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from digest.accounts.models import User
from digest.core import rich_text
from digest.issues import approval
from digest.issues.changing import changing, renumber
from digest.issues.errors import ApprovalError
from digest.issues.models import Block, Issue, Story
from digest.issues.window import latest_issue, stories_for_everyone
from digest.newsletters.blocks import have_content
from digest.newsletters.choices import STORY_KINDS, BlockKind
from digest.newsletters.models import Newsletter
from digest.sending.compiling import compiled_for
from digest.series.errors import SeriesError
from digest.series.models import Step, Version

# Then the same is published once more, so that what was sent long ago can be archived and deleted.
LONGEST_STANDING = timedelta(days=30)
MOST_STORIES = 20  # of another issue
OFF = "The series is switched off."
_BLOCK = ("kind", "title", "content", "style", "shown_in", "only_topics", "segment", "appeal")
_STORY = (
    *("article", "revision", "topics", "reason", "url", "title", "summary", "byline", "kicker"),
    *("published_at", "word_count", "image_url", "image_alt", "image_caption", "image_credit"),
    *("picture", "pinned", "edited"),
)
MOMENT = timedelta(microseconds=1)

State = Issue.State
Kind = Issue.Kind


def create_draft(
    newsletter: Newsletter, subject: str, text: str, by: User | None, now: datetime
) -> Issue:
    """Create the draft of a step's mail: a text, and a block for the stories of another issue."""
    draft = Issue.objects.create(
        newsletter=newsletter,
        slot=_free_slot(newsletter, now),
        kind=Kind.TEMPLATE,
        state=State.DRAFT,
        own_subject=subject,
        changed_by=by,
        contributors=[by.pk] if by else [],
        built_at=now,
    )
    document = rich_text.from_text(text)
    Block.objects.create(
        issue=draft, kind=BlockKind.TEXT, position=0, content={"document": document}
    )
    return draft


def fill(step: Step, by: User) -> None:
    """Put the stories that a step shows now into its draft, so that its preview shows them.

    Its first block of stories is for them; a block is added where there is none.
    """
    if step.stories == Step.Stories.NONE:
        return
    source = shown_issue(step)
    with changing(step.draft, None, by, "Show stories of an issue") as draft:
        block = _story_block(draft) or draft.blocks.create(
            kind=BlockKind.LATEST, title="", position=draft.blocks.count()
        )
        block.stories.all().delete()
        present = set(draft.stories.values_list("article", flat=True))
        stories = _stories_of(source, block, present, draft.stories.count())
        Story.objects.bulk_create(stories)


def shown_issue(step: Step) -> Issue | None:
    """Return the issue whose stories a step shows now; None without one."""
    if step.stories == Step.Stories.CHOSEN:
        return step.shown_issue
    if step.stories == Step.Stories.LATEST:
        return latest_issue([step.series.newsletter_id])
    return None


@transaction.atomic
def publish(step: Step, now: datetime) -> Issue:
    """Make a version of a step's draft as it is now; who is planned from now on gets it.

    Raises SeriesError without a subject or any content, ApprovalError where it has to be approved
    first, and RenderingError with what an editor has to change.
    """
    locked = _locked(step)
    draft = _locked_draft(locked)
    if not draft.own_subject.strip():
        raise SeriesError("Write a subject first.")
    if _is_empty(locked, draft):
        raise SeriesError("The mail is empty. Write a text, or show the stories of an issue.")
    if approval.is_needed(draft):
        raise ApprovalError("The mail has to be approved first. Open it and press Approve.")
    version = _replace_version(locked, draft, now)
    locked.version_revision = draft.revision
    locked.save(update_fields=["version_revision"])
    step.refresh_from_db()
    return version


def current(step: Step, now: datetime) -> Issue | None:
    """Return the version of a step that is sent now; None if nobody has published one.

    The published content is made again where the step shows the latest issue and there is a newer
    one, where a story of the issue that it shows was retracted, and where it has stood for a month.
    """
    if step.version is None or step.version.state != State.SENDING:
        return step.version
    if not _is_outdated(step, now):
        return step.version
    with transaction.atomic():
        locked = _locked(step)
        if locked.version and _is_outdated(locked, now):
            _replace_version(locked, locked.version, now)
        step.refresh_from_db()
    return step.version


def problem_of(step: Step) -> str:
    """Return why a step cannot go out; "" if it can."""
    version = step.version
    if version is None:
        return f"Step {step.number} has no mail yet. Write it, then publish it."
    if version.state == State.CANCELLED:
        return f"The mail of step {step.number} was cancelled. Publish it again."
    if version.state == State.PAUSED and version.reason != OFF:
        return f"The mail of step {step.number} is paused. {version.reason}".strip()
    is_off = version.state == State.PAUSED and not step.series.active
    if not version.stands_open or not (is_off or version.state == State.SENDING):
        return f"The mail of step {step.number} is sent to nobody any more. Publish it again."
    return ""


def _is_empty(step: Step, draft: Issue) -> bool:
    """Say whether a step's draft has nothing to show, and shows no stories of an issue."""
    has_stories = draft.stories.exists() or shown_issue(step) is not None
    return not (has_stories or have_content(draft.blocks.filter(hidden=False)))


def _locked(step: Step) -> Step:
    rows = Step.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("version", "series").get(pk=step.pk)


def _locked_draft(step: Step) -> Issue:
    """Let nobody change a draft while it is compared with its approval and copied."""
    rows = Issue.objects.select_for_update(of=("self",))
    return rows.select_related("newsletter__publication").get(pk=step.draft_id)


def _is_outdated(step: Step, now: datetime) -> bool:
    version = step.version
    if version is None or version.planned_at is None:
        return False
    shows_latest = step.stories == Step.Stories.LATEST
    source = shown_issue(step)
    if source is not None:
        is_newer = shows_latest and source.pk != step.shown_issue_id
        if is_newer or source.stories.filter(retracted_at__gt=version.planned_at).exists():
            return True
    return version.planned_at < now - LONGEST_STANDING


def _replace_version(step: Step, content: Issue, now: datetime) -> Issue:
    """Make a version of some content, and let the one before finish."""
    source = shown_issue(step)
    version = _copy(step, content, source, now)
    compiled_for(version)
    if step.version:
        Issue.objects.filter(pk=step.version.pk).update(stands_open=False)
    Version.objects.create(step=step, issue=version, made_at=now)
    step.version = version
    if step.stories == Step.Stories.LATEST:
        step.shown_issue = source
    step.save(update_fields=["version", "shown_issue"])
    return version


def _copy(step: Step, content: Issue, source: Issue | None, now: datetime) -> Issue:
    is_on = step.series.active
    version = Issue.objects.create(
        newsletter=content.newsletter,
        slot=_free_slot(content.newsletter, now),
        kind=Kind.SERIES,
        state=State.SENDING if is_on else State.PAUSED,
        reason="" if is_on else OFF,
        own_subject=content.own_subject,
        own_preheader=content.own_preheader,
        built_at=now,
        planned_at=now,
        stands_open=True,
    )
    blocks = _copy_blocks(content, version)
    filled = _story_block(content) if step.stories != Step.Stories.NONE else None
    stories = content.stories.filter(retracted_at=None).order_by("position")
    stories = stories.exclude(article__retracted_at__isnull=False)
    duplicates = [
        _copy_story(story, blocks[story.block_id], number)
        for number, story in enumerate(stories.exclude(block=filled) if filled else stories)
    ]
    if filled:
        present = {story.article_id for story in duplicates}
        duplicates += _stories_of(source, blocks[filled.pk], present, len(duplicates))
    Story.objects.bulk_create(duplicates)
    renumber(version)
    return version


def _copy_blocks(content: Issue, version: Issue) -> dict[int, Block]:
    """Copy the blocks of an issue; return the duplicates by the ids of the originals."""
    originals = list(content.blocks.order_by("position"))
    duplicates = [
        Block(
            issue=version,
            position=position,
            hidden=block.hidden,
            **{name: getattr(block, name) for name in _BLOCK},
        )
        for position, block in enumerate(originals)
    ]
    Block.objects.bulk_create(duplicates)
    return {original.pk: copy for original, copy in zip(originals, duplicates, strict=True)}


def _stories_of(
    source: Issue | None, block: Block, present: Iterable[int | None], first: int
) -> list[Story]:
    """Return the stories of an issue as those of a block, unsaved, but for articles it has."""
    if source is None:
        return []
    rows = stories_for_everyone(source).exclude(
        article__in=[article for article in present if article]
    )
    return [_copy_story(row, block, first + n) for n, row in enumerate(rows[:MOST_STORIES])]


def _copy_story(story: Story, block: Block, position: int) -> Story:
    values = {name: getattr(story, name) for name in _STORY}
    return Story(issue=block.issue, block=block, position=position, **values)


def _story_block(issue: Issue) -> Block | None:
    """Return the block that is filled with another issue's stories: the first one for stories."""
    return issue.blocks.filter(kind__in=STORY_KINDS).order_by("position").first()


def _free_slot(newsletter: Newsletter, now: datetime) -> datetime:
    """Return a slot that no issue has, nor can get from a schedule or a person: in full seconds."""
    slot = now.replace(microsecond=max(now.microsecond, 1))
    while newsletter.issues.filter(slot=slot).exists():
        slot += MOMENT
    return slot if slot.microsecond else slot + MOMENT
