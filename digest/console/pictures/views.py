"""The pages of pictures: the library, and one picture."""

from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404

from digest.console.access import parse_id, scope_of
from digest.console.pages import page_view, render_page
from digest.console.pictures import answers, uses
from digest.newsletters.members import Right
from digest.newsletters.models import Publication
from digest.pictures import library
from digest.pictures.models import Picture
from digest.pictures.renditions import rendition_of
from digest.pictures.sizes import MIN_STORY_WIDTH, Size

PAGE_SIZE = 48
MAX_PAGE = 1000
_SIZES = {
    Size.LEAD: "Lead story",
    Size.CARD: "Story",
    Size.SQUARE: "Compact list",
    Size.PORTRAIT: "Portrait",
}


@page_view(Right.EDIT)
def pictures(request: HttpRequest) -> HttpResponse:
    """Show the pictures of a publication, and take new ones."""
    publications = scope_of(request, Right.EDIT).publications().order_by("name")
    publication = chosen_publication(request.GET.get("publication", ""), publications)
    query, number = request.GET.get("q", "").strip()[:200], _page_number(request)
    rows, is_last = _page(publication, query, number)
    context = {
        "publication": publication,
        "publications": publications,
        "query": query,
        "pictures": [(row, rendition_of(row, Size.CARD)) for row in rows],
        "next_page": "" if is_last else _address(publication, query, number + 1),
        "min_width": MIN_STORY_WIDTH,
    }
    return render_page(request, "console/pictures/library.html", "Pictures", context)


@page_view(Right.EDIT)
def find(request: HttpRequest) -> JsonResponse:
    """Return a page of a publication's pictures as JSON: `publication`, `q`, `page`."""
    publications = scope_of(request, Right.EDIT).publications()
    pk = parse_id(request.GET.get("publication", ""))
    publication = get_object_or_404(publications, pk=pk)
    query = request.GET.get("q", "").strip()[:200]
    rows, is_last = _page(publication, query, _page_number(request))
    return JsonResponse({"pictures": [answers.describe(row) for row in rows], "last": is_last})


@page_view(Right.EDIT)
def picture(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a picture, its crops and its texts, and what uses it."""
    row = get_picture(request, pk)
    context = {
        "picture": row,
        "whole": rendition_of(row, Size.WIDE),
        "sizes": [(size, label, rendition_of(row, size)) for size, label in _SIZES.items()],
        "uses": uses.uses_of(row),
        "focus": (round(row.focal_x * 100), round(row.focal_y * 100)),
    }
    return render_page(request, "console/pictures/picture.html", row.alt or "Picture", context)


def get_picture(request: HttpRequest, pk: int) -> Picture:
    """Return a ready picture of a publication that the user may edit, or raise Http404."""
    rows = scope_of(request, Right.EDIT).filter(Picture.ready(), "publication_id")
    row: Picture = get_object_or_404(rows, pk=pk)
    return row


def chosen_publication(pk: str, publications: QuerySet[Publication]) -> Publication:
    """Return the publication with an id, the first one for none; raise Http404 without any."""
    chosen = publications.filter(pk=parse_id(pk) or 0) if pk else publications
    if publication := chosen.first():
        return publication
    raise Http404


def _page(publication: Publication, query: str, number: int) -> tuple[list[Picture], bool]:
    """Return a page of pictures, and whether it is the last one."""
    start = (number - 1) * PAGE_SIZE
    rows = list(library.find(publication.pk, query)[start : start + PAGE_SIZE + 1])
    return rows[:PAGE_SIZE], len(rows) <= PAGE_SIZE


def _page_number(request: HttpRequest) -> int:
    return min(parse_id(request.GET.get("page", "")) or 1, MAX_PAGE)


def _address(publication: Publication, query: str, number: int) -> str:
    values: dict[str, Any] = {"publication": publication.pk, "q": query, "page": number}
    return f"?{urlencode(values)}"
