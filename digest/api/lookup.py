"""Publications and newsletters by their slug, as most calls name them; and segments by their id."""

from typing import TypeVar

from django.db.models import Model, QuerySet
from django.shortcuts import get_object_or_404

from digest.api.authentication import Caller
from digest.api.paging import PageQuery
from digest.api.schemas import Slug
from digest.newsletters.audiences.models import Segment
from digest.newsletters.models import Newsletter, Publication

Row = TypeVar("Row", bound=Model)


class PublicationQuery(PageQuery):
    """Which rows: those of a publication, or of all."""

    publication: Slug | None = None


class NewsletterQuery(PageQuery):
    """Which rows: those of a newsletter, or of all."""

    newsletter: Slug | None = None


def get_publication(caller: Caller, slug: str) -> Publication:
    """Return a publication that the caller reaches, or raise Http404."""
    return get_object_or_404(caller.scope.publications(), slug=slug)


def get_newsletter(caller: Caller, slug: str) -> Newsletter:
    """Return a newsletter that the caller reaches, or raise Http404."""
    return get_object_or_404(caller.scope.newsletters(), slug=slug)


def find_segment(caller: Caller, segment_id: int | None) -> Segment | None:
    """Return the segment that a call names, or None if it names none; raise Http404."""
    rows = caller.scope.filter(Segment.objects.select_related("publication"))
    return get_object_or_404(rows, pk=segment_id) if segment_id else None


def find_newsletter(caller: Caller, slug: str | None) -> Newsletter | None:
    """Return the newsletter that a call names, or None if it names none; raise Http404."""
    return get_newsletter(caller, slug) if slug else None


def of_newsletter(
    caller: Caller, rows: QuerySet[Row], slug: str | None, field: str = "newsletter"
) -> QuerySet[Row]:
    """Return the rows of the newsletter that a call names, or all if it names none; raise Http404.

    `field` leads from a row to its newsletter.
    """
    newsletter = find_newsletter(caller, slug)
    return rows.filter(**{field: newsletter}) if newsletter else rows


def of_publication(rows: QuerySet[Row], slug: str | None) -> QuerySet[Row]:
    """Return the rows of the publication that a call names, or all if it names none."""
    return rows.filter(publication__slug=slug) if slug else rows
