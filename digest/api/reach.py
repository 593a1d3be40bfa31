"""What a caller reaches: everything, or what belongs to the publication of its token.

What lies beyond is answered like what does not exist (404), so nothing can be learned of it.
"""

from typing import TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404

from digest.api.authentication import Caller
from digest.articles.models import Article, Source
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter, Publication
from digest.subscribers.models import Subscriber, Suppression
from digest.tenancy import belonging

M = TypeVar("M", bound=Model)


def publication(caller: Caller, slug: str) -> Publication:
    """Return a publication."""
    return _one(belonging.publications(caller.there).filter(slug=slug))


def newsletters(caller: Caller) -> QuerySet[Newsletter]:
    """Return the newsletters."""
    return belonging.newsletters(caller.there)


def newsletter(caller: Caller, slug: str) -> Newsletter:
    """Return one newsletter."""
    return _one(newsletters(caller).filter(slug=slug))


def maybe_newsletter(caller: Caller, slug: str | None) -> Newsletter | None:
    """Return a newsletter if one is named."""
    return newsletter(caller, slug) if slug else None


def issues(caller: Caller) -> QuerySet[Issue]:
    """Return the issues."""
    return belonging.issues(caller.there)


def issue(caller: Caller, number: int) -> Issue:
    """Return one issue."""
    return _one(issues(caller).filter(pk=number))


def sources(caller: Caller) -> QuerySet[Source]:
    """Return the sources that newsletters of theirs carry."""
    return belonging.sources(caller.there)


def source(caller: Caller, number: int) -> Source:
    """Return one source."""
    return _one(sources(caller).filter(pk=number))


def articles(caller: Caller) -> QuerySet[Article]:
    """Return the articles that sources of theirs brought, or that they pushed."""
    return belonging.articles(caller.there)


def article(caller: Caller, number: int) -> Article:
    """Return one article."""
    return _one(articles(caller).filter(pk=number))


def subscribers(caller: Caller) -> QuerySet[Subscriber]:
    """Return the subscribers who asked for a newsletter of theirs, now or before."""
    return belonging.subscribers(caller.there)


def subscriber(caller: Caller, number: int) -> Subscriber:
    """Return one subscriber."""
    return _one(subscribers(caller).filter(pk=number))


def suppressions(caller: Caller) -> QuerySet[Suppression]:
    """Return the suppressions; a publication's own are those of its newsletters alone."""
    return belonging.suppressions(caller.there)


def suppression(caller: Caller, number: int) -> Suppression:
    """Return one suppression."""
    return _one(suppressions(caller).filter(pk=number))


def _one(found: QuerySet[M]) -> M:
    if (one := found.first()) is None:
        raise Http404
    return one
