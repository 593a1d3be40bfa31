"""Articles that a publisher's own system pushes, instead of a feed that we poll.

    push       clean and store one, idempotently by its guid (or link)
    correct    change what was pushed

They come in through a source of the kind `pushed`, one for each publication, whose newsletters use
it like any other; so who an article is, its revisions and who follows whom are storing's rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from django.forms.models import model_to_dict

from digest.articles import isolation, merging, storing
from digest.articles.errors import ArticlesError, ParseError
from digest.articles.models import Article, Sighting, Source
from digest.articles.parsing.base import Document, Entry, Image

IMAGE = {
    "image_url": "url",
    "image_alt": "alt",
    "image_caption": "caption",
    "image_credit": "credit",
}
TEXTS = ("url", "title", "summary", "body_html", "byline", "section", "language")


@dataclass(frozen=True, slots=True)
class PushResult:
    """An article that was pushed, and what that made of it."""

    article: Article
    outcome: Literal["new", "changed", "unchanged"]


def source_of(publication_id: int, slug: str, now: datetime) -> Source:
    """Return the source of what is pushed for a publication, created if there is none yet."""
    source, _ = Source.objects.get_or_create(
        publication_id=publication_id,
        kind=Source.Kind.PUSHED,
        defaults={
            "url": f"pushed:{slug}",
            "title": f"Pushed by {slug}",
            "next_poll_at": now,
            "created_at": now,
        },
    )
    return source


def push(source: Source, entry: Entry, now: datetime) -> PushResult:
    """Store one article; the same guid, or the same link, is the same article.

    Where a feed showed it first, the feed is followed and only what it lacks is taken. Raises
    ParseError if nothing is left of it once it is cleaned.
    """
    return _store(source, isolation.clean_entry(_named(entry)), now)


def correct(article: Article, changes: Mapping[str, Any], now: datetime) -> PushResult:
    """Change some fields (of Entry, and `image_…`) of an article that was pushed.

    Raises ArticlesError for one that follows a feed: the next poll would undo it.
    """
    home = merging.home_of(article)
    if home is None or home.source.kind != Source.Kind.PUSHED:
        raise ArticlesError(f"{article.title!r} follows its feed; correct it there.")
    stored = _entry(article, home.guid)
    image = {IMAGE[name]: value for name, value in changes.items() if name in IMAGE}
    texts = {name: value for name, value in changes.items() if name not in IMAGE}
    corrected = replace(stored, **texts, image=replace(stored.image, **image))
    # What stays is clean already: read as markup once more, "a < b" would lose its end.
    clean = isolation.clean_entry(corrected)
    cleaned_fields = {
        name: getattr(clean, name) for name in (*texts, *(["image"] if image else []))
    }
    return _store(home.source, replace(stored, **cleaned_fields), now)


def _store(source: Source, entry: Entry, now: datetime) -> PushResult:
    if not entry.url or not entry.title:
        raise ParseError("An article needs a web address (https://…) and a title.")
    document = Document(kind="pushed", entries=(entry,))
    stored = storing.store(source, document, now, first_poll=False)
    sightings = Sighting.objects.filter(source=source, guid=entry.guid).select_related("article")
    article = sightings.latest("last_seen_at", "pk").article
    if stored.new:
        return PushResult(article, "new")
    return PushResult(article, "changed" if stored.changed else "unchanged")


def _named(entry: Entry) -> Entry:
    return entry if entry.guid else replace(entry, guid=entry.url)


def _entry(article: Article, guid: str) -> Entry:
    """Return the article as its publisher would push it once more."""
    stored_image = model_to_dict(article, IMAGE)
    return Entry(
        guid=guid,
        **model_to_dict(article, TEXTS),
        tags=tuple(article.tags),
        published_at=article.published_at,
        updated_at=article.updated_at,
        image=Image(**{IMAGE[name]: text for name, text in stored_image.items()}),
    )
