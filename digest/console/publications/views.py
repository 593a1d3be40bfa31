"""The page of a publication, and the actions of its cards."""

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from digest.console import edit_conflicts
from digest.console.access import (
    has_right,
    record_action,
    require_right,
    scope_of,
    user_of,
)
from digest.console.pages import action_view, done, page_view, render_page
from digest.console.publications import cards, contrasts
from digest.console.setup.senders import relay_of
from digest.newsletters import contributions
from digest.newsletters.members import Right
from digest.newsletters.models import Publication
from digest.relays import registry


@page_view(Right.SEE)
def publication(request: HttpRequest, publication: int) -> HttpResponse:
    """Show a publication with all its settings."""
    return _page(request, get_publication(request, publication))


@action_view(Right.MANAGE)
def save(request: HttpRequest, publication: int, card: str) -> HttpResponse:
    """Save one card."""
    row = get_publication(request, publication, Right.MANAGE)
    form = cards.form_of(card, row, request.POST)
    if edit_conflicts.is_outdated(request, form.initial):
        form.add_error(None, edit_conflicts.CHANGED)
    logos = row.logo_url, row.logo_dark_url
    with contributions.noted(user_of(request), row):
        is_saved = cards.save(row, form)
    if not is_saved:
        return _page(request, row, {card: form})
    if card == "looks":
        is_new = (row.logo_url, row.logo_dark_url) != logos
        for warning in contrasts.warnings_of(row, is_new_logo=is_new):
            messages.warning(request, warning)
    title = cards.CARDS[card].title
    record_action(request, f"changed the publication: {title.lower()}", row, row.pk)
    return done(request, f"{title} saved.", f"{reverse('publication', args=[row.pk])}#{card}")


def get_publication(request: HttpRequest, pk: int, right: Right = Right.SEE) -> Publication:
    """Return a publication that the user may see, or raise Http404.

    Raises PermissionDenied without `right` in it.
    """
    publication: Publication = get_object_or_404(scope_of(request, Right.SEE).publications(), pk=pk)
    require_right(request, right, publication.pk)
    return publication


def _page(
    request: HttpRequest, publication: Publication, invalid: dict[str, Form] | None = None
) -> HttpResponse:
    """Show the page; `invalid` are the forms with errors, by the names of their cards."""
    invalid = invalid or {}
    relay = relay_of(publication)
    context = {
        "publication": publication,
        "cards": [
            (slug, card.title, invalid.get(slug) or cards.form_of(slug, publication))
            for slug, card in cards.CARDS.items()
        ],
        "newsletters": publication.newsletters.order_by("name"),
        "can_change": has_right(request, Right.MANAGE, publication.pk),
        "can_edit": has_right(request, Right.EDIT, publication.pk),
        "can_check": has_right(request, Right.MANAGE, None),  # relays belong to the installation
        "invalid": bool(invalid),
        "relay": relay,
        "place": registry.describe(relay) if relay else "",
    }
    template = "console/publications/publication.html"
    status = 422 if invalid else 200
    return render_page(request, template, publication.name, context, status=status)
