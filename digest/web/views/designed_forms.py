"""A sign-up form that an editor designed: one line of script on any site, or a page of its own.

The page also takes what a plain HTML form elsewhere sends, and asks for the rest.
"""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from digest.core import client_ip, clock, languages
from digest.core.links import absolute
from digest.newsletters.signup_forms.models import SignUpForm
from digest.selfservice.drawn_forms import options_of
from digest.selfservice.offers import Offer, offer_of_form
from digest.selfservice.questions import questions_of
from digest.web import answering, captcha, forms, visitor
from digest.web.forms import SubmittedForm
from digest.web.scripts import script_response
from digest.web.signup import Answer, Outcome, submit
from digest.web.views.signing_up import page_address

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
    widget = captcha.widget(clock.now())
    accepted = outcome is not None and outcome.answer is Answer.ACCEPTED
    context: dict[str, Any] = {
        "newsletter": offer.newsletters[0] if offer.newsletters else design.newsletters.first(),
        "design": design,
        "offer": offer,
        "form": form,
        "framed": framed,
        "questions": questions_of(offer),
        "names": {row.pk: row.name for row in offer.newsletters},
        "headline": design.headline or _("Receive latest news & updates"),
        "button": design.button or _("Sign up"),
        "thanks": design.thanks,
        "again": absolute(f"/forms/{design.uuid}"),
        "token": forms.make_token(design, clock.now()),
        "honeypot": forms.HONEYPOT,
        "widget": widget,
        "page_address": page_address(request, form, framed=framed),
        "wording": offer.wording(offer.newsletters) if offer.newsletters else "",
        "answer": outcome.answer.value if outcome else "",
        "problem": answering.describe(outcome) if outcome else "",
    }
    template = "subscribe/thanks.html.j2" if accepted else "subscribe/designed.html.j2"
    response = render(request, template, context, status=answering.status_of(outcome))
    response["Content-Security-Policy"] = answering.form_policy(
        None if accepted else widget, framed=framed
    )
    return answering.with_retry_after(response, outcome)


def _find(uuid: UUID) -> SignUpForm:
    return get_object_or_404(SignUpForm.objects.select_related("publication"), uuid=uuid)


def _language(request: HttpRequest, design: SignUpForm) -> str:
    return visitor.language(request, _own_language(design))


def _own_language(design: SignUpForm) -> str:
    """Return the language of its newsletters where they have one, else the publication's."""
    tags = set(design.newsletters.exclude(language="").values_list("language", flat=True))
    return tags.pop() if len(tags) == 1 else design.publication.language
