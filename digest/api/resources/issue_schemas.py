"""The requests and responses of the operations on issues."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.urls import reverse
from pydantic import BaseModel, Field

from digest.api.lookup import NewsletterQuery
from digest.api.schemas import Email, Id, Line, Moment, Payload, Switch
from digest.core import clock, links
from digest.core.links import NOT_COUNTED
from digest.issues import approval
from digest.issues.changing import OPEN
from digest.issues.composing import Draft
from digest.issues.editing import MOST_STORIES
from digest.issues.models import Block, Issue, Story
from digest.rendering.compiled import Compiled
from digest.rendering.issue import compile_issue
from digest.sending.preflight import Results
from digest.sending.progress import pace, progress

Revision = Annotated[int, Field(ge=1, le=2**31 - 1)]
State = Literal["draft", "built", "sending", "paused", "sent", "skipped", "cancelled"]


class IssueQuery(NewsletterQuery):
    """Which issues."""

    state: State | None = None


class ProofIn(Payload):
    """The recipient of a proof."""

    to: Email


class IssueIn(Payload):
    """A new issue outside the schedule."""

    articles: Annotated[list[Id], Field(max_length=MOST_STORIES)] = Field(
        [], description="Ids, in this order. Empty: the latest stories, by the newsletter's rules."
    )
    topics: Annotated[list[Line], Field(max_length=50)] = Field(
        [], description="Send only to subscribers who chose one of these. Empty: to everyone."
    )
    segment: Id | None = Field(
        None, description="Send only to subscribers of this segment. Null: to everyone."
    )
    whole: Switch = Field(
        default=False, description="The whole text of one article, as for breaking news."
    )


class RevisionIn(Payload):
    """The revision of the issue that the request is about."""

    revision: Revision


class PreflightIn(Payload):
    """Which checks to run."""

    network: Switch = Field(default=True, description="Request links, and ask for the spam score.")


class SendIn(RevisionIn):
    """Which revision to send, and when."""

    at: Moment | None = Field(None, description="Null: now.")


class ReasonIn(Payload):
    """Why an issue is skipped or cancelled."""

    reason: Line = ""


class ArchiveAccessIn(Payload):
    """Who may read an issue in the archive."""

    archive_access: Literal["", "public", "subscribers", "password"] = Field(
        description="Empty: whoever may read the past issues of the newsletter."
    )


class RetractionIn(Payload):
    """Why a story or an article is retracted."""

    note: Annotated[Line, Field(description="What the archive shows instead of the story.")] = ""


class ProgressOut(BaseModel):
    """The number of deliveries in each state; `eligible` is the sum of the others."""

    eligible: int
    queued: int
    in_flight: int
    deferred: int
    sent: int
    failed: int
    suppressed: int
    cancelled: int
    uncertain: int
    per_second: float | None = Field(
        None, description="Mails a second over the last minute, during sending."
    )
    ends_at: datetime | None = Field(None, description="When it will be finished at this pace.")


class StoryOut(BaseModel):
    """A story of an issue."""

    id: int | None = Field(description="Null in a preview.")
    article: int | None
    block: str = Field(description="Title of its block.")
    title: str
    url: str
    reason: str = Field(description="Why it was selected.")
    retracted_at: datetime | None = None


class BlockOut(BaseModel):
    """A block of an issue."""

    id: int
    kind: str
    title: str
    content: dict[str, Any] = Field(description="By kind.")
    style: str
    shown_in: str
    only_topics: list[str]
    segment: int | None = Field(description="Only for subscribers of this segment. Null: everyone.")
    hidden: bool
    version: int = Field(description="Increases with every change of this block.")
    appeal: int | None
    stories: list[int] = Field(description="Ids, in order.")


class OmittedArticleOut(BaseModel):
    """An article that was not selected."""

    article: int
    title: str
    reason: str


class IssueOut(BaseModel):
    """An issue."""

    id: int
    uuid: UUID = Field(description="The issue's for ever; an id may be given again.")
    newsletter: str
    slot: datetime
    kind: str
    cadence: str
    state: str
    reason: str = Field(description="Why it was skipped, paused or cancelled.")
    subject: str
    topics: list[str] = Field(
        description="It goes only to subscribers who chose one of these. Empty: to everyone."
    )
    segment: int | None = Field(
        description="It goes only to subscribers of this segment. Null: to everyone."
    )
    revision: int = Field(description="Increases with every change of the content.")
    approval_needed: bool
    send_at: datetime | None = Field(
        description="When a user or program scheduled it; null: at its slot."
    )
    on_hold: bool = Field(
        description="It is not sent at its slot, but when a user or program sends it."
    )
    archive_access: str = Field(
        description="Who may read it in the archive. Empty: as the newsletter's `audience` says."
    )
    console_url: str = Field(description="Where editors review, change and send it.")
    built_at: datetime
    planned_at: datetime | None
    finished_at: datetime | None


class IssueDetailOut(IssueOut):
    """An issue with its blocks, stories and progress."""

    progress: ProgressOut
    blocks: list[BlockOut]
    stories: list[StoryOut]
    left_out: list[OmittedArticleOut]


class MailOut(BaseModel):
    """The mail that a subscriber to every issue gets."""

    subject: str
    preheader: str
    html: str
    text: str


class PreviewOut(MailOut):
    """The issue that would be sent now."""

    skipped: str = Field(description="Why nothing would be sent; empty if something would.")
    stories: list[StoryOut]
    left_out: list[OmittedArticleOut]


class PlaceOut(BaseModel):
    """A part of the issue that a finding is about."""

    anchor: str = Field(description="On the issue's page in the console, as in `story-12`.")
    label: str
    story: int | None
    detail: str


class FindingOut(BaseModel):
    """Something to fix, once for all places of its kind."""

    check: str
    level: Literal["stop", "warn", "info"]
    problem: str
    advice: str
    places: list[PlaceOut]


class PassedCheckOut(BaseModel):
    """A check that found nothing."""

    check: str
    summary: str


class PreflightOut(BaseModel):
    """What the preflight checks say of a revision."""

    revision: int
    ready: bool = Field(description="Nothing stops the issue.")
    checked_at: datetime | None = Field(
        description="When links and spam score of this revision were checked; null: not yet."
    )
    findings: list[FindingOut]
    passed: list[PassedCheckOut]


class ProofOut(BaseModel):
    """The mail server's reply to a proof."""

    to: str
    code: int
    reply: str


