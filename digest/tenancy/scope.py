"""What a person or an API token reaches: everything, or the rows of some publications.

Rows outside the scope are treated as if they did not exist, so nothing can be learned about them.
"""

from dataclasses import dataclass
from typing import Any, Self, TypeVar

from django.db.models import Exists, Model, OuterRef, QuerySet

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
    """The publications that somebody reaches; `publication_ids` is None for every publication."""

    publication_ids: frozenset[int] | None = None

    @classmethod
    def of_user(cls, user: User, right: Right) -> Self:
        """Return the publications where a user has a right."""
        return cls(members.publication_ids(user, right))

    @classmethod
    def of_publication(cls, publication_id: int | None) -> Self:
        """Return the scope of one publication, or of every publication for None."""
        return cls(None if publication_id is None else frozenset({publication_id}))

    @property
    def is_everything(self) -> bool:
        """Whether it is every publication, those that will be added included."""
        return self.publication_ids is None

    @property
    def is_empty(self) -> bool:
        """Whether it has no publication at all."""
        return self.publication_ids == frozenset()

    def includes(self, publication_id: int | None) -> bool:
        """Say whether a publication is in scope; None asks for every publication."""
        return self.publication_ids is None or publication_id in self.publication_ids

    def filter(self, queryset: QuerySet[M], field: str = "publication") -> QuerySet[M]:
        """Return the rows in scope; `field` is the lookup that leads to their publication."""
        if self.publication_ids is None:
            return queryset
        condition: dict[str, Any] = {f"{field}__in": self.publication_ids}
        return queryset.filter(**condition)

    def publications(self) -> QuerySet[Publication]:
        """Return the publications themselves."""
        return self.filter(Publication.objects.all(), "pk")

    def newsletters(self) -> QuerySet[Newsletter]:
        """Return the newsletters, with their publication and schedule."""
        return self.filter(Newsletter.objects.select_related("publication", "schedule"))

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

    def subscribers(self) -> QuerySet[Subscriber]:
        """Return who has, or once had, a subscription to a newsletter in scope."""
        if self.publication_ids is None:
            return Subscriber.objects.all()
        subscriptions = Subscription.objects.filter(
            subscriber=OuterRef("pk"), newsletter__publication__in=self.publication_ids
        )
        return Subscriber.objects.filter(Exists(subscriptions))

    def suppressions(self) -> QuerySet[Suppression]:
        """Return the suppressions; those of every newsletter only if the scope is everything."""
        suppressions = Suppression.objects.select_related("newsletter")
        return self.filter(suppressions, "newsletter__publication")


EVERYTHING = PublicationScope()
