"""From a cleaned document to articles, their revisions, and where each was seen.

`store` looks up what is known, lets `identity` decide, and writes in bulk: a document in which
nothing changed costs a handful of statements, however long it is.

Which source's words an article has is `merging`'s to say. Entries that neither guid nor link
identify may be stories that moved (`moves`): what was sent under another address is not new.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import F, Func, Q, QuerySet

from digest.articles import identity, merging, moves
from digest.articles.canonical import canonical
from digest.articles.errors import ArticlesError
from digest.articles.identity import Decision, KnownArticle
from digest.articles.merging import CONTENT, FOLLOWED
from digest.articles.models import Article, Revision, Sighting, Source
from digest.articles.moves import Features
from digest.articles.parsing.base import Document, Entry

# An article that turns up with an older date than this was not late: it is an archive's.
LATE = timedelta(days=7)
ATTEMPTS = 4
EARLIER = 300  # newest articles of a source among which stories that moved are looked for
MOST_EARLIER = 1000
EARLIER_ELSEWHERE = timedelta(days=30)  # for a new source: those of its publication

WRITTEN = (*CONTENT, *FOLLOWED, "canonical_url", "available_at", "revision", "content_hash")


@dataclass(frozen=True, slots=True)
class StoreResult:
    """How many articles of a document were new, changed in content, or as before."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    moved: int = 0  # of the latter two: under new guids and new links


def store(
    source: Source,
    document: Document,
    now: datetime,
    *,
    first_poll: bool,
    has_moved: bool = False,
) -> StoreResult:
    """Store a cleaned document. On a source's first poll, articles keep the dates they come with.

    `has_moved` means that the source itself said that it moved: a redirect for good, another site.

    Safe beside others storing the same articles: a unique canonical URL makes one of two fail,
    which then looks again and finds what the other has stored.
    """
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic():
                return _store(source, document, now, first_poll=first_poll, has_moved=has_moved)
        except (IntegrityError, OperationalError) as problem:
            last = problem  # a duplicate, or a deadlock broken by PostgreSQL
            if not _is_collision(problem):
                raise
    raise ArticlesError(f"{source} could not be stored beside others at work; try again.") from last


def mark_updated(article: Article, now: datetime) -> None:
    """Note an editor's word that this article has changed enough to be sent once more."""
    article.marked_updated_at = now
    article.save(update_fields=["marked_updated_at"])


def retract(article: Article, now: datetime, *, by_system: bool = False) -> None:
    """Note that this article goes into no further issue; the first moment stays.

    Whether an editor says so or the system in which it was written: an editor's word holds.
    """
    rows = Article.objects.filter(pk=article.pk)
    rows.filter(retracted_at=None).update(retracted_at=now, retracted_by_system=by_system)
    if not by_system:
        rows.update(retracted_by_system=False)
    article.refresh_from_db(fields=["retracted_at", "retracted_by_system"])


def lock_articles(article_ids: Iterable[int | None]) -> set[int | None]:
    """Lock articles until the transaction ends; return which of them were retracted by now.

    A retraction waits for the lock, and sees what the transaction stored. Articles are locked
    before issues.
    """
    rows = Article.objects.filter(pk__in=[pk for pk in article_ids if pk]).order_by("pk")
    locked = rows.select_for_update(no_key=True).values_list("pk", "retracted_at")
    return {pk for pk, retracted_at in locked if retracted_at}


def restore(article: Article) -> None:
    """Take a retraction back: further issues can contain the article. Past ones do not change."""
    article.retracted_at, article.retracted_by_system = None, False
    article.save(update_fields=["retracted_at", "retracted_by_system"])


