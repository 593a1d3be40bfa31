"""A sign-up form as it looks on a page, while it is being designed."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.clickjacking import xframe_options_sameorigin

from digest.console.access import scope_of
from digest.console.middleware import POLICY
from digest.console.pages import action_view
from digest.console.signup_forms.forms import DesignForm
from digest.core import languages
from digest.newsletters.members import Right
from digest.selfservice.drawn_forms import options_of
from digest.selfservice.offers import Offer
from digest.subscribers.preferences import topics_of

FRAMED = POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'")


@action_view(Right.EDIT)
@xframe_options_sameorigin
def draft(request: HttpRequest, publication: int) -> HttpResponse:
    """Draw the submitted design on an example page, whatever is missing; nothing is saved."""
    publications = scope_of(request, Right.EDIT).publications()
    row = get_object_or_404(publications, pk=publication)
    design, newsletters, attributes = DesignForm(request.POST, row, None).draft()
    newsletters = newsletters or list(row.newsletters.public()[:1])
    topics = topics_of(row) if design.asks_topics else {}
    offer = Offer(
        subject=design,
        newsletters=newsletters,
        consent=design.consent,
        attributes=attributes,
        topics={
            newsletter.pk: topics[newsletter.pk]
            for newsletter in newsletters
            if newsletter.pk in topics
        },
    )
    tag = languages.best_match(row.language)
    with languages.override(tag):
        options: dict[str, Any] = options_of(design, offer)
        options["preview"] = offer.wording(newsletters) if newsletters else design.consent
    scheme = "dark" if request.POST.get("scheme") == "dark" else "light"
    context = {"options": options, "scheme": scheme, "tag": tag, "publication": row}
    response = render(request, "console/signup_forms/preview.html", context)
    response.headers["Content-Security-Policy"] = FRAMED
    return response
