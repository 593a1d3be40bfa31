"""An appeal as it looks in a mail: as it is saved, or as it is being written."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.views.decorators.clickjacking import xframe_options_sameorigin

from digest.console.access import parse_id, scope_of
from digest.console.issues import previews
from digest.console.pages import action_view, page_view
from digest.core import clock
from digest.core.errors import DigestError
from digest.core.uuids import as_uuid
from digest.issues.models import Block, Issue, Story
from digest.newsletters import appeals
from digest.newsletters.choices import BlockKind
from digest.newsletters.members import Right
from digest.newsletters.models import Appeal, Newsletter, Publication
from digest.rendering.issue import compile_issue

_TEXTS = ("label", "heading", "body", "button", "url", "picture_alt")


@page_view(Right.SEE)
@xframe_options_sameorigin
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an appeal in an example mail; `?scheme=` is light or dark."""
    rows = scope_of(request, Right.SEE).filter(Appeal.objects.select_related("publication"))
    row: Appeal = get_object_or_404(rows, pk=pk)
    return _answer(row, row.newsletters.first(), request.GET.get("scheme", ""))


@action_view(Right.EDIT)
@xframe_options_sameorigin
def draft(request: HttpRequest) -> HttpResponse:
    """Show the appeal of a form in an example mail, whatever is missing; nothing is saved."""
    publications = scope_of(request, Right.EDIT).publications()
    publication = get_object_or_404(publications, pk=parse_id(request.POST.get("publication", "")))
    ids = [parse_id(value) for value in request.POST.getlist("newsletters")]
    newsletter = publication.newsletters.filter(pk__in=filter(None, ids)).first()
    scheme = request.POST.get("scheme", "")
    return _answer(_unsaved(publication, request.POST), newsletter, scheme)


def _answer(appeal: Appeal, newsletter: Newsletter | None, scheme: str) -> HttpResponse:
    try:
        html = previews.force_scheme(_mail(appeal, newsletter, clock.now()), scheme)
        response = HttpResponse(html)
    except DigestError as problem:
        response = HttpResponse(str(problem), content_type="text/plain; charset=utf-8")
    response.headers["Content-Security-Policy"] = previews.POLICY
    return response


def _unsaved(publication: Publication, data: QueryDict) -> Appeal:
    kind = data.get("kind", "")
    appeal = Appeal(
        publication=publication,
        kind=kind if kind in Appeal.Kind.values else Appeal.Kind.APPEAL,
        style=Appeal.Style.LINK if data.get("style") == Appeal.Style.LINK else Appeal.Style.BOX,
        picture=as_uuid(data.get("picture", "")),
        picture_dark=as_uuid(data.get("picture_dark", "")),
        **{name: data.get(name, "") for name in _TEXTS},
    )
    appeal.label = appeal.label or appeals.default_label(appeal.kind, publication.language)
    return appeal


def _mail(appeal: Appeal, newsletter: Newsletter | None, now: datetime) -> str:
    """Return the HTML of an example mail, in the design of a newsletter that may show it."""
    publication = appeal.publication
    newsletter = newsletter or publication.newsletters.order_by("pk").first()
    example = Newsletter(
        publication=publication,
        slug="example",
        name=newsletter.name if newsletter else publication.name,
        list_id=f"example.{publication.sender_domain}",
        language=newsletter.language if newsletter else "",
        design=newsletter.design if newsletter else Newsletter().design,
        subject=publication.name,
        preheader="",
    )
    blocks = [Block(position=0, kind=BlockKind.LEAD), Block(position=1, kind=appeal.kind)]
    blocks[1].appeal = appeal
    summary = "What the story is about."
    story = Story(block=blocks[0], position=0, title="A headline", summary=summary)
    return compile_issue(Issue(newsletter=example, slot=now), blocks, [story]).html()