def available(published: datetime | None, now: datetime, *, first_poll: bool = False) -> datetime:
    """Return the moment from which selection may see an article first seen now.

    Undated: now. Late (published within LATE before now): now, or the issue since then would have
    missed it for ever. Older: its own date, it is not news. Future: then. On a source's first poll
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


def _store(
    source: Source, document: Document, now: datetime, *, first_poll: bool, has_moved: bool
) -> StoreResult:
    entries = document.entries
    candidates = {article.pk: article for article in _candidates(source, entries)}
    decisions = identity.match(entries, [_known_article(a, source) for a in candidates.values()])
    moved = _moved(source, decisions, entries, now, first_poll=first_poll, has_moved=has_moved)
    if moved:
        decisions = [replace(d, article=d.article or moved.get(d.entry)) for d in decisions]
        candidates |= {
            a.pk: a for a in _with_sources(Article.objects.filter(pk__in=moved.values()))
        }
    fresh = [d for d in decisions if d.article is None]
    decisions_by_article = {d.article: d for d in decisions if d.article is not None}
    differing = {
        pk: d
        for pk, d in decisions_by_article.items()
        if merging.differences(candidates[pk], source, d.canonical, entries[d.entry])
    }
    changed = _update(source, differing, entries, now)
    created = _create(source, fresh, entries, now, first_poll=first_poll)
    guids_by_article = {pk: d.guid for pk, d in decisions_by_article.items()}
    guids_by_article |= {article.pk: d.guid for article, d in zip(created, fresh, strict=True)}
    _see(source, guids_by_article, now)
    unchanged = len(decisions_by_article) - changed
    return StoreResult(len(created), changed, unchanged, moved=len(moved))


def _moved(
    source: Source,
    decisions: list[Decision],
    entries: tuple[Entry, ...],
    now: datetime,
    *,
    first_poll: bool,
    has_moved: bool,
) -> dict[int, int]:
    """Return which earlier article an entry is that neither guid nor link identified.

    What is pushed names its articles itself. A new source may be an old one at a new address.
    """
    fresh = {d.entry: entries[d.entry] for d in decisions if d.article is None}
    if not fresh or source.kind == Source.Kind.PUSHED:
        return {}
    identified = [d.article for d in decisions if d.article is not None]
    earlier = Article.objects.filter(publication_id=source.publication_id)
    if first_poll:
        earlier = earlier.filter(first_seen_at__gte=now - EARLIER_ELSEWHERE).order_by("-pk")
    else:
        newest = Sighting.objects.filter(source=source).order_by("-first_seen_at", "-pk")
        ids = newest.values_list("article", flat=True)[: max(EARLIER, 2 * len(entries))]
        earlier = earlier.filter(pk__in=list(ids))
    rows = earlier.exclude(pk__in=identified).values_list(
        "pk", "title", "summary", "published_at", "url"
    )
    return moves.recognise(
        {n: Features.of(e.title, e.summary, e.published_at, e.url) for n, e in fresh.items()},
        {pk: Features.of(*values) for pk, *values in rows[:MOST_EARLIER]},  # type: ignore[arg-type]
        recognised=len(identified),
        is_declared=has_moved,
        is_new_source=first_poll,
    )


def _candidates(source: Source, entries: tuple[Entry, ...]) -> list[Article]:
    """Return the stored articles that any entry could be, with their sightings."""
    named = {entry.guid for entry in entries if entry.guid} | identity.guids_of(entries)
    guids = {hashlib.md5(guid.encode(), usedforsecurity=False).hexdigest() for guid in named}
    links = {link for e in entries if (link := canonical(e.url))}
    urls = {e.url for e in entries if e.url}
    sightings = (
        Sighting.objects.filter(source=source)
        .annotate(hashed=Func(F("guid"), function="md5"))
        .filter(Q(hashed__in=guids) | Q(article__canonical_url="", article__url__in=urls))
    )
    same_link = Q(publication_id=source.publication_id, canonical_url__in=links)
    condition = Q(pk__in=sightings.values("article")) | same_link
    return list(_with_sources(Article.objects.filter(condition)))


def _with_sources(articles: QuerySet[Article]) -> QuerySet[Article]:
    return articles.prefetch_related("sightings__source").order_by("pk")


def _known_article(article: Article, source: Source) -> KnownArticle:
    guids = tuple(s.guid for s in article.sightings.all() if s.source_id == source.pk and s.guid)
    return KnownArticle(
        article.pk,
        article.canonical_url,
        article.url,
        article.title,
        guids,
        article.published_at,
    )


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
    fields = merging.fields_of(entry)
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
    rows = Article.objects.select_for_update(no_key=True).filter(pk__in=decisions_by_article)
    changed, written = [], []
    for article in _with_sources(rows):
        decision = decisions_by_article[article.pk]
        entry = entries[decision.entry]
        differences = merging.differences(article, source, decision.canonical, entry)
        if differences:
            written.append(article)
            changed += [article] if _apply(article, differences, now) else []
    Article.objects.bulk_update(written, WRITTEN, batch_size=200)
    Revision.objects.bulk_create(_revision(article, now) for article in changed)
    return len(changed)


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
