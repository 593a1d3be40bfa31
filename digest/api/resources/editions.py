"""Editions: what the desk does with an issue, by the same calls.

    list, show, preview, progress, deliveries
    build > approve > send (undo) > pause, resume, cancel; skip; retract a story

Whatever is about an issue's content names the `revision` that the caller saw.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Any
from uuid import uuid4

from django.http import HttpRequest
from ninja import Query, Router, Status

from digest.accounts.scopes import Scope
from digest.api import reach
from digest.api.bearer import Caller, caller_of, needs
from digest.api.once import doing_once, need_key
from digest.api.paging import Page, page
from digest.api.problems import STATUSES
from digest.api.resources import edition_shapes as shapes
from digest.api.resources.deliveries import DeliveryAsked, DeliveryFacts, deliveries
from digest.api.words import Id, Slug
from digest.core import addresses, clock
from digest.delivery import steering
from digest.delivery.compiling import compiled_for
from digest.delivery.testing import send_test
from digest.editions import approving, building, desk, dispatching
from digest.editions.models import Edition

router = Router(tags=["editions"])


@router.get(
    "/editions",
    auth=needs(Scope.EDITIONS_READ),
    response={200: Page[shapes.EditionFacts], **STATUSES},
)
def list_editions(request: HttpRequest, asked: Query[shapes.EditionAsked]) -> Any:
    """List editions, the last one that was built first."""
    caller = caller_of(request)
    known = reach.editions(caller)
    if newsletter := reach.maybe_newsletter(caller, asked.newsletter):
        known = known.filter(newsletter=newsletter)
    if asked.state:
        known = known.filter(state=asked.state)
    return page(known, asked, "editions", shapes.facts, newest=True)


@router.get(
    "/newsletters/{slug}/preview",
    auth=needs(Scope.EDITIONS_READ),
    response={200: shapes.PreviewFacts, **STATUSES},
)
def preview_edition(request: HttpRequest, slug: Slug) -> Any:
    """Pick and render what would go out now; nothing is stored or sent."""
    draft = building.draft(reach.newsletter(caller_of(request), slug), clock.now())
    return shapes.draft_facts(draft) | shapes.rendered(draft)


@router.post(
    "/newsletters/{slug}/editions",
    auth=needs(Scope.EDITIONS_WRITE),
    response={201: shapes.EditionShown, **STATUSES},
)
@doing_once
def build_edition(request: HttpRequest, slug: Slug, told: shapes.EditionNew) -> Any:
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
    return Status(201, shapes.shown(edition))


@router.post(
    "/newsletters/{slug}/test",
    auth=needs(Scope.EDITIONS_SEND),
    response={200: shapes.TestFacts, **STATUSES},
)
@doing_once
def send_test_mail(request: HttpRequest, slug: Slug, told: shapes.TestTold) -> Any:
    """Send what would go out now to one address, marked as a test."""
    newsletter = reach.newsletter(caller_of(request), slug)
    address = addresses.parse(told.to)
    reply = send_test(newsletter, address, clock.now())
    return {"to": address.email, "code": reply.code, "reply": reply.text}


@router.get(
    "/editions/{number}",
    auth=needs(Scope.EDITIONS_READ),
    response={200: shapes.EditionShown, **STATUSES},
)
def show_edition(request: HttpRequest, number: Id) -> Any:
    """Show an edition."""
    return shapes.shown(reach.edition(caller_of(request), number))


@router.get(
    "/editions/{number}/progress",
    auth=needs(Scope.EDITIONS_READ),
    response={200: shapes.ProgressFacts, **STATUSES},
)
def show_progress(request: HttpRequest, number: Id) -> Any:
    """Say how far an edition is; cheap at any size, to be asked every second or so."""
    return shapes.progress_facts(reach.edition(caller_of(request), number))


@router.get(
    "/editions/{number}/preview",
    auth=needs(Scope.EDITIONS_READ),
    response={200: shapes.MailFacts, **STATUSES},
)
def preview_mail(request: HttpRequest, number: Id) -> Any:
    """Show the mail as it would be sent, or was, to somebody who reads every issue."""
    compiled = compiled_for(reach.edition(caller_of(request), number))
    return shapes.mail_facts(compiled)


@router.post(
    "/editions/{number}/approve",
    auth=needs(Scope.EDITIONS_APPROVE),
    response={200: shapes.EditionFacts, **STATUSES},
)
@doing_once
def approve_edition(request: HttpRequest, number: Id, told: shapes.RevisionTold) -> Any:
    """Approve this very content, in the name of the token's owner."""
    caller = caller_of(request)
    edition = reach.edition(caller, number)
    done = approving.approve(edition, told.revision, caller.token.owner, clock.now())
    return shapes.facts(done)


