"""Which sources a newsletter carries, and which wait for one."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from digest.articles import polling, pushing
from digest.articles.discovery import add_source
from digest.articles.models import Source
from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import Newsletter, Publication


def of(publication: Publication) -> QuerySet[Source]:
    """Return the sources of a publication, and those that wait for a newsletter of anybody's.

    What waits may be another publication's: this is for those who own all of them.
    """
    waiting = Q(newsletters=None) & ~Q(kind=Source.Kind.PUSHED)
    return Source.objects.filter(_theirs(publication) | waiting).distinct().order_by("pk")


def theirs(publication: Publication) -> QuerySet[Source]:
    """Return what newsletters of a publication carry, and what the publication itself pushes."""
    return Source.objects.filter(_theirs(publication)).distinct().order_by("pk")


def _theirs(publication: Publication) -> Q:
    carried = Q(newsletters__publication=publication)
    return carried | Q(url=pushing.address(publication.slug), kind=Source.Kind.PUSHED)


def bring_in(publication: Publication, url: str, now: datetime) -> Source:
    """Find what is at an address, poll it, and let the publication's newsletters carry it.

    Where there is none yet it waits for one. Raises as `fetch` does.
    """
    source = fetch(url, now)
    for newsletter in publication.newsletters.all():
        newsletter.sources.add(source)
    return source


def fetch(url: str, now: datetime) -> Source:
    """Find what is at an address, and poll it; a new source that cannot be polled is not kept.

    Raises DiscoveryError, FetchError, or NewsletterError, each saying what to do.
    """
    source = add_source(url, now)
    polled = polling.poll(source, now)
    if source.succeeded_at is None:
        Source.objects.filter(pk=source.pk, newsletters=None).delete()
        raise NewsletterError(polled.problem)
    return source


@transaction.atomic
def carry(newsletter: Newsletter, sources: Collection[Source]) -> None:
    """Let a newsletter carry these sources and no others."""
    for source in newsletter.sources.exclude(pk__in=[one.pk for one in sources]):
        drop(newsletter, source)
    newsletter.sources.add(*sources)


def let_go(publication: Publication, source: Source) -> None:
    """Let none of a publication's newsletters carry a source; if nobody does, it is forgotten."""
    for newsletter in publication.newsletters.filter(sources=source):
        drop(newsletter, source)
    Source.objects.filter(pk=source.pk, newsletters=None).delete()


@transaction.atomic
def drop(newsletter: Newsletter, source: Source) -> bool:
    """Let a newsletter carry a source no more; False if it did not.

    A source that no newsletter carries any more is forgotten. Its articles stay: issues had them.
    """
    gone, _ = newsletter.sources.through.objects.filter(
        newsletter=newsletter, source=source
    ).delete()
    held = Source.objects.select_for_update().get(pk=source.pk)
    if gone and not held.newsletters.exists():
        held.delete()
    return bool(gone)
