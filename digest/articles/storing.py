"""From a cleaned document to articles, their revisions, and where each was seen.

`store` looks up what is known, lets `identity` decide, and writes in bulk: a document in which
nothing changed costs a handful of statements, however long it is.

An article that several sources carry follows the one that showed it first, its home. Others only
fill in what it lacks (a caption, a body), so that two feeds never overwrite each other in turns.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import F, Func, Q

from digest.articles import identity
from digest.articles.errors import ArticlesError
from digest.articles.identity import Decision, KnownArticle
from digest.articles.models import Article, Revision, Sighting, Source
from digest.articles.parsing import markup
from digest.articles.parsing.base import Document, Entry

# An article that turns up with an older date than this was not late: it is an archive's.
LATE = timedelta(days=7)
ATTEMPTS = 4

# What makes a change worth a revision, and what is only kept up to date.
CONTENT = (
    "title", "summary", "body_html", "byline",
    "image_url", "image_alt", "image_caption", "image_credit",
)  # fmt: skip
FOLLOWED = ("url", "section", "tags", "language", "published_at", "updated_at")
WRITTEN = (*CONTENT, *FOLLOWED, "canonical_url", "available_at", "revision", "content_hash")


@dataclass(frozen=True, slots=True)
class Stored:
    """How many articles of a document were new, changed in content, or as before."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0


def store(source: Source, document: Document, now: datetime, *, first_poll: bool) -> Stored:
    """Store a cleaned document. On a source's first poll, articles keep the dates they come with.

    Safe beside others storing the same articles: a unique canonical URL makes one of two fail,
    which then looks again and finds what the other has stored.
    """
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic():
                return _store(source, document, now, first_poll=first_poll)
        except (IntegrityError, OperationalError) as problem:
            last = problem  # a duplicate, or a deadlock broken by PostgreSQL
            if not _is_collision(problem):
                raise
    raise ArticlesError(f"{source} could not be stored beside others at work; try again.") from last


def mark_updated(article: Article, now: datetime) -> None:
    """Note an editor's word that this article has changed enough to be sent once more."""
    article.marked_updated_at = now
    article.save(update_fields=["marked_updated_at"])


def retract(article: Article, now: datetime) -> None:
    """Note an editor's word that this article goes into no further issue; the first word stays."""
    Article.objects.filter(pk=article.pk, retracted_at=None).update(retracted_at=now)
    article.refresh_from_db(fields=["retracted_at"])


def available(published: datetime | None, now: datetime, *, first_poll: bool = False) -> datetime:
    """Return the moment from which selection may see an article first seen now.

    Undated: now. Late (published within LATE before now): now, or the issue since then would have
    missed it for ever. Older: its own date, it is no news. Future: then. On a source's first poll
    nothing is late, its own date stands.
    """
    if published is None:
        return now
    if not first_poll and now - LATE <= published < now:
        return now
    return published


def content_hash(fields: dict[str, Any]) -> str:
    """Return what two versions of an article have in common exactly when their content is equal.

    An image's query is left out: signatures and expiry dates change at every poll.
    """
    parts = [str(fields[name]) for name in CONTENT]
    parts[CONTENT.index("image_url")] = str(fields["image_url"]).partition("?")[0]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _store(source: Source, document: Document, now: datetime, *, first_poll: bool) -> Stored:
    entries = document.entries
    candidates = {article.pk: article for article in _candidates(source, entries)}
    decisions = identity.match(entries, [_known_article(a, source) for a in candidates.values()])
    fresh = [d for d in decisions if d.article is None]
    decisions_by_article = {d.article: d for d in decisions if d.article is not None}
    differing = [
        pk
        for pk, d in decisions_by_article.items()
        if _differences(candidates[pk], source, d, entries[d.entry])
    ]
    changed = _update(source, {pk: decisions_by_article[pk] for pk in differing}, entries, now)
    created = _create(source, fresh, entries, now, first_poll=first_poll)
    guids_by_article = {pk: d.guid for pk, d in decisions_by_article.items()}
    guids_by_article |= {article.pk: d.guid for article, d in zip(created, fresh, strict=True)}
    _see(source, guids_by_article, now)
    return Stored(new=len(created), changed=changed, unchanged=len(decisions_by_article) - changed)


def _candidates(source: Source, entries: tuple[Entry, ...]) -> list[Article]:
    """Return the stored articles that any entry could be, with their sightings."""
    named = {entry.guid for entry in entries if entry.guid} | identity.guids_of(entries)
    guids = {hashlib.md5(guid.encode(), usedforsecurity=False).hexdigest() for guid in named}
    links = {link for e in entries if (link := identity.canonical(e.url))}
    urls = {e.url for e in entries if e.url}
    here = (
        Sighting.objects.filter(source=source)
        .annotate(hashed=Func(F("guid"), function="md5"))
        .filter(Q(hashed__in=guids) | Q(article__canonical_url="", article__url__in=urls))
    )
    same_link = Q(publication_id=source.publication_id, canonical_url__in=links)
    condition = Q(pk__in=here.values("article")) | same_link
    return list(Article.objects.filter(condition).prefetch_related("sightings").order_by("pk"))


