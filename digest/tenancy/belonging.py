"""What belongs to which publications; `there` holds their ids, None stands for all.

What lies beyond does not exist for whoever reaches no further: a page or a call answers the same.
"""

from django.db.models import Exists, OuterRef, QuerySet

from digest.articles import pushing
from digest.articles.models import Article, Sighting, Source
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter, Publication
from digest.subscribers.models import Subscriber, Subscription, Suppression

There = frozenset[int] | None


def publications(there: There) -> QuerySet[Publication]:
    """Return the publications themselves."""
    return Publication.objects.all() if there is None else Publication.objects.filter(pk__in=there)


def newsletters(there: There) -> QuerySet[Newsletter]:
    """Return the newsletters."""
    known = Newsletter.objects.select_related("publication", "schedule")
    return known if there is None else known.filter(publication__in=there)


def issues(there: There) -> QuerySet[Issue]:
    """Return the issues."""
    known = Issue.objects.select_related("newsletter__publication")
    return known if there is None else known.filter(newsletter__publication__in=there)


def sources(there: There) -> QuerySet[Source]:
    """Return the sources that newsletters of theirs carry."""
    if there is None:
        return Source.objects.all()
    carried = Newsletter.sources.through.objects.filter(
        source=OuterRef("pk"), newsletter__publication__in=there
    )
    return Source.objects.filter(Exists(carried))


def articles(there: There) -> QuerySet[Article]:
    """Return the articles that sources of theirs brought, or that they pushed."""
    if there is None:
        return Article.objects.all()
    slugs = publications(there).values_list("slug", flat=True)
    pushed = Source.objects.filter(url__in=[pushing.address(slug) for slug in slugs])
    ours = Sighting.objects.filter(article=OuterRef("pk"))
    carried = ours.filter(source__newsletters__publication__in=there)
    return Article.objects.filter(Exists(carried) | Exists(ours.filter(source__in=pushed)))


def is_own(there: There, article: Article) -> bool:
    """Say whether nobody beyond these publications carries an article: who does may change it."""
    if there is None:
        return True
    carriers = Newsletter.objects.filter(sources__articles=article)
    return not carriers.exclude(publication__in=there).exists()


def subscribers(there: There) -> QuerySet[Subscriber]:
    """Return the subscribers who asked for a newsletter of theirs, now or before."""
    if there is None:
        return Subscriber.objects.all()
    asked = Subscription.objects.filter(
        subscriber=OuterRef("pk"), newsletter__publication__in=there
    )
    return Subscriber.objects.filter(Exists(asked))


def suppressions(there: There) -> QuerySet[Suppression]:
    """Return the suppressions; a publication's own are those of its newsletters alone."""
    known = Suppression.objects.select_related("newsletter")
    return known if there is None else known.filter(newsletter__publication__in=there)
