"""Popular articles, latest stories and an appeal for other sites: a frame, or one line of script.

Neither sets nor reads a cookie. Both are the same for everybody, so that caches can hold them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from digest.analytics import rails
from digest.analytics.rails import Rail
from digest.core import clock, languages
from digest.core.text import web_url
from digest.newsletters.models import Newsletter
from digest.rendering.cleaned import paragraphs
from digest.rendering.themes.branding import publication_theme
from digest.web.middleware import policy
from digest.web.scripts import script_response

SECONDS = 300  # that caches hold it
MOST_ARTICLES = 5  # articles of a frame
APPEAL = "appeal"


@dataclass(frozen=True, slots=True)
class Embed:
    """What an embed shows.

    Without articles and address the script draws nothing. A frame has its height already, and says
    why a list is empty.
    """

    kind: str
    heading: str
    articles: tuple[dict[str, str], ...] = ()  # url, title, section
    paragraphs: tuple[str, ...] = ()
    button: str = ""
    url: str = ""


@require_safe
@conditional_page
@cache_control(public=True, max_age=SECONDS)
def frame(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """Show an embed as a page for a frame."""
    newsletter = _newsletter(slug)
    with languages.override(_language(newsletter)):
        context = {
            "newsletter": newsletter,
            "embed": _embed(newsletter, kind),
            "most": MOST_ARTICLES,
        }
        response = render(request, "embed.html.j2", context)
    response["Content-Security-Policy"] = policy({"frame-ancestors": "*"})
    return response


@require_safe
@conditional_page
@cache_control(public=True, max_age=SECONDS)
def script(_request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """Return the script that draws an embed on the page that loads it."""
    newsletter = _newsletter(slug)
    tag = _language(newsletter)
    with languages.override(tag):
        embed = _embed(newsletter, kind)
    options = {
        "kind": embed.kind,
        "heading": embed.heading,
        "articles": embed.articles,
        "paragraphs": embed.paragraphs,
        "button": embed.button,
        "url": embed.url,
        "language": tag,
        "direction": languages.direction(tag),
        "colours": _colours(newsletter),
    }
    return script_response(["embed.js"], "digestEmbed", {**options, "styles": "embed.css"})


def _embed(newsletter: Newsletter, kind: str) -> Embed:
    """Return what an embed of this kind shows, in the active language; raise Http404."""
    if kind == APPEAL:
        return _appeal(newsletter)
    if kind not in set(Rail):
        raise Http404
    rail = Rail(kind)
    articles = (
        {"url": url, "title": article.title, "section": article.section}
        for article in rails.list_articles(newsletter, rail, clock.now())
        if (url := web_url(article.url))
    )
    return Embed(rail, _HEADINGS[rail](), tuple(articles))


_HEADINGS: dict[str, Callable[[], str]] = {
    Rail.POPULAR: lambda: _("Popular Articles"),
    Rail.LATEST: lambda: _("Latest Stories"),
}


def _appeal(newsletter: Newsletter) -> Embed:
    heading = _("A message from %(publication)s") % {"publication": newsletter.publication.name}
    appeal = rails.appeal(newsletter, clock.now())
    if appeal is None:
        return Embed(APPEAL, heading)
    return Embed(
        APPEAL,
        appeal.heading or heading,
        paragraphs=tuple(paragraphs(appeal.body)),
        button=appeal.button,
        url=web_url(appeal.url),
    )


def _colours(newsletter: Newsletter) -> dict[str, dict[str, Any]]:
    theme = publication_theme(newsletter.publication, "ltr")
    names = ("sheet", "tint", "ink", "body", "soft", "rule", "brand", "accent", "on_brand")
    return {
        scheme: {name.replace("_", "-"): getattr(palette, name) for name in names}
        for scheme, palette in (("day", theme.day), ("night", theme.night))
    }


def _language(newsletter: Newsletter) -> str:
    """Return the newsletter's language: one answer for all visitors, whatever they prefer."""
    return languages.best_match(newsletter.language or newsletter.publication.language)


def _newsletter(slug: str) -> Newsletter:
    rows = Newsletter.objects.public().select_related("publication")
    return get_object_or_404(rows, slug=slug)