def _known_article(article: Article, source: Source) -> KnownArticle:
    guids = tuple(s.guid for s in article.sightings.all() if s.source_id == source.pk and s.guid)
    return KnownArticle(article.pk, article.canonical_url, article.url, article.title, guids)


def _create(
    source: Source,
    fresh: list[Decision],
    entries: tuple[Entry, ...],
    now: datetime,
    *,
    first_poll: bool,
) -> list[Article]:
    """Insert new articles with their first revision, in one order: pollers don't deadlock."""
    created = [
        _new(source, entries[d.entry], d.canonical, now, first_poll=first_poll) for d in fresh
    ]
    Article.objects.bulk_create(sorted(created, key=lambda article: article.canonical_url))
    Revision.objects.bulk_create(_revision(article, now) for article in created)
    return created


def _new(
    source: Source, entry: Entry, canonical: str, now: datetime, *, first_poll: bool
) -> Article:
    fields = _fields(entry)
    return Article(
        **fields,
        publication_id=source.publication_id,
        canonical_url=canonical,
        first_seen_at=now,
        available_at=available(entry.published_at, now, first_poll=first_poll),
        content_hash=content_hash(fields),
    )


def _update(
    source: Source,
    decisions_by_article: dict[int, Decision],
    entries: tuple[Entry, ...],
    now: datetime,
) -> int:
    """Write what differs; return how many articles' content did.

    Looked at again under a lock: another poller may just have written the same change.
    """
    if not decisions_by_article:
        return 0
    locked = (
        Article.objects.select_for_update(no_key=True)
        .filter(pk__in=decisions_by_article)
        .prefetch_related("sightings")
        .order_by("pk")
    )
    changed, written = [], []
    for article in locked:
        decision = decisions_by_article[article.pk]
        differences = _differences(article, source, decision, entries[decision.entry])
        if differences:
            written.append(article)
            changed += [article] if _apply(article, differences, now) else []
    Article.objects.bulk_update(written, WRITTEN, batch_size=200)
    Revision.objects.bulk_create(_revision(article, now) for article in changed)
    return len(changed)


def _differences(
    article: Article, source: Source, decision: Decision, entry: Entry
) -> dict[str, Any]:
    """Return the fields that this source's view of an article gives other values."""
    sightings = sorted(article.sightings.all(), key=lambda s: (s.first_seen_at, s.pk))
    home = not sightings or sightings[0].source_id == source.pk
    alone = all(sighting.source_id == source.pk for sighting in sightings)
    stored = {name: getattr(article, name) for name in (*CONTENT, *FOLLOWED)}
    fetched = _fields(entry)
    if home and alone:
        merged = {
            name: fetched[name] or (stored[name] if name in _NEVER_CLEARED else fetched[name])
            for name in stored
        }
    else:
        first, second = (fetched, stored) if home else (stored, fetched)
        merged = _filled(first, second)
    if home and decision.canonical:
        merged["canonical_url"] = decision.canonical
    return {name: value for name, value in merged.items() if value != getattr(article, name)}


_NEVER_CLEARED = (
    "url",
    "published_at",
)  # a publisher who leaves these out does not mean to take them back


def _filled(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return the first's fields, with the second's where they are blank.

    Words about a picture are only taken over for the same picture.
    """
    filled = {name: value or second[name] for name, value in first.items()}
    if not markup.is_same_picture(filled["image_url"], second["image_url"]):
        filled |= {name: first[name] for name in _PICTURE}
    return filled


_PICTURE = ("image_url", "image_alt", "image_caption", "image_credit")


def _apply(article: Article, differences: dict[str, Any], now: datetime) -> bool:
    """Set the fields; say whether the content is another, which makes a new revision.

    An article that selection may see already stays visible, whatever its date becomes.
    """
    for name, value in differences.items():
        setattr(article, name, value)
    if article.available_at > now and differences.get("published_at"):
        article.available_at = available(article.published_at, now)
    fingerprint = content_hash({name: getattr(article, name) for name in CONTENT})
    if fingerprint == article.content_hash:
        return False
    article.content_hash = fingerprint
    article.revision += 1
    return True


def _see(source: Source, guids_by_article: dict[int, str], now: datetime) -> None:
    """Note that the source carries these articles, under these guids."""
    Sighting.objects.bulk_create(
        [
            Sighting(source=source, article_id=pk, guid=guid, first_seen_at=now, last_seen_at=now)
            for pk, guid in sorted(guids_by_article.items())
        ],
        update_conflicts=True,
        unique_fields=["source", "article"],
        update_fields=["guid", "last_seen_at"],
    )


def _fields(entry: Entry) -> dict[str, Any]:
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


def _revision(article: Article, now: datetime) -> Revision:
    return Revision(
        article=article,
        number=article.revision,
        title=article.title,
        summary=article.summary,
        body_html=article.body_html,
        seen_at=now,
    )


def _is_collision(problem: Exception) -> bool:
    """Say whether PostgreSQL reports a duplicate key or a deadlock."""
    return getattr(problem.__cause__, "sqlstate", "") in {"23505", "40P01"}
