"""Newsletters by their slug, as most calls name them."""

from typing import TypeVar

from django.db.models import Model, QuerySet
from django.shortcuts import get_object_or_404

from digest.api.authentication import Caller
from digest.newsletters.models import Newsletter

Row = TypeVar("Row", bound=Model)


def get_newsletter(caller: Caller, slug: str) -> Newsletter:
    """Return a newsletter that the caller reaches, or raise Http404."""
    return get_object_or_404(caller.scope.newsletters(), slug=slug)


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
