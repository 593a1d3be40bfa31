"""The pages of the sample paper, its pictures and its feeds."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from mimetypes import guess_type
from zlib import crc32

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe

from digest.core import clock, links, reading_time
from digest.embedded.sample import paper
from digest.embedded.sample.feed import Item, json_feed, rss
from digest.newsletters.models import Publication

RAIL = 5
FEED = 40
# A news site with the lines that bring the embeds; the sign-up form asks and posts by script.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the front page: what is latest, then each section."""
    items = _items()
    lead, rest = (items[0], items[1:]) if items else (None, [])
    return _render(
        request,
        "sample/home.html.j2",
        {"lead": lead, "second": rest[:2], "sections": _by_section(rest[2:])},
        items,
    )


@require_safe
def article(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one story with all that stands around a story on a news site."""
    items = _items()
    item = next((item for item in items if item.story.slug == slug), None)
    if item is None:
        raise Http404
    minutes = reading_time.minutes(paper.count_words(item.story.body))
    other_items = [other for other in items if other is not item]
    context = {
        "item": item,
        "site": links.absolute("/sample"),
        "minutes": minutes,
        "next_up": _related(item, other_items)[:3],
    }
    return _render(request, "sample/article.html.j2", context, other_items)


@require_safe
def sign_up(request: HttpRequest) -> HttpResponse:
    """Say how to become a subscriber of the newsletter."""
    return _render(request, "sample/newsletter.html.j2", {}, _items())


@require_safe
def support(request: HttpRequest) -> HttpResponse:
    """Show where the appeal's button leads."""
    return _render(request, "sample/support.html.j2", {}, _items())


def _feed_tag(_request: HttpRequest) -> str:
    content = "\n".join(item.story.slug for item in _items()) + settings.DIGEST_BASE_URL
    return f'"{crc32(content.encode()):08x}"'


@require_safe
@condition(etag_func=_feed_tag)
def feed_xml(_request: HttpRequest) -> HttpResponse:
    """Return the paper's RSS feed."""
    body = rss(paper.particulars(), _items()[:FEED], links.absolute("/sample"))
    return HttpResponse(body, content_type="application/rss+xml; charset=utf-8")


@require_safe
@condition(etag_func=_feed_tag)
def feed_json(_request: HttpRequest) -> HttpResponse:
    """Return the paper's JSON feed."""
    body = json_feed(paper.particulars(), _items()[:FEED], links.absolute("/sample"))
    return HttpResponse(body, content_type="application/feed+json; charset=utf-8")


@require_safe
@cache_control(public=True, max_age=86_400)
def picture(_request: HttpRequest, name: str) -> HttpResponse:
    """Return one of the paper's pictures."""
    octets = paper.image(name)
    if octets is None:
        raise Http404
    return HttpResponse(octets, content_type=guess_type(name)[0] or "application/octet-stream")


def _items() -> list[Item]:
    """Return what is out now, the latest first."""
    now = clock.now()
    founded = Publication.objects.filter(slug=paper.PUBLICATION).values_list(
        "created_at", flat=True
    )
    since = founded.first() or now  # asked before it was set up: as of this moment
    return [Item(story, story.appears_at(since)) for story in paper.published(since, now)]


def _render(
    request: HttpRequest, template: str, context: Mapping[str, object], items: Sequence[Item]
) -> HttpResponse:
    particulars = paper.particulars()
    around = {
        "paper": particulars,
        "newsletter_slug": paper.NEWSLETTER,
        "base": settings.DIGEST_BASE_URL,
        "zone": clock.zone(particulars.timezone),
        "now": clock.now(),
        "nav": sorted({story.section for story in paper.stories()}),
        "latest": list(items[:RAIL]),
    }
    response = render(request, template, {**around, **context})
    response["Content-Security-Policy"] = POLICY
    return response


def _by_section(items: Sequence[Item]) -> list[tuple[str, list[Item]]]:
    ordered = sorted(items, key=lambda item: item.story.section)  # stable: latest first within
    grouped = groupby(ordered, key=lambda item: item.story.section)
    return [(section, list(members)) for section, members in grouped]


def _related(item: Item, candidates: Sequence[Item]) -> list[Item]:
    tags = {item.story.section, *item.story.tags}

    def shared(other: Item) -> int:
        return len(tags & {other.story.section, *other.story.tags})

    return sorted(candidates, key=shared, reverse=True)  # stable: the latest first among equals
