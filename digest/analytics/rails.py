"""What a newsletter's embeds show beside the articles of a site: popular, latest, an appeal."""

from datetime import datetime
from enum import StrEnum

from django.db.models import Exists, OuterRef, QuerySet

from digest.articles.models import Article, Sighting
from digest.issues import messages
from digest.issues.models import Issue
from digest.newsletters.models import Appeal, Cadence, Newsletter

LONGEST = 11  # articles: ten, and the one that the page shows itself


class Rail(StrEnum):
    """A list of articles."""

    POPULAR = "popular"
    LATEST = "latest"


def list_articles(newsletter: Newsletter, rail: Rail, now: datetime) -> list[Article]:
    """Return the articles of a newsletter's sources for a rail, at most LONGEST.

    Without clicks and page views nothing is popular, and there are none.
    """
    visible = _visible(newsletter, now)
    if rail == Rail.POPULAR:
        visible = visible.filter(score__gt=0).order_by("-score", "-available_at", "pk")
    else:
        visible = visible.order_by("-available_at", "pk")
    return list(visible[:LONGEST])


def appeal(newsletter: Newsletter, now: datetime) -> Appeal | None:
    """Return the appeal that an issue of `now` would show: mail and site take the same turns.

    One for a segment is not for everybody who reads the site, so it is passed over.
    """
    issue = Issue(newsletter=newsletter, slot=now, cadence=Cadence.EVERY, built_at=now)
    turns = messages.Turns(issue, now)
    while (chosen := turns.take(Appeal.Kind.APPEAL)) and chosen.segment_id:
        pass
    return chosen


def _visible(newsletter: Newsletter, now: datetime) -> QuerySet[Article]:
    """Return the articles that may be shown on a site: with title and address, not retracted."""
    sightings = Sighting.objects.filter(article=OuterRef("pk"), source__newsletters=newsletter)
    articles = Article.objects.filter(
        Exists(sightings),
        publication_id=newsletter.publication_id,
        available_at__lte=now,
        retracted_at=None,
    )
    return articles.exclude(title="").exclude(url="").only("url", "title", "section")
