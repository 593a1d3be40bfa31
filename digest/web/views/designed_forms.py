"""A sign-up form that an editor designed: one line of script on any site, or a page of its own.

The page also takes what a plain HTML form elsewhere sends, and asks for the rest.
"""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from digest.core import client_ip, clock, languages
from digest.core.links import Page
from digest.newsletters.signup_forms.models import SignUpForm
from digest.selfservice.drawn_forms import options_of
from digest.selfservice.offers import Offer, offer_of_form
from digest.selfservice.questions import questions_of
from digest.web import answering, captcha, forms, visitor
from digest.web.forms import SubmittedForm
from digest.web.scripts import script_response
from digest.web.signup import Outcome, submit

SECONDS = 300  # that caches hold the script


@csrf_exempt  # the form's own token protects it, without a cookie
@never_cache
@require_http_methods(["GET", "HEAD", "POST", "OPTIONS"])
def page(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Show the form, or submit it: a page for people, JSON for scripts of any site."""
    design = _find(uuid)
    with languages.override(_language(request, design)) as tag:
        if request.method == "OPTIONS":
            return answering.allow_scripts(HttpResponse(status=204))
        as_json, offer = visitor.wants_json(request), offer_of_form(design)
        if request.method != "POST":
            if as_json:
                return answering.form_as_json(offer, request.path)
            return _page(request, design, offer)
        form = forms.read_form(request)
        if "start" in form.fields:  # from a plain form, which has no token
            return _page(request, design, offer, form)
        outcome = submit(
            form,
            offer,
            via=design.via,
            ip=client_ip.address(request),
            language=tag,
            now=clock.now(),
        )
        if as_json:
            return answering.outcome_as_json(offer, outcome)
        return _page(request, design, offer, form, outcome)


@require_safe
@cache_control(public=True, max_age=SECONDS)
def script(_request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Return the script that draws the form; one for all visitors, in the newsletters' language."""
    design = _find(uuid)
    with languages.override(languages.best_match(_own_language(design))):
        options = options_of(
            design,
            offer_of_form(design),
            honeypot=forms.HONEYPOT,
            has_captcha=captcha.widget(clock.now()) is not None,
        )
    return script_response(["placing.js", "signup.js"], "digestSignUp", options)


def _page(
    request: HttpRequest,
    design: SignUpForm,
    offer: Offer,
    form: SubmittedForm | None = None,
    outcome: Outcome | None = None,
) -> HttpResponse:
    form = form or SubmittedForm()
    framed = bool(form.fields.get("framed") or request.GET.get("framed"))
    context: dict[str, Any] = {
        "newsletter": offer.newsletters[0] if offer.newsletters else design.newsletters.first(),
        "design": design,
        "offer": offer,
        "questions": questions_of(offer),
        "names": {row.pk: row.name for row in offer.newsletters},
        "headline": design.headline or _("Receive latest news & updates"),
        "button": design.button or _("Sign up"),
        "thanks": design.thanks,
        "again": Page.SIGN_UP_FORM.url(uuid=design.uuid),
        "wording": offer.wording(offer.newsletters) if offer.newsletters else "",
    }
    templates = answering.Templates("subscribe/designed.html.j2", "subscribe/thanks.html.j2")
    return answering.form_as_page(
        request, design, form, outcome, context, templates=templates, framed=framed
    )


def _find(uuid: UUID) -> SignUpForm:
    return get_object_or_404(SignUpForm.objects.select_related("publication"), uuid=uuid)


def _language(request: HttpRequest, design: SignUpForm) -> str:
    return visitor.language(request, _own_language(design))


def _own_language(design: SignUpForm) -> str:
    """Return the language of its newsletters where they have one, else the publication's."""
    tags = set(design.newsletters.exclude(language="").values_list("language", flat=True))
    return tags.pop() if len(tags) == 1 else design.publication.language
