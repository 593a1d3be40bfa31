"""In which language to answer, and whether a script asks. Nothing is stored in a cookie."""

from django.http import HttpRequest
from django.utils.translation.trans_real import parse_accept_lang_header

from digest.core import languages
from digest.newsletters.models import Newsletter


def language(request: HttpRequest, *wishes: str) -> str:
    """Return the language to answer in: as the address says (?lang=), as wished, as the browser."""
    accepted = parse_accept_lang_header(request.META.get("HTTP_ACCEPT_LANGUAGE", "").lower())
    return languages.ours(request.GET.get("lang", ""), *wishes, *(tag for tag, _ in accepted))


def language_for(request: HttpRequest, newsletter: Newsletter | None, subscriber: str = "") -> str:
    """Return the language for a page of a newsletter: the subscriber's own, or the newsletter's."""
    if newsletter is None:
        return language(request, subscriber)
    return language(request, subscriber, newsletter.language or newsletter.publication.language)


def wants_json(request: HttpRequest) -> bool:
    """Say whether a script asks."""
    return request.accepts("application/json") and not request.accepts("text/html")
