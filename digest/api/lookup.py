"""Newsletters by their slug, as most calls name them."""

from django.shortcuts import get_object_or_404

from digest.api.authentication import Caller
from digest.newsletters.models import Newsletter


def get_newsletter(caller: Caller, slug: str) -> Newsletter:
    """Return a newsletter that the caller reaches, or raise Http404."""
    return get_object_or_404(caller.scope.newsletters(), slug=slug)


def find_newsletter(caller: Caller, slug: str | None) -> Newsletter | None:
    """Return the newsletter that a call names, or None if it names none; raise Http404."""
    return get_newsletter(caller, slug) if slug else None
