"""What calls about issues take, and what they answer."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from digest.api.paging import Asked
from digest.api.schemas import Email, Id, Line, Moment, Slug, Told
from digest.core import clock
from digest.issues import approval, editing
from digest.issues.composing import Draft
from digest.issues.models import Issue
from digest.rendering.compiled import Compiled
from digest.rendering.issue import compile_issue
from digest.sending.progress import pace, progress

Revision = Annotated[int, Field(ge=1, le=2**31 - 1)]
State = Literal["draft", "built", "sending", "paused", "sent", "skipped", "cancelled"]


class IssueAsked(Asked):
    """Which issues."""

    newsletter: Slug | None = None
    state: State | None = None


class TestTold(Told):
    """Whom to send a test."""

    to: Email


class IssueNew(Told):
    """An issue outside the schedule."""

    articles: Annotated[list[Id], Field(max_length=editing.MOST_STORIES)] = Field(
        [], description="in this order; none: what is new now, by the newsletter's rules"
    )
    topics: Annotated[list[Line], Field(max_length=50)] = Field(
        [], description="for subscribers who chose one of these; none: for everyone"
    )


class RevisionTold(Told):
    """Which content is meant."""

    revision: Revision


class SendTold(RevisionTold):
    """When to send which content."""

    at: Moment | None = Field(None, description="none: now")


class ReasonTold(Told):
    """Why an issue is stopped."""

    reason: Line = ""


class NoteTold(Told):
    """What the archive says instead of the story."""

    note: Line = ""


class ProgressFacts(BaseModel):
    """How many subscribers are where. eligible is the sum of all others."""

    eligible: int
    queued: int
    in_flight: int
    deferred: int
    sent: int
    failed: int
    suppressed: int
    cancelled: int
    uncertain: int
    per_second: float | None = Field(None, description="over the last minute, while it goes out")
    ends_at: datetime | None = Field(None, description="when it will be done at this pace")


class StoryFacts(BaseModel):
    """A story of an issue."""

    id: int | None = Field(description="null in a preview")
    article: int | None
    section: str
    title: str
    url: str
    reason: str = Field(description="why it was picked")
    retracted_at: datetime | None = None


class LeftOutFacts(BaseModel):
    """An article that was left out."""

    article: int
    title: str
    reason: str


class IssueFacts(BaseModel):
    """An issue."""

    id: int
    newsletter: str
    slot: datetime
    kind: str
    cadence: str
    state: str
    reason: str = Field(description="why it was skipped, paused or cancelled")
    subject: str
    revision: int = Field(description="counts what is changed at the desk")
    approval_needed: bool
    send_at: datetime | None = Field(description="said by a person or program; null: at its slot")
    built_at: datetime
    planned_at: datetime | None
    finished_at: datetime | None


class IssueShown(IssueFacts):
    """An issue with what is in it, and how far it is."""

    progress: ProgressFacts
    stories: list[StoryFacts]
    left_out: list[LeftOutFacts]


class MailFacts(BaseModel):
    """A mail as a subscriber of every issue gets it."""

    subject: str
    preheader: str
    html: str
    text: str


class PreviewFacts(MailFacts):
    """What would go out now."""

    skipped: str = Field(description="why nothing would; empty if something would")
    stories: list[StoryFacts]
    left_out: list[LeftOutFacts]


class TestFacts(BaseModel):
    """What the relay said to a test."""

    to: str
    code: int
    reply: str


def facts(issue: Issue) -> dict[str, Any]:
    """Return an issue."""
    told = set(IssueFacts.model_fields) - {"newsletter", "approval_needed"}
    known = {name: getattr(issue, name) for name in told}
    needed = issue.state in editing.OPEN and approval.is_needed(issue)
    return known | {"newsletter": issue.newsletter.slug, "approval_needed": needed}


def shown(issue: Issue) -> dict[str, Any]:
    """Return an issue with what is in it, and how far it is."""
    stories = issue.stories.all()
    return facts(issue) | {
        "progress": progress_facts(issue),
        "stories": [story_facts(story) for story in stories],
        "left_out": issue.left_out,
    }


def progress_facts(issue: Issue) -> dict[str, Any]:
    """Return how far an issue is."""
    counts = progress(issue)
    going = pace(issue, counts, clock.now())
    return {"eligible": counts.eligible, **asdict(counts), **asdict(going)}


def story_facts(story: Any) -> dict[str, Any]:
    """Return a story."""
    names = ("id", "section", "title", "url", "reason", "retracted_at")
    known = {name: getattr(story, name) for name in names}
    return known | {"article": story.article_id}


def draft_facts(draft: Draft) -> dict[str, Any]:
    """Return what would go out, as picked."""
    return {
        "skipped": draft.selection.skip,
        "stories": [story_facts(story) for story in draft.stories],
        "left_out": draft.issue.left_out,
    }


def rendered(draft: Draft) -> dict[str, Any]:
    """Return a draft as a mail; empty where nothing would go out."""
    if draft.selection.skip:
        return dict.fromkeys(("subject", "preheader", "html", "text"), "")
    return mail_facts(compile_issue(draft.issue, draft.stories, draft.issue.appeal))


def mail_facts(compiled: Compiled) -> dict[str, Any]:
    """Return a mail."""
    return {
        "subject": compiled.subject,
        "preheader": compiled.preheader,
        "html": compiled.html(),
        "text": compiled.text(),
    }