@router.post(
    "/editions/{number}/send",
    auth=needs(Scope.EDITIONS_SEND),
    response={200: shapes.EditionFacts, **STATUSES},
)
@doing_once
def send_edition(request: HttpRequest, number: Id, told: shapes.SendTold) -> Any:
    """Let it go to everyone, now or at a time; until then it can be undone.

    Needs an Idempotency-Key.
    """
    need_key(request)
    edition, now = reach.edition(caller_of(request), number), clock.now()
    if told.at is None:
        return shapes.facts(dispatching.send_now(edition, told.revision, now))
    return shapes.facts(dispatching.send_at(edition, told.revision, told.at, now))


@router.post(
    "/editions/{number}/undo",
    auth=needs(Scope.EDITIONS_WRITE),
    response={200: shapes.EditionFacts, **STATUSES},
)
def undo_edition(request: HttpRequest, number: Id) -> Any:
    """Take "send" back while nothing has left."""
    return shapes.facts(dispatching.undo(reach.edition(caller_of(request), number), clock.now()))


@router.post(
    "/editions/{number}/skip",
    auth=needs(Scope.EDITIONS_WRITE),
    response={200: shapes.EditionFacts, **STATUSES},
)
def skip_edition(request: HttpRequest, number: Id, told: shapes.ReasonTold) -> Any:
    """Let it not go out; its stories may be in the next one."""
    edition = reach.edition(caller_of(request), number)
    return shapes.facts(
        dispatching.skip(edition, clock.now(), told.reason or "Skipped by a program.")
    )


@router.post(
    "/editions/{number}/stories/{story}/retract",
    auth=needs(Scope.EDITIONS_WRITE),
    response={200: shapes.StoryFacts, **STATUSES},
)
def retract_story(request: HttpRequest, number: Id, story: Id, told: shapes.NoteTold) -> Any:
    """Take a story back: it is in no mail sent from now on, and the archive shows the note."""
    edition = reach.edition(caller_of(request), number)
    return shapes.story_facts(desk.retract(edition, story, told.note, clock.now()))


@router.post(
    "/editions/{number}/pause",
    auth=needs(Scope.EDITIONS_WRITE),
    response={200: shapes.EditionFacts, **STATUSES},
)
def pause_edition(request: HttpRequest, number: Id) -> Any:
    """Let nobody else receive it until it is resumed; holds within two seconds."""
    return _steered(request, number, steering.pause)


@router.post(
    "/editions/{number}/resume",
    auth=needs(Scope.EDITIONS_SEND),
    response={200: shapes.EditionFacts, **STATUSES},
)
@doing_once
def resume_edition(request: HttpRequest, number: Id) -> Any:
    """Go on with a paused edition."""
    return _steered(request, number, steering.resume)


@router.post(
    "/editions/{number}/cancel",
    auth=needs(Scope.EDITIONS_WRITE),
    response={200: shapes.EditionFacts, **STATUSES},
)
def cancel_edition(request: HttpRequest, number: Id, told: shapes.ReasonTold) -> Any:
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
    return shapes.facts(edition)


def _wish(request: HttpRequest, caller: Caller) -> str:
    """Name the wish for an issue by the call's key, if it has one."""
    key = request.headers.get("Idempotency-Key")
    if not key:
        return uuid4().hex
    return sha256(f"api {caller.token.pk} {key}".encode()).hexdigest()
