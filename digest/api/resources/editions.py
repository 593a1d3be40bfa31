"""Editions: what the desk does with an issue, by the same calls.

    list, show, preview, progress, deliveries
    build > approve > send (undo) > pause, resume, cancel; skip; retract a story

Whatever is about an issue's content names the `revision` that the caller saw.
"""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Literal
from uuid import uuid4

from django.http import HttpRequest
from ninja import Query, Router, Status
from pydantic import BaseModel, Field

from digest.accounts.scopes import Scope
from digest.api import reach
from digest.api.bearer import Caller, caller_of, needs
from digest.api.once import doing_once, need_key
from digest.api.paging import Asked, Page, page
from digest.api.problems import STATUSES
from digest.api.resources.deliveries import DeliveryAsked, DeliveryFacts, deliveries
from digest.api.words import Email, Id, Line, Moment, Slug, Told
from digest.core import addresses, clock
from digest.delivery import steering
from digest.delivery.compiling import compiled_for
from digest.delivery.progress import pace, progress
from digest.delivery.testing import send_test
from digest.editions import approving, building, desk, dispatching
from digest.editions.composing import Draft
from digest.editions.models import Edition
from digest.rendering.compiled import Compiled
from digest.rendering.edition import compile_edition

router = Router(tags=["editions"])

Revision = Annotated[int, Field(ge=1, le=2**31 - 1)]
State = Literal["draft", "built", "sending", "paused", "sent", "skipped", "cancelled"]


class EditionAsked(Asked):
    """Which editions."""

    newsletter: Slug | None = None
    state: State | None = None


class TestTold(Told):
    """Whom to send a test."""

    to: Email


class EditionNew(Told):
    """An issue outside the schedule."""

    articles: Annotated[list[Id], Field(max_length=desk.MOST_STORIES)] = Field(
        [], description="in this order; none: what is new now, by the newsletter's rules"
    )
    topics: Annotated[list[Line], Field(max_length=50)] = Field(
        [], description="for readers who chose one of these; none: for everyone"
    )


class RevisionTold(Told):
    """Which content is meant."""

    revision: Revision


class SendTold(RevisionTold):
    """When to send which content."""

    at: Moment | None = Field(None, description="none: now")


class ReasonTold(Told):
    """Why an edition is stopped."""

    reason: Line = ""


class NoteTold(Told):
    """What the archive says instead of the story."""

    note: Line = ""


class ProgressFacts(BaseModel):
    """How many readers are where. eligible is the sum of all others."""

    eligible: int
    queued: int
    in_flight: int
    deferred: int
    sent: int
    failed: int
    suppressed: int
    cancelled: int
    in_doubt: int
    per_second: float | None = Field(None, description="over the last minute, while it goes out")
    ends_at: datetime | None = Field(None, description="when it will be done at this pace")


class StoryFacts(BaseModel):
    """A story of an edition."""

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


class EditionFacts(BaseModel):
    """An edition."""

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


class EditionShown(EditionFacts):
    """An edition with what is in it, and how far it is."""

    progress: ProgressFacts
    stories: list[StoryFacts]
    left_out: list[LeftOutFacts]


class MailFacts(BaseModel):
    """A mail as a reader of every issue gets it."""

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


@router.get(
    "/editions", auth=needs(Scope.EDITIONS_READ), response={200: Page[EditionFacts], **STATUSES}
)
def list_editions(request: HttpRequest, asked: Query[EditionAsked]) -> Any:
    """List editions, the last one that was built first."""
    caller = caller_of(request)
    known = reach.editions(caller)
    if newsletter := reach.maybe_newsletter(caller, asked.newsletter):
        known = known.filter(newsletter=newsletter)
    if asked.state:
        known = known.filter(state=asked.state)
    return page(known, asked, "editions", _facts, newest=True)


@router.get(
    "/newsletters/{slug}/preview",
    auth=needs(Scope.EDITIONS_READ),
    response={200: PreviewFacts, **STATUSES},
)
def preview_edition(request: HttpRequest, slug: Slug) -> Any:
    """Pick and render what would go out now; nothing is stored or sent."""
    draft = building.draft(reach.newsletter(caller_of(request), slug), clock.now())
    return _draft_facts(draft) | _rendered(draft)


