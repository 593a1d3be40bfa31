"""The desk of one issue, and what moves on it while it goes out."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from digest.articles.models import Article
from digest.console import live_progress
from digest.console.access import editors, find, may, note, reach
from digest.console.issues import acts
from digest.console.issues.begin import search
from digest.core import clock
from digest.core.errors import DigestError
from digest.issues import approval
from digest.issues.editing import OPEN
from digest.issues.models import Issue
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter
from digest.rendering.issue import LARGEST_HTML
from digest.sending import preflight
from digest.sending.compiling import compiled_for
from digest.sending.progress import progress
from digest.sending.segmentation import segmentation_of
from digest.subscribers import audience
from digest.subscribers.models import Subscription
from digest.tenancy import belonging

FOUND = 20  # articles of a search
FEW = 10_000  # subscribers that are counted while the page is made
CLIP = 102_000  # octets of HTML at which Gmail cuts a mail off

_COUNTS = (
    *(("eligible", "in all"), ("sent", "sent"), ("queued", "queued"), ("in_flight", "in flight")),
    *(("deferred", "deferred"), ("failed", "failed"), ("suppressed", "suppressed")),
    *(("uncertain", "uncertain"), ("cancelled", "cancelled")),
)

State = Issue.State


@require_safe
@editors
def issue(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the desk of an issue."""
    found = find(request, pk)
    return render(request, "console/issues/issue.html", _context(request, found))


@require_POST
@editors
def act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Do what a button says, and come back to the desk."""
    doing = acts.VERBS.get(verb)
    if doing is None:
        raise Http404
    found = find(request, pk, acts.right_for(verb))
    try:
        said = doing(found, request)
        note(request, f"{verb}: {said}", found, found.newsletter.publication_id)
        messages.success(request, said)
    except DigestError as problem:
        messages.error(request, str(problem))
    return redirect("desk:issue", pk=pk)


@require_safe
@editors
def how_far(request: HttpRequest, pk: int) -> JsonResponse:
    """Say how far an issue is; asked every other second while it goes out."""
    found = find(request, pk)
    return JsonResponse(live_progress.facts(found, progress(found)))


@require_safe
@editors
def subscribers(request: HttpRequest, pk: int) -> JsonResponse:
    """Count whom an issue would go to now; over a million that takes a moment."""
    number = _subscribers(find(request, pk), clock.now()).count()
    return JsonResponse({"subscribers": f"{number:,} subscriber{'' if number == 1 else 's'}"})


@require_safe
@editors
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """Look for what should be mended; following links takes a few seconds."""
    found = find(request, pk)
    findings = preflight.examine(found, clock.now())
    return render(request, "console/issues/findings.html", {"findings": findings, "issue": found})


def _context(request: HttpRequest, found: Issue) -> dict[str, Any]:
    now = clock.now()
    zone = clock.zone(found.newsletter.publication.timezone)
    counts = progress(found)
    open_ = found.state in OPEN and found.planned_at is None
    stories = list(found.stories.select_related("article").order_by("position"))
    needed = open_ and approval.is_needed(found)
    publication = found.newsletter.publication_id
    can_edit, can_send = (may(request, one, publication) for one in (Right.EDIT, Right.SEND))
    return {
        **admin.site.each_context(request),
        "title": found.newsletter.name,
        "issue": found,
        "stories": stories,
        "last": len(stories) - 1,
        "left_out": found.left_out[:50],
        "found": _search(request, stories) if open_ and can_edit else [],
        "query": request.GET.get("q", ""),
        "appeals": found.newsletter.publication.appeals.order_by("heading"),
        "open": open_,
        "waits": found.state == State.DRAFT and found.kind == Issue.Kind.MANUAL,
        "approval_needed": needed,
        "may_approve": needed and can_edit and not _changed_it_last(request, found),
        "edit": open_ and can_edit,
        "can_edit": can_edit,
        "can_send": can_send,
        "can_see_subscribers": may(request, Right.SUBSCRIBERS, publication),
        "going": found.state in (State.SENDING, State.PAUSED),
        "may_send": open_ and can_send and not needed and not _going(found, now),
        "undo_left": _undo_left(found, now),
        "subscribers": _few_subscribers(found, now) if open_ else counts.eligible,
        "goes_at": clock.format_moment(found.goes_at, zone),
        "goes_in": clock.in_words(found.goes_at - now),
        "zone": zone.key,
        "at_default": (now + timedelta(hours=1)).astimezone(zone).strftime("%Y-%m-%dT%H:00"),
        "counts": live_progress.facts(found, counts),
        "numbers": [(name, label, getattr(counts, name)) for name, label in _COUNTS],
        "mail": _mail(found),
    }


def _search(request: HttpRequest, stories: list[Any]) -> list[Article]:
    """Return articles by words of their headline, or by address; the newest first."""
    query = request.GET.get("q", "")
    if not query.strip():
        return []
    there = [story.article_id for story in stories if story.article_id]
    ours = belonging.articles(reach(request, Right.EDIT)).filter(retracted_at=None)
    return list(search(ours.exclude(pk__in=there), query.strip())[:FOUND])


def _changed_it_last(request: HttpRequest, found: Issue) -> bool:
    other = found.newsletter.approval == Newsletter.Approval.OTHER
    return other and found.changed_by_id == request.user.pk


def _going(found: Issue, now: datetime) -> bool:
    return bool(found.send_at and found.send_at <= now)


def _undo_left(found: Issue, now: datetime) -> int:
    """Return the seconds in which "send" can be undone; 0 when there is nothing to undo."""
    if found.planned_at or not found.send_at or found.state not in OPEN:
        return 0
    return max(0, int((found.send_at - now).total_seconds()))


def _few_subscribers(found: Issue, now: datetime) -> int | None:
    """Return how many it would go to now, or None where there are too many to count at once."""
    number = _subscribers(found, now)[: FEW + 1].count()
    return number if number <= FEW else None


def _subscribers(found: Issue, now: datetime) -> QuerySet[Subscription]:
    try:
        segmentation = segmentation_of(found, compiled_for(found))
    except DigestError:
        return Subscription.objects.none()
    return audience.eligible(found.newsletter_id, now, segmentation.audience)


def _mail(found: Issue) -> dict[str, Any]:
    """Return what is known of the mail as it would be made now."""
    try:
        compiled = compiled_for(found)
    except DigestError as problem:
        return {"problem": str(problem)}
    size = len(compiled.html().encode())
    return {
        "subject": compiled.subject,
        "preheader": compiled.preheader,
        "size": size,
        "share": min(100, size * 100 // CLIP),
        "too_large": size > LARGEST_HTML * 9 // 10,
        "dropped": compiled.dropped,
    }
