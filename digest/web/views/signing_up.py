"""The sign-up form as a page, as a frame on other sites, and for scripts.

`/subscribe/<newsletter>` takes it, from whichever of them. No cookie is set or read: the form's
token says that it is ours, so there is no session that another site could abuse.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from digest import web
from digest.core import client_ip, clock, languages
from digest.core.links import absolute
from digest.newsletters.models import Newsletter
from digest.rendering.theme import theme_of
from digest.web import captcha, forms, visitor
from digest.web.forms import SignUpForm
from digest.web.middleware import policy
from digest.web.subscribing import STATUS, Answer, Outcome, offered, sign_up, wording_of

ANY_SITE = "*"


@csrf_exempt  # the form's own token does it, without a cookie
@never_cache
@require_http_methods(["GET", "HEAD", "POST", "OPTIONS"])
def subscribe(request: HttpRequest, newsletter: str) -> HttpResponse:
    """Show the form, or take it: a page for people, JSON for scripts of any site."""
    found = _newsletter(newsletter)
    with languages.spoken(visitor.language_for(request, found)) as tag:
        if request.method == "OPTIONS":
            return _open_to_scripts(HttpResponse(status=204))
        if request.method != "POST":
            return (
                _form_facts(request, found)
                if visitor.wants_json(request)
                else _page(request, found)
            )
        form = forms.read(request)
        now, ip = clock.now(), client_ip.address(request)
        as_json = visitor.wants_json(request)
        via = "script" if as_json else "page"
        outcome = sign_up(form, found, via=via, ip=ip, language=tag, now=now)
        return _told(found, outcome) if as_json else _page(request, found, form, outcome)


@require_safe
@never_cache
def frame(request: HttpRequest, newsletter: str) -> HttpResponse:
    """Show the form alone, to stand in a frame on an article page."""
    found = _newsletter(newsletter)
    with languages.spoken(visitor.language_for(request, found)):
        return _page(request, found, framed=True)


@require_safe
@cache_control(public=True, max_age=300)
def script(request: HttpRequest, newsletter: str) -> HttpResponse:
    """Return the script that brings the form to the page that loads it."""
    found = _newsletter(newsletter)
    with languages.spoken(visitor.language_for(request, found)) as tag:
        facts = {
            "action": absolute(f"/subscribe/{found.slug}?lang={tag}"),
            "frame": absolute(f"/embed/{found.slug}/signup?lang={tag}"),
            "style": _read("signup.css"),
            "language": tag,
            "direction": languages.direction(tag),
            "name": found.name,
            "captcha": captcha.widget(clock.now()) is not None,
            "honeypot": forms.HONEYPOT,
            "colours": _colours(found),
            "says": {
                "heading": _("Receive latest news & updates"),
                "label": _("Your email address"),
                "button": _("Sign up"),
                "taken": _(
                    "Almost done: look into your mailbox, and press the button in our mail."
                ),
                "wait": _("One moment …"),
                "trouble": _("That did not work. Please try again, or use this page:"),
                "choose": _("What would you like to receive?"),
            },
        }
    body = f"(() => {{\n{_read('signup.js')}\ndigestSignUp({_as_script(facts)});\n}})();\n"
    response = HttpResponse(body, content_type="text/javascript; charset=utf-8")
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


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
    offers = offered(newsletter)
    context = {
        "newsletter": newsletter,
        "form": form,
        "framed": framed,
        "offers": offers,
        "chosen": set(form.newsletters) or {newsletter.slug},
        "token": forms.token_for(newsletter, now),
        "honeypot": forms.HONEYPOT,
        "widget": widget,
        "wording": wording_of(offers if len(offers) == 1 else [newsletter]),
        "answer": outcome.answer.value if outcome else "",
        "problem": _problem(outcome) if outcome else "",
    }
    taken = outcome is not None and outcome.answer is Answer.TAKEN
    template = "subscribe/sent.html.j2" if taken else "subscribe/form.html.j2"
    response = render(request, template, context, status=_status(outcome))
    widened = dict(widget.sources) if widget and not taken else {}
    if framed:
        widened["frame-ancestors"] = ANY_SITE
    response["Content-Security-Policy"] = policy(widened)
    return _with_patience(response, outcome)


def _form_facts(request: HttpRequest, newsletter: Newsletter) -> HttpResponse:
    """Tell a script what it needs to draw a form."""
    now = clock.now()
    widget = captcha.widget(now)
    offers = offered(newsletter)
    facts: dict[str, Any] = {
        "newsletter": newsletter.slug,
        "newsletters": [
            {"slug": one.slug, "name": one.name, "description": one.description} for one in offers
        ],
        "token": forms.token_for(newsletter, now),
        "wording": wording_of([newsletter]),
        "page": absolute(request.path),
        "captcha": {"kind": widget.kind, "script": absolute(widget.script), **widget.facts}
        if widget
        else None,
    }
    return _open_to_scripts(JsonResponse(facts))


def _told(newsletter: Newsletter, outcome: Outcome) -> HttpResponse:
    """Tell a script what became of its form; a new token where that is what was missing."""
    facts: dict[str, Any] = {"answer": outcome.answer.value, "message": _problem(outcome)}
    if outcome.answer is not Answer.TAKEN:
        facts["token"] = forms.token_for(newsletter, clock.now())
    response = JsonResponse(facts, status=_status(outcome))
    return _open_to_scripts(_with_patience(response, outcome))


def _problem(outcome: Outcome) -> str:
    """Say what became of the form, in the present language."""
    minutes = -(-outcome.seconds // 60)
    said = {
        Answer.TAKEN: lambda: _("We have written to you: press the button in our mail to confirm."),
        Answer.ADDRESS: lambda: _("This is no email address that we can write to. Is it complete?"),
        Answer.LOOKS_ODD: lambda: (
            _("“%(label)s” mixes letters of different alphabets. If it is right, press once more.")
            % {"label": outcome.detail}
        ),
        Answer.NOTHING_CHOSEN: lambda: _("Choose at least one newsletter."),
        Answer.ONCE_MORE: lambda: _("Please look at the address once more, then press the button."),
        Answer.CAPTCHA: lambda: _("Please wait for the check to finish, then try again."),
        Answer.TOO_MANY: lambda: (
            ngettext(
                "Too many sign-ups came from your network. Try again in %(minutes)d minute.",
                "Too many sign-ups came from your network. Try again in %(minutes)d minutes.",
                minutes,
            )
            % {"minutes": minutes}
        ),
        Answer.CLOSED: lambda: _(
            "We cannot take sign-ups at this moment. Try again in a few minutes."
        ),
    }
    return said[outcome.answer]()


def _status(outcome: Outcome | None) -> int:
    return STATUS[outcome.answer] if outcome else 200


def _with_patience(response: HttpResponse, outcome: Outcome | None) -> HttpResponse:
    if outcome and outcome.answer in {Answer.TOO_MANY, Answer.CLOSED}:
        response["Retry-After"] = str(outcome.seconds or 60)
    return response


def _open_to_scripts(response: HttpResponse) -> HttpResponse:
    """Let a script of any site read the answer; it carries no cookie, so it learns nothing."""
    response["Access-Control-Allow-Origin"] = ANY_SITE
    response["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
    response["Access-Control-Allow-Headers"] = "Content-Type, Accept"
    response["Access-Control-Max-Age"] = "86400"
    response["Vary"] = "Accept"
    return response


def _as_script(facts: dict[str, Any]) -> str:
    """Return facts as a literal that nothing in them can end."""
    return json.dumps(facts).replace("<", "\\u003c")


@cache
def _read(name: str) -> str:
    return (Path(web.__file__).parent / "static" / "web" / name).read_text()


def _colours(newsletter: Newsletter) -> dict[str, dict[str, str]]:
    publication = newsletter.publication
    theme = theme_of(publication.accent, publication.accent_dark, "ltr")
    return {
        name: {"brand": palette.brand, "onBrand": palette.on_brand, "accent": palette.accent}
        for name, palette in (("day", theme.day), ("night", theme.night))
    }


def _newsletter(slug: str) -> Newsletter:
    open_to_all = Newsletter.objects.filter(listed=True, active=True)
    return get_object_or_404(open_to_all.select_related("publication"), slug=slug)