@router.post(
    "/newsletters/{slug}/editions",
    auth=needs(Scope.EDITIONS_WRITE),
    response={201: EditionShown, **STATUSES},
)
@doing_once
def build_edition(request: HttpRequest, slug: Slug, told: EditionNew) -> Any:
    """Lay an issue outside the schedule on the desk; it goes out when it is sent."""
    caller = caller_of(request)
    newsletter = reach.newsletter(caller, slug)
    articles = [reach.article(caller, number) for number in told.articles]
    edition = dispatching.start(
        newsletter,
        _wish(request, caller),
        caller.token.owner,
        clock.now(),
        articles=articles,
        only_topics=told.topics,
    )
    return Status(201, _shown(edition))


@router.post(
    "/newsletters/{slug}/test",
    auth=needs(Scope.EDITIONS_SEND),
    response={200: TestFacts, **STATUSES},
)
@doing_once
def send_test_mail(request: HttpRequest, slug: Slug, told: TestTold) -> Any:
    """Send what would go out now to one address, marked as a test."""
    newsletter = reach.newsletter(caller_of(request), slug)
    address = addresses.parse(told.to)
    reply = send_test(newsletter, address, clock.now())
    return {"to": address.email, "code": reply.code, "reply": reply.text}


@router.get(
    "/editions/{number}",
    auth=needs(Scope.EDITIONS_READ),
    response={200: EditionShown, **STATUSES},
)
def show_edition(request: HttpRequest, number: Id) -> Any:
    """Show an edition."""
    return _shown(reach.edition(caller_of(request), number))


@router.get(
    "/editions/{number}/progress",
    auth=needs(Scope.EDITIONS_READ),
    response={200: ProgressFacts, **STATUSES},
)
def show_progress(request: HttpRequest, number: Id) -> Any:
    """Say how far an edition is; cheap at any size, to be asked every second or so."""
    return _progress(reach.edition(caller_of(request), number))


@router.get(
    "/editions/{number}/preview",
    auth=needs(Scope.EDITIONS_READ),
    response={200: MailFacts, **STATUSES},
)
def preview_mail(request: HttpRequest, number: Id) -> Any:
    """Show the mail as it would be sent, or was, to somebody who reads every issue."""
    compiled = compiled_for(reach.edition(caller_of(request), number))
    return _mail(compiled)


@router.post(
    "/editions/{number}/approve",
    auth=needs(Scope.EDITIONS_APPROVE),
    response={200: EditionFacts, **STATUSES},
)
@doing_once
def approve_edition(request: HttpRequest, number: Id, told: RevisionTold) -> Any:
    """Approve this very content, in the name of the token's owner."""
    caller = caller_of(request)
    edition = reach.edition(caller, number)
    done = approving.approve(edition, told.revision, caller.token.owner, clock.now())
    return _facts(done)


@router.post(
    "/editions/{number}/send",
    auth=needs(Scope.EDITIONS_SEND),
    response={200: EditionFacts, **STATUSES},
)
@doing_once
def send_edition(request: HttpRequest, number: Id, told: SendTold) -> Any:
    """Let it go to everyone, now or at a time; until then it can be undone.

    Needs an Idempotency-Key.
    """
    need_key(request)
    edition, now = reach.edition(caller_of(request), number), clock.now()
    if told.at is None:
        return _facts(dispatching.send_now(edition, told.revision, now))
    return _facts(dispatching.send_at(edition, told.revision, told.at, now))


@router.post(
    "/editions/{number}/undo",
    auth=needs(Scope.EDITIONS_WRITE),
    response={200: EditionFacts, **STATUSES},
)
def undo_edition(request: HttpRequest, number: Id) -> Any:
    """Take "send" back while nothing has left."""
    return _facts(dispatching.undo(reach.edition(caller_of(request), number), clock.now()))


@router.post(
    "/editions/{number}/skip",
    auth=needs(Scope.EDITIONS_WRITE),
    response={200: EditionFacts, **STATUSES},
)
def skip_edition(request: HttpRequest, number: Id, told: ReasonTold) -> Any:
    """Let it not go out; its stories may be in the next one."""
    edition = reach.edition(caller_of(request), number)
    return _facts(dispatching.skip(edition, clock.now(), told.reason or "Skipped by a program."))


