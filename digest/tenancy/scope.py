"""What a person or an API token reaches: everything, or the rows of some publications.

Of a publication it may be some newsletters alone: then the rows of these newsletters, and nothing
that belongs to the publication as a whole.

Rows outside the scope are treated as if they did not exist, so nothing can be learned about them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self, TypeVar

from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from digest.accounts.models import User
from digest.articles.models import Article, Source
from digest.issues.models import Issue
from digest.newsletters import members
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter, Publication
from digest.subscribers.models import Subscriber, Subscription, Suppression

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class PublicationScope:
    """The publications that somebody reaches; `publication_ids` is None for every publication.

    `newsletter_ids` are those of further newsletters, whose publications they do not reach.
    """

    publication_ids: frozenset[int] | None = None
    newsletter_ids: frozenset[int] = frozenset()

    @classmethod
    def of_user(cls, user: User, right: Right) -> Self:
        """Return the publications and newsletters where a user has a right."""
        return cls(members.publication_ids(user, right), members.newsletter_ids(user, right))

    @classmethod
    def of_publication(cls, publication_id: int | None, newsletter_ids: Iterable[int] = ()) -> Self:
        """Return the scope of one publication, of every publication for None, or of newsletters."""
        ids = frozenset(newsletter_ids)
        if ids:
            return cls(frozenset(), ids)
        return cls(None if publication_id is None else frozenset({publication_id}))

    @property
    def is_everything(self) -> bool:
        """Whether it is every publication, those that will be added included."""
        return self.publication_ids is None

    @property
    def is_empty(self) -> bool:
        """Whether it has no publication and no newsletter at all."""
        return self.publication_ids == frozenset() and not self.newsletter_ids

    def includes(self, publication_id: int | None, newsletter_id: int | None = None) -> bool:
        """Say whether a publication is in scope, or a newsletter of it; None asks for every one."""
        if self.publication_ids is None or publication_id in self.publication_ids:
            return True
        return newsletter_id in self.newsletter_ids

    def filter(self, queryset: QuerySet[M], field: str = "publication") -> QuerySet[M]:
        """Return the rows in scope; `field` is the lookup that leads to their publication.

        Rows of a newsletter are in scope with it where the lookup leads through the newsletter.
        """
        return queryset.filter(self.condition(field))

    def condition(self, field: str = "publication") -> Q:
        """Return the condition by which `filter` selects."""
        if self.publication_ids is None:
            return Q()
        condition = Q(**{f"{field}__in": self.publication_ids})
        newsletter, is_through, _ = field.rpartition("__publication")
        if is_through and self.newsletter_ids and newsletter.endswith("newsletter"):
            condition |= Q(**{f"{newsletter}__in": self.newsletter_ids})
        return condition

    def publications(self) -> QuerySet[Publication]:
        """Return the publications themselves."""
        return self.filter(Publication.objects.all(), "pk")

    def newsletters(self) -> QuerySet[Newsletter]:
        """Return the newsletters, with their publication and schedule."""
        newsletters = Newsletter.objects.select_related("publication", "schedule")
        if self.publication_ids is None:
            return newsletters
        return newsletters.filter(
            Q(publication__in=self.publication_ids) | Q(pk__in=self.newsletter_ids)
        )

    def issues(self) -> QuerySet[Issue]:
        """Return the issues, with their newsletter and publication."""
        issues = Issue.objects.select_related("newsletter__publication")
        return self.filter(issues, "newsletter__publication")

    def sources(self) -> QuerySet[Source]:
        """Return the sources."""
        return self.filter(Source.objects.all(), "publication_id")

    def articles(self) -> QuerySet[Article]:
        """Return the articles, those of sources that are gone included."""
        return self.filter(Article.objects.all(), "publication_id")

    def offered_articles(self) -> QuerySet[Article]:
        """Return the articles that issues of the newsletters in scope may carry."""
        if self.publication_ids is None or not self.newsletter_ids:
            return self.articles()
        publications = self.newsletters().values("publication")
        return Article.objects.filter(publication_id__in=publications)

    def subscribers(self) -> QuerySet[Subscriber]:
        """Return who has, or once had, a subscription to a newsletter in scope."""
        if self.publication_ids is None:
            return Subscriber.objects.all()
        subscriptions = Subscription.objects.filter(
            self.condition("newsletter__publication"), subscriber=OuterRef("pk")
        )
        return Subscriber.objects.filter(Exists(subscriptions))

    def suppressions(self) -> QuerySet[Suppression]:
        """Return the suppressions; those of every newsletter only if the scope is everything."""
        suppressions = Suppression.objects.select_related("newsletter")
        return self.filter(suppressions, "newsletter__publication")


EVERYTHING = PublicationScope()
