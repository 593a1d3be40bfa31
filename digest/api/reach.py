"""What a caller reaches: everything, or what belongs to the publication of its token.

What lies beyond is answered like what does not exist (404), so nothing can be learned of it.
"""

from typing import TypeVar

from django.db.models import Exists, Model, OuterRef, QuerySet
from django.http import Http404

from digest.api.bearer import Caller
from digest.articles import pushing
from digest.articles.models import Article, Sighting, Source
from digest.editions.models import Edition
from digest.newsletters.models import Newsletter, Publication
from digest.subscribers.models import Subscriber, Subscription, Suppression

M = TypeVar("M", bound=Model)


def publication(caller: Caller, slug: str) -> Publication:
    """Return a publication."""
    known = Publication.objects.filter(slug=slug)
    return _one(known.filter(pk=caller.publication_id) if caller.publication_id else known)


def newsletters(caller: Caller) -> QuerySet[Newsletter]:
    """Return the newsletters."""
    known = Newsletter.objects.select_related("publication", "schedule")
    return known.filter(publication=caller.publication_id) if caller.publication_id else known


def newsletter(caller: Caller, slug: str) -> Newsletter:
    """Return one newsletter."""
    return _one(newsletters(caller).filter(slug=slug))


def maybe_newsletter(caller: Caller, slug: str | None) -> Newsletter | None:
    """Return a newsletter if one is named."""
    return newsletter(caller, slug) if slug else None


def editions(caller: Caller) -> QuerySet[Edition]:
    """Return the editions."""
    known = Edition.objects.select_related("newsletter__publication")
    if caller.publication_id is None:
        return known
    return known.filter(newsletter__publication=caller.publication_id)


def edition(caller: Caller, number: int) -> Edition:
    """Return one edition."""
    return _one(editions(caller).filter(pk=number))


def sources(caller: Caller) -> QuerySet[Source]:
    """Return the sources that newsletters of theirs carry."""
    if caller.publication_id is None:
        return Source.objects.all()
    carried = Newsletter.sources.through.objects.filter(
        source=OuterRef("pk"), newsletter__publication=caller.publication_id
    )
    return Source.objects.filter(Exists(carried))


def source(caller: Caller, number: int) -> Source:
    """Return one source."""
    return _one(sources(caller).filter(pk=number))


def articles(caller: Caller) -> QuerySet[Article]:
    """Return the articles that sources of theirs brought, or that they pushed."""
    if caller.publication_id is None:
        return Article.objects.all()
    slug = Publication.objects.values_list("slug", flat=True).get(pk=caller.publication_id)
    pushed = Source.objects.filter(url=pushing.address(slug))
    ours = Sighting.objects.filter(article=OuterRef("pk"))
    carried = ours.filter(source__newsletters__publication=caller.publication_id)
    return Article.objects.filter(Exists(carried) | Exists(ours.filter(source__in=pushed)))


def article(caller: Caller, number: int) -> Article:
    """Return one article."""
    return _one(articles(caller).filter(pk=number))


def subscribers(caller: Caller) -> QuerySet[Subscriber]:
    """Return the readers who asked for a newsletter of theirs, now or before."""
    if caller.publication_id is None:
        return Subscriber.objects.all()
    asked = Subscription.objects.filter(
        subscriber=OuterRef("pk"), newsletter__publication=caller.publication_id
    )
    return Subscriber.objects.filter(Exists(asked))


def subscriber(caller: Caller, number: int) -> Subscriber:
    """Return one reader."""
    return _one(subscribers(caller).filter(pk=number))


def suppressions(caller: Caller) -> QuerySet[Suppression]:
    """Return the suppressions; a publication's own are those of its newsletters alone."""
    known = Suppression.objects.select_related("newsletter")
    if caller.publication_id is None:
        return known
    return known.filter(newsletter__publication=caller.publication_id)


def suppression(caller: Caller, number: int) -> Suppression:
    """Return one suppression."""
    return _one(suppressions(caller).filter(pk=number))


def _one(found: QuerySet[M]) -> M:
    if (one := found.first()) is None:
        raise Http404
    return one
