"""Settle what connections reported: push, correct, retract.

    of each connection, one event after the other, each in a transaction of its own: lock the
    connection > apply the event > record its outcome

An event that fails is tried again, and those behind it wait: a correction must not overtake what it
corrects. After ATTEMPTS it is recorded as failed, and the next one is settled.
"""

import json
import time
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce

from digest.articles import pushing, storing
from digest.articles.errors import ParseError
from digest.articles.isolation import wire
from digest.articles.models import Article, Sighting, Source
from digest.articles.parsing.base import Entry
from digest.connectors.actions import Action
from digest.connectors.models import Connection, ReceivedEvent
from digest.core import clock, jobs
from digest.core.backoff import Backoff
from digest.core.database import locks
from digest.core.database.locks import Purpose
from digest.core.errors import DigestError
from digest.issues import retracting

log = structlog.get_logger(__name__)

ATTEMPTS = 8
WAITS = Backoff.doubling(timedelta(seconds=10), timedelta(minutes=10))
RETENTION = timedelta(days=30)  # of events that are settled

Outcome = ReceivedEvent.Outcome


def settle_due() -> int:
    """Settle for a few seconds, or until nothing is due; return how many events were settled."""
    settled, until = 0, time.monotonic() + settings.DIGEST_SEND_SECONDS
    for connection in Connection.objects.filter(events__settled_at=None).distinct().order_by("pk"):
        while settle_next(connection, clock.now()):
            settled += 1
            if time.monotonic() > until:
                jobs.enqueue(jobs.RECEIVE_ARTICLES)
                return settled
    return settled


@transaction.atomic
def settle_next(connection: Connection, now: datetime) -> bool:
    """Settle the oldest event of a connection; return False if none is due, or another does."""
    if not locks.try_lock(Purpose.RECEIVE_ARTICLES, connection.pk):
        return False
    event = connection.events.filter(settled_at=None).order_by("pk").first()
    if event is None or event.due_at > now:
        return False
    event.attempts += 1
    try:
        with transaction.atomic():
            event.outcome, event.problem = _apply(connection, event, now), ""
    except DigestError as problem:
        _record_failure(event, problem, now)
    except DatabaseError:
        raise
    except Exception as problem:  # one odd event must not hold up all the others for ever
        log.exception("article event failed unexpectedly", connection=connection.name)
        _record_failure(event, DigestError(f"Unexpected error: {problem!r}"), now)
    else:
        event.settled_at = now
    event.save()
    if event.settled_at:
        Connection.objects.filter(pk=connection.pk).update(problem=event.problem)
    log.info("article event", connection=connection.name, outcome=event.outcome)
    return event.settled_at is not None


def delete_old(now: datetime) -> int:
    """Delete events that were settled long ago; return how many."""
    count, _ = ReceivedEvent.objects.filter(settled_at__lte=now - RETENTION).delete()
    return count


def _record_failure(event: ReceivedEvent, problem: DigestError, now: datetime) -> None:
    """Let an event be tried again, or give it up: at once if nothing can be made of it."""
    event.problem = str(problem)
    if isinstance(problem, ParseError) or event.attempts >= ATTEMPTS:
        event.outcome, event.settled_at = Outcome.FAILED, now
    else:
        event.due_at = now + WAITS.wait(event.attempts)


def _apply(connection: Connection, event: ReceivedEvent, now: datetime) -> str:
    """Make the event's change; return its outcome. Raises DigestError."""
    publication = connection.publication
    source = pushing.source_of(publication.pk, publication.slug, now)
    entry = wire.load(wire.ENTRIES, json.dumps(event.entry).encode())
    if event.action == Action.RETRACT:
        return _retract(connection, find_retracted(source, entry), event.note, now)
    article = find_article(source, entry)
    if _is_overtaken(event, entry) or (article and _is_stale(article, entry)):
        return Outcome.STALE
    pushed = pushing.push(source, entry, now)
    if _lifts_retraction(event, pushed.article):
        storing.restore(pushed.article)
        return Outcome.CHANGED
    return {"new": Outcome.NEW, "changed": Outcome.CHANGED}.get(pushed.outcome, Outcome.UNCHANGED)


def find_article(source: Source, entry: Entry) -> Article | None:
    """Return the article that was pushed under this guid or, without one, has this address."""
    articles = Article.objects.filter(publication_id=source.publication_id).order_by("pk")
    if not entry.guid:
        return articles.filter(url=entry.url).last()
    pushed = articles.filter(sightings__source=source, sightings__guid=entry.guid)
    # Two systems may have the same guid for articles of their own: the address tells them apart.
    return pushed.filter(url=entry.url).last() or pushed.last()


def find_retracted(source: Source, entry: Entry) -> Article | None:
    """Return the article that a retraction means, also one that only a feed has shown.

    By the guid that it was pushed under, else the guid in any feed of the publication, else the
    address.
    """
    if article := find_article(source, entry):
        return article
    articles = Article.objects.filter(publication_id=source.publication_id).order_by("pk")
    sightings = Sighting.objects.filter(
        source__publication_id=source.publication_id, guid=entry.guid
    )
    by_guid = articles.filter(sightings__in=sightings) if entry.guid else articles.none()
    by_url = articles.filter(url=entry.url) if entry.url else articles.none()
    return by_guid.last() or by_url.last()


def _retract(connection: Connection, article: Article | None, note: str, now: datetime) -> str:
    if article is None:
        return Outcome.UNKNOWN
    retracting.withdraw(article, note, connection.owner, now, by_system=True)
    return Outcome.RETRACTED


def _is_overtaken(event: ReceivedEvent, entry: Entry) -> bool:
    """Say whether the article was taken down after this event, by a call that came before it."""
    if event.changed_at is None:
        return False
    is_same = Q(entry__guid=entry.guid) if entry.guid else Q(entry__url=entry.url)
    retractions = ReceivedEvent.objects.filter(
        is_same, connection=event.connection_id, action=Action.RETRACT
    )
    moments = retractions.annotate(moment=Coalesce("changed_at", "received_at"))
    return moments.filter(moment__gt=event.changed_at).exists()


def _lifts_retraction(event: ReceivedEvent, article: Article) -> bool:
    """Say whether an article that was retracted is public again by this event.

    What its own system took down, it publishes or corrects again. What an editor retracted, it
    has to publish after that.
    """
    if article.retracted_at is None:
        return False
    if article.retracted_by_system and event.changed_at:
        return True
    is_later = event.changed_at is None or event.changed_at > article.retracted_at
    return event.action == Action.PUBLISH and is_later


def _is_stale(article: Article, entry: Entry) -> bool:
    """Say whether an event overtook this one: calls may come in any order."""
    return bool(entry.updated_at and article.updated_at and entry.updated_at < article.updated_at)
