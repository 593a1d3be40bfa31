"""The sign-up form as a page, as a frame on other sites, and for scripts.

All three post to `/subscribe/<newsletter>`. No cookie is set or read: the form's token shows that
Digest made it, so there is no session that another site could abuse.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from digest.core import client_ip, clock, languages
from digest.core.links import absolute
from digest.newsletters.models import Newsletter
from digest.rendering.themes.branding import publication_theme
from digest.selfservice.signups import consent_wording, offered_newsletters
from digest.web import captcha, forms, problems, visitor
from digest.web.captcha.base import Widget
from digest.web.forms import SignUpForm
from digest.web.middleware import policy
from digest.web.scripts import script_response
from digest.web.signup import STATUS, Answer, Outcome, submit

ANY_SITE = "*"


@csrf_exempt  # the form's own token protects it, without a cookie
@never_cache
@require_http_methods(["GET", "HEAD", "POST", "OPTIONS"])
def subscribe(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the form, or submit it: a page for people, JSON for scripts of any site."""
    newsletter = _newsletter(slug)
    with languages.override(visitor.language_for(request, newsletter)) as tag:
        if request.method == "OPTIONS":
            return _allow_scripts(HttpResponse(status=204))
        as_json = visitor.wants_json(request)
        if request.method != "POST":
            return _form_json(request, newsletter) if as_json else _page(request, newsletter)
        form = forms.read_form(request)
        if "start" in form.fields:  # from the archive, which has the field alone
            return _page(request, newsletter, form)
        outcome = submit(
            form,
            newsletter,
            via="script" if as_json else "page",
            ip=client_ip.address(request),
            language=tag,
            now=clock.now(),
        )
        if as_json:
            return _outcome_json(newsletter, outcome)
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
    response = script_response("signup.js", "digestSignUp", options)
    patch_vary_headers(response, ["Accept-Language"])
    return response


def _script_options(newsletter: Newsletter, tag: str) -> dict[str, Any]:
    return {
        "action": absolute(f"/subscribe/{newsletter.slug}?lang={tag}"),
        "frame": absolute(f"/embed/{newsletter.slug}/signup?lang={tag}"),
        "styles": "signup.css",
        "language": tag,
        "direction": languages.direction(tag),
        "name": newsletter.name,
        "captcha": captcha.widget(clock.now()) is not None,
        "honeypot": forms.HONEYPOT,
        "colours": _colours(newsletter),
        "labels": {
            "heading": _("Receive latest news & updates"),
            "email": _("Your email address"),
            "button": _("Sign up"),
            "accepted": _(
                "Almost done. Check your inbox and click the button in our email to confirm your "
                "subscription."
            ),
            "wait": _("One moment …"),
            "trouble": _("Something went wrong. Try again, or use this page:"),
            "choose": _("Choose your newsletters"),
        },
    }


def _page(
    request: HttpRequest,
    newsletter: Newsletter,
    form: SignUpForm | None = None,
    outcome: Outcome | None = None,
    *,
    framed: bool = False,
) -> HttpResponse:
    framed = framed or (form is not None and bool(form.fields.get("framed")))
    now = clock.now()
    widget = captcha.widget(now)
    form = form or SignUpForm(email=request.GET.get("email", "")[:320])
    offered = offered_newsletters(newsletter)
    context = {
        "newsletter": newsletter,
        "form": form,
        "framed": framed,
        "offered": offered,
        "chosen_slugs": set(form.newsletters) or {newsletter.slug},
        "token": forms.make_token(newsletter, now),
        "honeypot": forms.HONEYPOT,
        "widget": widget,
        "wording": consent_wording(offered if len(offered) == 1 else [newsletter]),
        "answer": outcome.answer.value if outcome else "",
        "problem": _message(outcome) if outcome else "",
    }
    accepted = outcome is not None and outcome.answer is Answer.ACCEPTED
    template = "subscribe/sent.html.j2" if accepted else "subscribe/form.html.j2"
    response = render(request, template, context, status=_status(outcome))
    response["Content-Security-Policy"] = _policy(None if accepted else widget, framed=framed)
    return _with_retry_after(response, outcome)


