"""Editions: list, show, preview, build now, test, pause, resume, cancel, progress, deliveries."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Status
from pydantic import BaseModel, Field

from digest.accounts.scopes import Scope
from digest.api import reach
from digest.api.bearer import caller_of, needs
from digest.api.once import doing_once, need_key
from digest.api.paging import Asked, Page, page
from digest.api.problems import STATUSES
from digest.api.resources.deliveries import DeliveryAsked, DeliveryFacts, deliveries
from digest.api.words import Email, Id, Line, Slug, Told
from digest.core import addresses, clock, jobs
from digest.delivery import steering
from digest.delivery.progress import pace, progress
from digest.delivery.testing import send_test
from digest.editions import building
from digest.editions.composing import Draft
from digest.editions.models import Edition
from digest.rendering.edition import compile_edition

router = Router(tags=["editions"])

State = Literal["built", "sending", "paused", "sent", "skipped", "cancelled"]


class EditionAsked(Asked):
    """Which editions."""

    newsletter: Slug | None = None
    state: State | None = None


class TestTold(Told):
    """Whom to send a test."""

    to: Email


class CancelTold(Told):
    """Why an edition is stopped."""

    reason: Line = "Cancelled by a program."


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

    article: int | None
    section: str
    title: str
    url: str
    reason: str = Field(description="why it was picked")


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
    reason: str = Field(description="why it was skipped or cancelled")
    subject: str
    built_at: datetime
    planned_at: datetime | None
    finished_at: datetime | None


class EditionShown(EditionFacts):
    """An edition with what is in it, and how far it is."""

    progress: ProgressFacts
    stories: list[StoryFacts]
    left_out: list[LeftOutFacts]


class PreviewFacts(BaseModel):
    """What would go out now."""

    skipped: str = Field(description="why nothing would; empty if something would")
    subject: str
    preheader: str
    html: str
    text: str
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
    auth=needs(Scope.EDITIONS_SEND),
    response={201: EditionShown, **STATUSES},
)
@doing_once
def build_edition(request: HttpRequest, slug: Slug) -> Any:
    """Build an edition of what is new and send it to everyone now; skipped if there is too little.

    Needs an Idempotency-Key.
    """
    need_key(request)
    newsletter, now = reach.newsletter(caller_of(request), slug), clock.now()
    edition = building.build(newsletter, now, now, kind=Edition.Kind.MANUAL)
    if edition.state == Edition.State.BUILT:
        jobs.enqueue(jobs.PLAN_EDITIONS)
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
def cancel_edition(request: HttpRequest, number: Id, told: CancelTold) -> Any:
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


def _facts(edition: Edition) -> dict[str, Any]:
    known = {name: getattr(edition, name) for name in EditionFacts.model_fields}
    return known | {"newsletter": edition.newsletter.slug}


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
    known = {name: getattr(story, name) for name in ("section", "title", "url", "reason")}
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
    compiled = compile_edition(draft.edition, draft.stories, draft.edition.appeal)
    return {
        "subject": compiled.subject,
        "preheader": compiled.preheader,
        "html": compiled.html(),
        "text": compiled.text(),
    }