def issue_out(issue: Issue) -> dict[str, Any]:
    """Return an issue."""
    computed = {"newsletter", "approval_needed", "topics", "segment", "console_url"}
    names = set(IssueOut.model_fields) - computed
    values = {name: getattr(issue, name) for name in names}
    needed = issue.state in OPEN and approval.is_needed(issue)
    return values | {
        "newsletter": issue.newsletter.slug,
        "approval_needed": needed,
        "topics": issue.only_topics,
        "segment": issue.segment_id,
        "console_url": links.absolute(reverse("issue:detail", args=[issue.pk])),
    }


def issue_detail_out(issue: Issue) -> dict[str, Any]:
    """Return an issue with its blocks, stories and progress."""
    stories = list(issue.stories.select_related("block"))
    return issue_out(issue) | {
        "progress": progress_out(issue),
        "blocks": [block_out(block, stories) for block in issue.blocks.order_by("position")],
        "stories": [story_out(story) for story in stories],
        "left_out": issue.left_out,
    }


def progress_out(issue: Issue) -> dict[str, Any]:
    """Return the progress of an issue."""
    counts = progress(issue)
    current_pace = pace(issue, counts, clock.now())
    return {"eligible": counts.eligible, **asdict(counts), **asdict(current_pace)}


def block_out(block: Block, stories: Sequence[Story]) -> dict[str, Any]:
    """Return a block of an issue; `stories` are those of the whole issue, in order."""
    names = set(BlockOut.model_fields) - {"appeal", "segment", "stories"}
    values = {name: getattr(block, name) for name in names}
    own = [story.pk for story in stories if story.block_id == block.pk]
    return values | {"appeal": block.appeal_id, "segment": block.segment_id, "stories": own}


def story_out(story: Any) -> dict[str, Any]:
    """Return a story."""
    names = ("id", "title", "url", "reason", "retracted_at")
    values = {name: getattr(story, name) for name in names}
    return values | {"block": story.block.title, "article": story.article_id}


def draft_out(draft: Draft) -> dict[str, Any]:
    """Return the stories that would be sent."""
    return {
        "skipped": draft.selection.skip,
        "stories": [story_out(story) for story in draft.stories],
        "left_out": draft.issue.left_out,
    }


def rendered_out(draft: Draft) -> dict[str, Any]:
    """Return a draft as a mail; empty strings if nothing would be sent."""
    if draft.selection.skip:
        return dict.fromkeys(("subject", "preheader", "html", "text"), "")
    return mail_out(compile_issue(draft.issue, draft.blocks, draft.stories))


def preflight_out(issue: Issue, results: Results, checked_at: datetime | None) -> dict[str, Any]:
    """Return what the preflight checks say, what stops the issue first."""
    findings = [asdict(finding) for finding in results.most_serious_first]
    for place in (place for finding in findings for place in finding["places"]):
        place["story"] = place["story"] or None
    return {
        "revision": issue.revision,
        "ready": results.is_ready,
        "checked_at": checked_at,
        "findings": findings,
        "passed": [asdict(passed) for passed in results.passed],
    }


def mail_out(compiled: Compiled) -> dict[str, Any]:
    """Return a mail."""
    return {
        "subject": compiled.subject,
        "preheader": compiled.preheader,
        "html": compiled.html(click=f"/{NOT_COUNTED}"),
        "text": compiled.text(click=f"/{NOT_COUNTED}"),
    }
