"""The sign-up form as a page, as a frame on other sites, and for scripts.

All three post to `/subscribe/<newsletter>`. No cookie is set or read: the form's token shows that
Digest made it, so there is no session that another site could abuse.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from digest.core import client_ip, clock, languages
from digest.core.links import Page
from digest.newsletters.models import Newsletter
from digest.selfservice.drawn_forms import accepted, form_colours
from digest.selfservice.offers import offer_of_newsletter
from digest.selfservice.questions import questions_of
from digest.web import answering, captcha, forms, visitor
from digest.web.forms import SubmittedForm
from digest.web.scripts import script_response
from digest.web.signup import Outcome, submit


@csrf_exempt  # the form's own token protects it, without a cookie
@never_cache
@require_http_methods(["GET", "HEAD", "POST", "OPTIONS"])
def subscribe(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the form, or submit it: a page for people, JSON for scripts of any site."""
    newsletter = _newsletter(slug)
    with languages.override(visitor.language_for(request, newsletter)) as tag:
        if request.method == "OPTIONS":
            return answering.allow_scripts(HttpResponse(status=204))
        as_json = visitor.wants_json(request)
        if request.method != "POST":
            if as_json:
                return answering.form_as_json(offer_of_newsletter(newsletter), request.path)
            return _page(request, newsletter)
        form = forms.read_form(request)
        if "start" in form.fields:  # from the archive, which has the field alone
            return _page(request, newsletter, form)
        offer = offer_of_newsletter(newsletter)
        outcome = submit(
            form,
            offer,
            via="script" if as_json else "page",
            ip=client_ip.address(request),
            language=tag,
            now=clock.now(),
        )
        if as_json:
            return answering.outcome_as_json(offer, outcome)
        return _page(request, newsletter, form, outcome)


@require_safe
@never_cache
def frame(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the form alone, for a frame on an article page."""
    newsletter = _newsletter(slug)
    with languages.override(visitor.language_for(request, newsletter)):
        return _page(request, newsletter, framed=True)


@require_safe
@cache_control(public=True, max_age=300)
def script(request: HttpRequest, slug: str) -> HttpResponse:
    """Return the script that draws the form on the page that loads it."""
    newsletter = _newsletter(slug)
    with languages.override(visitor.language_for(request, newsletter)) as tag:
        options = _script_options(newsletter, tag)
    response = script_response(["placing.js", "signup.js"], "digestSignUp", options)
    patch_vary_headers(response, ["Accept-Language"])
    return response


def _script_options(newsletter: Newsletter, tag: str) -> dict[str, Any]:
    return {
        "action": f"{Page.SUBSCRIBE.url(slug=newsletter.slug)}?lang={tag}",
        "frame": f"{Page.EMBEDDED_SIGN_UP.url(slug=newsletter.slug)}?lang={tag}",
        "styles": "signup.css",
        "language": tag,
        "direction": languages.direction(tag),
        "name": newsletter.name,
        "captcha": captcha.widget(clock.now()) is not None,
        "honeypot": forms.HONEYPOT,
        "colours": form_colours(newsletter.publication),
        "labels": {
            "heading": _("Receive latest news & updates"),
            "email": _("Your email address"),
            "button": _("Sign up"),
            "accepted": accepted(),
            "wait": _("One moment …"),
            "trouble": _("Something went wrong. Try again, or use this page:"),
            "choose": _("Choose your newsletters"),
        },
    }


def _page(
    request: HttpRequest,
    newsletter: Newsletter,
    form: SubmittedForm | None = None,
    outcome: Outcome | None = None,
    *,
    framed: bool = False,
) -> HttpResponse:
    framed = framed or (form is not None and bool(form.fields.get("framed")))
    form = form or SubmittedForm(email=request.GET.get("email", "")[:320])
    offer = offer_of_newsletter(newsletter)
    context = {
        "newsletter": newsletter,
        "offered": offer.newsletters,
        "questions": questions_of(offer),
        "chosen_slugs": set(form.newsletters) or {newsletter.slug},
        "wording": offer.wording([newsletter], is_choice=not framed),
    }
    templates = answering.Templates("subscribe/form.html.j2", "subscribe/sent.html.j2")
    return answering.form_as_page(
        request, newsletter, form, outcome, context, templates=templates, framed=framed
    )


def _newsletter(slug: str) -> Newsletter:
    offered = Newsletter.objects.open_to_all()
    return get_object_or_404(offered.select_related("publication"), slug=slug)
