"""What an article takes from the sources that carry it.

It follows one of them, its home: the source that owns the link's host, else the one that showed it
first. Of the rest, those of the same host only fill in what it lacks (a caption, a body), so that
two feeds never overwrite each other in turns; a stranger's words change nothing.
"""

from typing import Any

from digest.articles import ownership
from digest.articles.models import Article, Sighting, Source
from digest.articles.parsing import markup
from digest.articles.parsing.base import Entry

# What makes a change worth a revision, and what is only kept up to date.
CONTENT = (
    "title", "summary", "body_html", "byline",
    "image_url", "image_alt", "image_caption", "image_credit",
)  # fmt: skip
FOLLOWED = ("url", "section", "tags", "language", "published_at", "updated_at")
# A publisher who leaves these out does not mean to take them back.
_NEVER_CLEARED = ("url", "published_at")
_PICTURE = ("image_url", "image_alt", "image_caption", "image_credit")


def fields_of(entry: Entry) -> dict[str, Any]:
    """Return an entry as the fields of an article."""
    return {
        "title": entry.title,
        "summary": entry.summary,
        "body_html": entry.body_html,
        "byline": entry.byline,
        "image_url": entry.image.url,
        "image_alt": entry.image.alt,
        "image_caption": entry.image.caption,
        "image_credit": entry.image.credit,
        "url": entry.url,
        "section": entry.section,
        "tags": list(entry.tags),
        "language": entry.language,
        "published_at": entry.published_at,
        "updated_at": entry.updated_at,
    }


def home_of(article: Article) -> Sighting | None:
    """Return the sighting that an article follows; None where its sources are gone."""
    return min(article.sightings.select_related("source"), key=_order(article.url), default=None)


def differences(article: Article, source: Source, canonical: str, entry: Entry) -> dict[str, Any]:
    """Return the fields that this source's view of an article gives other values.

    `canonical` is the entry's identity by link. The article's sightings are read with their
    sources. The article's own link decides whose it is, whatever link the entry brings.
    """
    url = article.url or entry.url
    other_sightings = [row for row in article.sightings.all() if row.source_id != source.pk]
    own = [row for row in article.sightings.all() if row.source_id == source.pk]
    newcomer = Sighting(source=source, article=article)
    is_home = min([*other_sightings, *(own or [newcomer])], key=_order(url)).source_id == source.pk
    if not is_home and _rank(source, url) == ownership.STRANGER:
        return {}
    stored = {name: getattr(article, name) for name in (*CONTENT, *FOLLOWED)}
    fetched = fields_of(entry)
    if is_home and not any(_rank(row.source, url) for row in other_sightings):
        merged = {
            name: fetched[name] or (stored[name] if name in _NEVER_CLEARED else fetched[name])
            for name in stored
        }
    else:
        merged = _filled(fetched, stored) if is_home else _filled(stored, fetched)
    if is_home and canonical:
        merged["canonical_url"] = canonical
    return {name: value for name, value in merged.items() if value != getattr(article, name)}


def _filled(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return the first's fields, with the second's where they are blank.

    Words about a picture are only taken over for the same picture.
    """
    filled = {name: value or second[name] for name, value in first.items()}
    if not markup.is_same_picture(filled["image_url"], second["image_url"]):
        filled |= {name: first[name] for name in _PICTURE}
    return filled


def _order(url: str) -> Any:
    """Return the key by which the home is least: the surest owner, then the first to show it."""
    return lambda row: (
        -_rank(row.source, url),
        row.first_seen_at is None,
        row.first_seen_at,
        row.pk or 0,
    )


def _rank(source: Source, url: str) -> int:
    """Say how surely a link is the source's; what is pushed comes from the publisher itself."""
    if source.kind == Source.Kind.PUSHED:
        return ownership.BY_ITS_FEED
    return ownership.rank(url, feed_url=source.url, site_url=source.site_url)
