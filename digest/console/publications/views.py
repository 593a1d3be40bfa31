"""A publication's page, and what its cards do."""

from typing import Any

from django.contrib import admin, messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from digest.console.access import has_right, record_action, require_right, right_required, scope_of
from digest.console.publications import cards
from digest.console.setup.senders import carrier_of
from digest.newsletters.members import Right
from digest.newsletters.models import Publication
from digest.relays import registry


@require_safe
@right_required(Right.SEE)
def publication(request: HttpRequest, publication: int) -> HttpResponse:
    """Show a publication, and how all of it can be changed."""
    return _page(request, _find(request, publication))


@require_POST
@right_required(Right.MANAGE)
def keep(request: HttpRequest, publication: int, card: str) -> HttpResponse:
    """Keep what was typed into one card."""
    found = _find(request, publication, Right.MANAGE)
    if card not in cards.CARDS:
        raise Http404
    form = cards.form_of(card, found, request.POST)
    if not cards.keep(found, form):
        return _page(request, found, {card: form})
    title = cards.CARDS[card].title
    record_action(request, f"changed the publication: {title.lower()}", found, found.pk)
    messages.success(request, f"{title}: kept.")
    return redirect(f"{reverse('publication', args=[found.pk])}#{card}")


def _find(request: HttpRequest, pk: int, right: Right = Right.SEE) -> Publication:
    """Return one that they may see, or raise Http404; PermissionDenied without the right."""
    ours = scope_of(request, Right.SEE).publications()
    found: Publication = get_object_or_404(ours, pk=pk)
    require_right(request, right, found.pk)
    return found


def _page(
    request: HttpRequest, found: Publication, typed: dict[str, Form] | None = None
) -> HttpResponse:
    """Show the page, with what was typed where something is wrong with it."""
    typed = typed or {}
    context = {
        **admin.site.each_context(request),
        "title": found.name,
        "publication": found,
        "cards": [
            (slug, card.title, typed.get(slug) or cards.form_of(slug, found))
            for slug, card in cards.CARDS.items()
        ],
        "newsletters": found.newsletters.order_by("name"),
        "can_change": has_right(request, Right.MANAGE, found.pk),
        "can_edit": has_right(request, Right.EDIT, found.pk),
        "can_check": has_right(request, Right.MANAGE, None),  # relays are of all publications
        "wrong": bool(typed),
        **_carried(found),
    }
    page = "console/publications/publication.html"
    return render(request, page, context, status=422 if typed else 200)


def _carried(found: Publication) -> dict[str, Any]:
    """Return what is known of the relay that takes its mail; nothing where none does."""
    relay = carrier_of(found)
    return {"relay": relay, "place": registry.describe(relay) if relay else ""}