def _policy(widget: Widget | None, *, framed: bool) -> str:
    widened = dict(widget.sources) if widget else {}
    if framed:
        widened["frame-ancestors"] = ANY_SITE
    return policy(widened)


def _form_json(request: HttpRequest, newsletter: Newsletter) -> HttpResponse:
    """Return what a script needs to draw a form."""
    now = clock.now()
    widget = captcha.widget(now)
    data: dict[str, Any] = {
        "newsletter": newsletter.slug,
        "newsletters": [
            {"slug": offered.slug, "name": offered.name, "description": offered.description}
            for offered in offered_newsletters(newsletter)
        ],
        "token": forms.make_token(newsletter, now),
        "wording": consent_wording([newsletter]),
        "page": absolute(request.path),
        "captcha": {"kind": widget.kind, "script": absolute(widget.script), **widget.options}
        if widget
        else None,
    }
    return _allow_scripts(JsonResponse(data))


def _outcome_json(newsletter: Newsletter, outcome: Outcome) -> HttpResponse:
    """Return the outcome of a form to a script, with a new token unless it was accepted."""
    data: dict[str, Any] = {"answer": outcome.answer.value, "message": _message(outcome)}
    if outcome.answer is not Answer.ACCEPTED:
        data["token"] = forms.make_token(newsletter, clock.now())
    response = JsonResponse(data, status=_status(outcome))
    return _allow_scripts(_with_retry_after(response, outcome))


def _message(outcome: Outcome) -> str:
    """Return an outcome as a sentence, in the active language."""
    if outcome.answer is Answer.TOO_MANY:
        return problems.too_many(outcome.seconds)
    messages = {
        Answer.ACCEPTED: _(
            "Almost done. Check your inbox and click the button in our email to confirm your "
            "subscription."
        ),
        Answer.INVALID_ADDRESS: _("Enter a valid email address."),
        Answer.ODD_ADDRESS: _(
            "“%(label)s” mixes letters of different alphabets. If it is correct, submit the form "
            "again."
        )
        % {"label": outcome.detail},
        Answer.NOTHING_CHOSEN: _("Choose at least one newsletter."),
        Answer.RETRY: _("Check your email address, then submit the form again."),
        Answer.CAPTCHA: _("Wait for the check to finish, then try again."),
        Answer.CLOSED: problems.unavailable(),
    }
    return messages[outcome.answer]


def _status(outcome: Outcome | None) -> int:
    return STATUS[outcome.answer] if outcome else 200


def _with_retry_after(response: HttpResponse, outcome: Outcome | None) -> HttpResponse:
    if outcome and outcome.answer in {Answer.TOO_MANY, Answer.CLOSED}:
        response["Retry-After"] = str(outcome.seconds or 60)
    return response


def _allow_scripts(response: HttpResponse) -> HttpResponse:
    """Let a script of any site read the response; it carries no cookie, so it reveals nothing."""
    response["Access-Control-Allow-Origin"] = ANY_SITE
    response["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
    response["Access-Control-Allow-Headers"] = "Content-Type, Accept"
    response["Access-Control-Max-Age"] = "86400"
    response["Vary"] = "Accept"
    return response


def _colours(newsletter: Newsletter) -> dict[str, dict[str, str]]:
    publication = newsletter.publication
    theme = publication_theme(publication, "ltr")
    return {
        name: {"brand": palette.brand, "onBrand": palette.on_brand, "accent": palette.accent}
        for name, palette in (("day", theme.day), ("night", theme.night))
    }


def _newsletter(slug: str) -> Newsletter:
    offered = Newsletter.objects.open_to_all()
    return get_object_or_404(offered.select_related("publication"), slug=slug)