@router.post(
    "/editions/{number}/stories/{story}/retract",
    auth=needs(Scope.EDITIONS_WRITE),
    response={200: StoryFacts, **STATUSES},
)
def retract_story(request: HttpRequest, number: Id, story: Id, told: NoteTold) -> Any:
    """Take a story back: it is in no mail sent from now on, and the archive shows the note."""
    edition = reach.edition(caller_of(request), number)
    return _story_facts(desk.retract(edition, story, told.note, clock.now()))


@router.post(
    "/editions/{number}/pause",
    auth=needs(Scope.EDITIONS_WRITE),
    response={200: EditionFacts, **STATUSES},
)
def pause_edition(request: HttpRequest, number: Id) -> Any:
    """Let nobody else receive it until it is resumed; holds within two seconds."""
    return _steered(request, number, steering.pause)


@router.post(
    "/editions/{number}/resume",
    auth=needs(Scope.EDITIONS_SEND),
    response={200: EditionFacts, **STATUSES},
)
@doing_once
def resume_edition(request: HttpRequest, number: Id) -> Any:
    """Go on with a paused edition."""
    return _steered(request, number, steering.resume)


@router.post(
    "/editions/{number}/cancel",
    auth=needs(Scope.EDITIONS_WRITE),
    response={200: EditionFacts, **STATUSES},
)
def cancel_edition(request: HttpRequest, number: Id, told: ReasonTold) -> Any:
    """Stop it for good; who has it keeps it."""
    reason = told.reason or "Cancelled by a program."
    return _steered(request, number, lambda one: steering.cancel(one, reason, clock.now()))


@router.get(
    "/editions/{number}/deliveries",
    auth=needs(Scope.EDITIONS_READ, Scope.SUBSCRIBERS_READ),
    response={200: Page[DeliveryFacts], **STATUSES},
)
def list_deliveries(request: HttpRequest, number: Id, asked: Query[DeliveryAsked]) -> Any:
    """List what happened to each reader's mail, readers in order of their ids."""
    return deliveries(reach.edition(caller_of(request), number), asked)


def _steered(request: HttpRequest, number: int, steer: Callable[[Edition], Any]) -> dict[str, Any]:
    edition = reach.edition(caller_of(request), number)
    steer(edition)
    edition.refresh_from_db()
    return _facts(edition)


def _wish(request: HttpRequest, caller: Caller) -> str:
    """Name the wish for an issue by the call's key, if it has one."""
    key = request.headers.get("Idempotency-Key")
    if not key:
        return uuid4().hex
    return sha256(f"api {caller.token.pk} {key}".encode()).hexdigest()


def _facts(edition: Edition) -> dict[str, Any]:
    told = set(EditionFacts.model_fields) - {"newsletter", "approval_needed"}
    known = {name: getattr(edition, name) for name in told}
    needed = edition.state in desk.OPEN and approving.is_needed(edition)
    return known | {"newsletter": edition.newsletter.slug, "approval_needed": needed}


def _shown(edition: Edition) -> dict[str, Any]:
    stories = edition.stories.all()
    return _facts(edition) | {
        "progress": _progress(edition),
        "stories": [_story_facts(story) for story in stories],
        "left_out": edition.left_out,
    }


def _progress(edition: Edition) -> dict[str, Any]:
    counts = progress(edition)
    going = pace(edition, counts, clock.now())
    return {"eligible": counts.eligible, **asdict(counts), **asdict(going)}


def _story_facts(story: Any) -> dict[str, Any]:
    names = ("id", "section", "title", "url", "reason", "retracted_at")
    known = {name: getattr(story, name) for name in names}
    return known | {"article": story.article_id}


def _draft_facts(draft: Draft) -> dict[str, Any]:
    return {
        "skipped": draft.selection.skip,
        "stories": [_story_facts(story) for story in draft.stories],
        "left_out": draft.edition.left_out,
    }


def _rendered(draft: Draft) -> dict[str, Any]:
    if draft.selection.skip:
        return dict.fromkeys(("subject", "preheader", "html", "text"), "")
    return _mail(compile_edition(draft.edition, draft.stories, draft.edition.appeal))


def _mail(compiled: Compiled) -> dict[str, Any]:
    return {
        "subject": compiled.subject,
        "preheader": compiled.preheader,
        "html": compiled.html(),
        "text": compiled.text(),
    }
