"""Tracked links and pixels of mails: record the hit, and lead on.

The target is what was stored with the link, so a forged link cannot lead elsewhere. What follows
the token only says whose click it is: whoever alters it arrives all the same, uncounted.
"""

from base64 import b64decode

import structlog
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe

from digest.analytics.models import HitKind
from digest.analytics.recording import RECORDER, Client, NewHit
from digest.analytics.recording.targets import TARGETS, Target, TargetUnavailableError
from digest.core import client_ip, clock, languages, links
from digest.core.errors import LinkError
from digest.core.links import Row
from digest.issues.models import Story, TrackedLink
from digest.web import visitor
from digest.web.refusals import refuse_link

log = structlog.get_logger(__name__)

_PIXEL = b64decode("R0lGODlhAQABAIAAAP///wAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
_HEADERS = {  # a link may lead to a retraction at any time, and no site learns a token
    "Cache-Control": "no-store, private",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


def answer_at_once(request: HttpRequest) -> HttpResponse | None:
    """Answer what most requests are, a link that only leads on; None for everything else.

    `TrackedLinks` calls it before sessions, URLs and the like, which take four times as long.
    """
    _, kind, token, clicker, *rest = f"{request.path_info}///".split("/")
    if kind != "click" or any(rest) or request.method not in {"GET", "HEAD"}:
        return None
    try:
        target = TARGETS.link(token)
    except (LinkError, TargetUnavailableError):
        return None
    if target.is_retracted or target.kind == TrackedLink.Kind.ANSWER or not target.address:
        return None
    _record_click(request, target, clicker)
    return HttpResponseRedirect(target.address, headers=_HEADERS | {"Content-Length": "0"})


@require_safe
def click(request: HttpRequest, token: str, clicker: str = "") -> HttpResponse:
    """Record a click; redirect to the link's target, thank for an answer, or show a retraction.

    While PostgreSQL is away, what cannot be shown without it is a page that asks to try again.
    """
    try:
        target = TARGETS.link(token)
        _record_click(request, target, clicker)
        return _lead_on(request, target)
    except LinkError as problem:
        return refuse_link(request, problem)
    except (TargetUnavailableError, OperationalError, InterfaceError):
        log.exception("a link could not be followed")
        response = render(request, "click/unavailable.html.j2", status=503)
        for name, value in (_HEADERS | {"Retry-After": "30"}).items():
            response.headers[name] = value
        return response


@require_safe
def opened(request: HttpRequest, token: str, clicker: str = "") -> HttpResponse:
    """Record that a mail was opened; answer with a transparent pixel, whatever the token is."""
    try:
        issue = TARGETS.issue(token)
    except (LinkError, TargetUnavailableError):
        pass
    else:
        _record(request, HitKind.OPEN, issue, 0, clicker)
    headers = _HEADERS | {"Cross-Origin-Resource-Policy": "cross-origin"}
    return HttpResponse(_PIXEL, "image/gif", headers=headers)


def _record_click(request: HttpRequest, target: Target, clicker: str) -> None:
    is_trap = target.kind == TrackedLink.Kind.TRAP
    kind = HitKind.TRAP if is_trap else HitKind.CLICK
    _record(request, kind, target.issue, target.row.pk, clicker)


def _record(request: HttpRequest, kind: HitKind, issue: Row, link_id: int, clicker: str) -> None:
    """Record a hit, unless no subscriber's mail has the link, or its token is not one of ours."""
    if clicker in {links.NOT_COUNTED, links.WEB_VERSION}:
        return
    variant = links.read_variant(clicker)
    try:
        rows = links.read_clicker_token(clicker) if clicker and variant is None else None
    except LinkError:
        return
    hit = NewHit(clock.now(), kind, issue.pk, link_id, rows, _client(request), variant)
    RECORDER.record(hit)


def _client(request: HttpRequest) -> Client:
    purposes = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
    purpose = " ".join(request.headers.get(name, "") for name in purposes).lower()
    return Client(
        client_ip.address(request) or "",
        request.headers.get("User-Agent", ""),
        is_head=request.method == "HEAD",
        is_prefetch=any(name in purpose for name in ("prefetch", "prerender", "preview")),
    )


def _lead_on(request: HttpRequest, target: Target) -> HttpResponse:
    if target.is_retracted:
        return _page(request, target, "click/retracted.html.j2")
    if target.kind == TrackedLink.Kind.ANSWER:
        return _page(request, target, "click/answered.html.j2")
    if not target.address:
        raise Http404
    return HttpResponseRedirect(target.address, headers=_HEADERS)


def _page(request: HttpRequest, target: Target, template: str) -> HttpResponse:
    """Show a page in the look and language of the newsletter."""
    link = TrackedLink.objects.select_related(
        "issue__newsletter__publication", "story__article", "block"
    ).get(pk=target.row.pk)
    newsletter = link.issue.newsletter
    context = {
        "newsletter": newsletter,
        "story": link.story or Story(),
        "question": link.block.content.get("question", "") if link.block else "",
        "answer": link.url,
    }
    with languages.override(visitor.language_for(request, newsletter)):
        response = render(request, template, context)
    for name, value in _HEADERS.items():
        response.headers[name] = value
    return response
