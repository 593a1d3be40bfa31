"""The answer to a sign-up form as a page or as JSON, for every form alike."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from digest.core import clock
from digest.core.links import absolute
from digest.selfservice.drawn_forms import accepted
from digest.selfservice.offers import Offer, Subject
from digest.subscribers.own_values import PREFIX
from digest.web import captcha, forms, problems
from digest.web.captcha.base import Widget
from digest.web.forms import SubmittedForm
from digest.web.middleware import policy
from digest.web.signup import STATUS, Answer, Outcome

ANY_SITE = "*"


class Templates(NamedTuple):
    """The templates of a page with a form: while it is open, and once it was accepted."""

    form: str
    accepted: str


def form_as_page(
    request: HttpRequest,
    subject: Subject,
    form: SubmittedForm,
    outcome: Outcome | None,
    context: Mapping[str, Any],
    *,
    templates: Templates,
    framed: bool = False,
    images: bool = False,
) -> HttpResponse:
    """Return the page of a form: open, with what is wrong, or accepted.

    `subject` is what the form's token is made for. Any site may show a page that is `framed`;
    `images` lets it show pictures from anywhere.
    """
    now = clock.now()
    widget = captcha.widget(now)
    is_accepted = outcome is not None and outcome.answer is Answer.ACCEPTED
    values = {
        "form": form,
        "framed": framed,
        "token": forms.make_token(subject, now),
        "honeypot": forms.HONEYPOT,
        "widget": widget,
        "page_address": page_address(request, form, framed=framed),
        "answer": outcome.answer.value if outcome else "",
        "problem": describe(outcome) if outcome else "",
        **context,
    }
    template = templates.accepted if is_accepted else templates.form
    response = render(request, template, values, status=status_of(outcome))
    sources = _sources(widget, framed=framed, is_accepted=is_accepted)
    response["Content-Security-Policy"] = form_policy(sources, framed=framed, images=images)
    return with_retry_after(response, outcome)


def _sources(widget: Widget | None, *, framed: bool, is_accepted: bool) -> Mapping[str, str]:
    """Return the sources of a page's scripts: of its captcha, or of what tells the page around."""
    if is_accepted:
        return {"script-src": "'self'"} if framed else {}
    return widget.sources if widget else {}


def page_address(request: HttpRequest, form: SubmittedForm, *, framed: bool = False) -> str:
    """Return the address of the page with the form: this one, or the one around it or before it."""
    if page := form.fields.get("page"):
        return page
    before = request.headers.get("Referer", "") if framed or request.method == "POST" else ""
    return before or absolute(request.get_full_path())


def form_as_json(offer: Offer, path: str) -> HttpResponse:
    """Return what a script needs to draw a form, whose page is at `path`."""
    now = clock.now()
    widget = captcha.widget(now)
    data: dict[str, Any] = {
        "newsletters": [
            {"slug": offered.slug, "name": offered.name, "description": offered.description}
            for offered in offer.newsletters
        ],
        "attributes": [
            {
                "field": f"{PREFIX}{row.key}",
                "label": row.label,
                "kind": row.kind,
                "choices": row.choices,
            }
            for row in offer.attributes
        ],
        "token": forms.make_token(offer.subject, now),
        "wording": offer.wording(offer.default or offer.newsletters) if offer.newsletters else "",
        "wording_of_choice": offer.wording(offer.newsletters, is_choice=True)
        if offer.newsletters
        else "",
        "page": absolute(path),
        "captcha": {"kind": widget.kind, "script": absolute(widget.script), **widget.options}
        if widget
        else None,
    }
    if len(offer.default) == 1:
        data["newsletter"] = offer.default[0].slug
    return allow_scripts(JsonResponse(data))


def outcome_as_json(offer: Offer, outcome: Outcome) -> HttpResponse:
    """Return the outcome of a form to a script, with a new token unless it was accepted."""
    data: dict[str, Any] = {"answer": outcome.answer.value, "message": describe(outcome)}
    if outcome.answer is not Answer.ACCEPTED:
        data["token"] = forms.make_token(offer.subject, clock.now())
    response = JsonResponse(data, status=status_of(outcome))
    return allow_scripts(with_retry_after(response, outcome))


def describe(outcome: Outcome) -> str:
    """Return an outcome as a sentence, in the active language."""
    if outcome.answer is Answer.TOO_MANY:
        return problems.too_many(outcome.seconds)
    messages = {
        Answer.ACCEPTED: accepted(),
        Answer.INVALID_ADDRESS: _("Enter a valid email address."),
        Answer.ODD_ADDRESS: _(
            "“%(label)s” mixes letters of different alphabets. If it is correct, submit the form "
            "again."
        )
        % {"label": outcome.detail},
        Answer.NOTHING_CHOSEN: _("Choose at least one newsletter."),
        Answer.INVALID_VALUE: outcome.detail,
        Answer.RETRY: _("Check your email address, then submit the form again."),
        Answer.CAPTCHA: _("Wait for the check to finish, then try again."),
        Answer.CLOSED: problems.unavailable(),
    }
    return messages[outcome.answer]


def status_of(outcome: Outcome | None) -> int:
    """Return the HTTP status of an outcome; of a form that was not sent yet, 200."""
    return STATUS[outcome.answer] if outcome else 200


def with_retry_after(response: HttpResponse, outcome: Outcome | None) -> HttpResponse:
    """Say when to try again, where that is known."""
    if outcome and outcome.answer in {Answer.TOO_MANY, Answer.CLOSED}:
        response["Retry-After"] = str(outcome.seconds or 60)
    return response


def allow_scripts(response: HttpResponse) -> HttpResponse:
    """Let a script of any site read the response; it carries no cookie, so it reveals nothing."""
    response["Access-Control-Allow-Origin"] = ANY_SITE
    response["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
    response["Access-Control-Allow-Headers"] = "Content-Type, Accept"
    response["Access-Control-Max-Age"] = "86400"
    response["Vary"] = "Accept"
    return response


def form_policy(sources: Mapping[str, str], *, framed: bool, images: bool = False) -> str:
    """Return the policy of a page with a form.

    `sources` are those of its scripts; any site may show a page that is `framed`.
    """
    widened = dict(sources)
    if framed:
        widened["frame-ancestors"] = ANY_SITE
    if images:
        widened["img-src"] = " ".join(filter(None, (widened.get("img-src"), "https: http:")))
    return policy(widened)
