"""The catalogue: all newsletters of a publication, several at once with one confirmation."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from digest.core import client_ip, clock, languages
from digest.core.links import absolute
from digest.newsletters.models import Publication
from digest.selfservice.offers import offer_of_publication
from digest.web import answering, forms, visitor
from digest.web.catalogue import Entry, linked_data, list_entries
from digest.web.forms import SubmittedForm
from digest.web.signup import Outcome, submit

VIA = "catalogue"


@csrf_exempt  # the form's own token protects it, without a cookie
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def catalogue(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what a publication offers, or subscribe to what was chosen."""
    publication = get_object_or_404(Publication, slug=slug)
    with languages.override(visitor.language(request, publication.language)) as tag:
        entries = list_entries(publication, clock.now())
        if not entries:
            raise Http404
        if request.method != "POST":
            return _page(request, publication, entries)
        form = forms.read_form(request)
        outcome = submit(
            form,
            offer_of_publication(publication),
            via=VIA,
            ip=client_ip.address(request),
            language=tag,
            now=clock.now(),
        )
        return _page(request, publication, entries, form, outcome)


def _page(
    request: HttpRequest,
    publication: Publication,
    entries: list[Entry],
    form: SubmittedForm | None = None,
    outcome: Outcome | None = None,
) -> HttpResponse:
    form = form or SubmittedForm(newsletters=tuple(request.GET.getlist("newsletter")))
    offer = offer_of_publication(publication)
    address = absolute(request.path)
    context: dict[str, Any] = {
        "newsletter": entries[0].newsletter,
        "publication": publication,
        "entries": entries,
        "open_entries": [entry for entry in entries if entry.newsletter.accepts_signups],
        "zone": clock.zone(publication.timezone),
        "address": address,
        "again": address,
        "thanks": "",
        "linked_data": linked_data(publication, entries),
        "wording": offer.wording(offer.newsletters) if offer.newsletters else "",
    }
    templates = answering.Templates("subscribe/catalogue.html.j2", "subscribe/thanks.html.j2")
    return answering.form_as_page(
        request, publication, form, outcome, context, templates=templates, images=True
    )
