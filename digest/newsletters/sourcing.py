"""Sources of newsletters: added, listed, attached and detached."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from digest.articles.discovery import Candidate, add_and_poll
from digest.articles.models import Source
from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import Newsletter, Publication


def sources_of(publication: Publication) -> QuerySet[Source]:
    """Return a publication's sources: those of its newsletters, and those that none uses yet."""
    return Source.objects.filter(publication_id=publication.pk).order_by("pk")


def add_to_publication(publication: Publication, target: str | Candidate, now: datetime) -> Source:
    """Add the source at an address to all newsletters of a publication.

    Without a newsletter it is available to the first one. Raises as `add_polled` does.
    """
    source = add_polled(publication, target, now)
    for newsletter in publication.newsletters.all():
        newsletter.sources.add(source)
    return source


def add_polled(publication: Publication, target: str | Candidate, now: datetime) -> Source:
    """Add the source at an address to a publication and poll it; one that fails is not stored.

    Raises DiscoveryError, FetchError, or NewsletterError, each saying what to do.
    """
    polled = add_and_poll(publication.pk, target, now)
    source = polled.source
    if source.succeeded_at is None:
        Source.objects.filter(pk=source.pk, newsletters=None).delete()
        raise NewsletterError(polled.problem)
    return source


@transaction.atomic
def set_sources(newsletter: Newsletter, sources: Collection[Source]) -> None:
    """Attach exactly these sources, of its own publication, to a newsletter."""
    for source in newsletter.sources.exclude(pk__in=[source.pk for source in sources]):
        detach_from_newsletter(newsletter, source)
    newsletter.sources.add(*sources)


def detach(publication: Publication, source: Source) -> None:
    """Detach a source from a publication's newsletters; delete it if no newsletter is left."""
    for newsletter in publication.newsletters.filter(sources=source):
        detach_from_newsletter(newsletter, source)
    Source.objects.filter(pk=source.pk, newsletters=None).delete()


@transaction.atomic
def detach_from_newsletter(newsletter: Newsletter, source: Source) -> bool:
    """Detach a source from a newsletter; return False if it was not attached.

    A source without newsletters is deleted. Its articles stay, because issues contain them.
    """
    removed, _ = newsletter.sources.through.objects.filter(
        newsletter=newsletter, source=source
    ).delete()
    locked = Source.objects.select_for_update().get(pk=source.pk)
    if removed and not locked.newsletters.exists():
        locked.delete()
    return bool(removed)
