"""How popular articles are: human clicks in mails and page views of the site, in one score.

    reach            how many of an issue's mails had a story
    recent_showings  what the totals say of each showing of an article in a mail
    tested_leads     which mails had a story in which place, while leads were tested
    positions        how much rarer a link is clicked the further down it stands (pure)
    scoring          from showings to one number for each article (pure)

The score is between 0 and 1 and compares articles of one publication. See decision 0040.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from digest.analytics.popularity import positions, reach, recent_showings, scoring
from digest.articles.models import Article
from digest.core.database.statements import execute
from digest.newsletters.models import Publication

VIEWS_LAST = timedelta(days=7)  # a report of page views that is older says nothing any more
DIGITS = 4


def refresh_all(now: datetime) -> None:
    """Compute the scores of all publications."""
    for publication in Publication.objects.order_by("pk"):
        refresh(publication, now)


def refresh(publication: Publication, now: datetime) -> int:
    """Compute a publication's scores; return how many changed."""
    reach.record_reach(publication, now - recent_showings.LOOKED_AT, now)
    showings = recent_showings.showings(publication, now)
    mail = scoring.mail_scores(showings, positions.curve(showings))
    scores = scoring.combine(mail, _site_scores(publication, now))
    return _store(publication, {pk: round(score, DIGITS) for pk, score in scores.items()})


def _site_scores(publication: Publication, now: datetime) -> dict[int, float]:
    """Return the page views of articles by id, faded by the age of the report."""
    articles = Article.objects.filter(
        publication_id=publication.pk, views__gt=0, views_at__gt=now - VIEWS_LAST
    )
    half_life = timedelta(hours=publication.popularity_half_life)
    return {
        pk: views * scoring.fading(now - at, half_life)
        for pk, views, at in articles.values_list("pk", "views", "views_at")
        if at is not None
    }


def _store(publication: Publication, scores: Mapping[int, float]) -> int:
    """Store scores by article id; articles without one have 0. Return how many rows changed."""
    return execute(_STORE, [list(scores), list(scores.values()), publication.pk])


# One statement, because the ORM updates row by row or with a CASE for each.
_STORE = """
WITH scores AS (SELECT * FROM unnest(%s::bigint[], %s::float[]) AS given (article_id, score))
UPDATE articles_article AS article SET score = coalesce(changed.score, 0)
FROM (
    SELECT article.id, scores.score
    FROM articles_article AS article LEFT JOIN scores ON scores.article_id = article.id
    WHERE article.publication_id = %s AND (article.score > 0 OR scores.score > 0)
) AS changed
WHERE article.id = changed.id AND article.score <> coalesce(changed.score, 0)
"""
