"""The language to respond in, and whether a script sent the request. No cookie is used."""

from django.http import HttpRequest
from django.utils.translation.trans_real import parse_accept_lang_header

from digest.core import languages
from digest.newsletters.models import Newsletter


def language(request: HttpRequest, *preferred: str) -> str:
    """Return the language to respond in: from ?lang=, the preferred ones, or the browser."""
    accepted = parse_accept_lang_header(request.META.get("HTTP_ACCEPT_LANGUAGE", "").lower())
    return languages.best_match(
        request.GET.get("lang", ""), *preferred, *(tag for tag, _ in accepted)
    )


def language_for(request: HttpRequest, newsletter: Newsletter | None, subscriber: str = "") -> str:
    """Return the language for a page of a newsletter: the subscriber's, or the newsletter's."""
    if newsletter is None:
        return language(request, subscriber)
    return language(request, subscriber, newsletter.language or newsletter.publication.language)


def wants_json(request: HttpRequest) -> bool:
    """Return whether a script sent the request."""
    return request.accepts("application/json") and not request.accepts("text/html")
