"""Search articles as an editor does: by words of the headline, or by address."""

from django.db.models import QuerySet

from digest.articles.models import Article

MAX_TERMS = 8


def search_articles(articles: QuerySet[Article], query: str) -> QuerySet[Article]:
    """Return the articles that match a query, the newest first; without their bodies.

    A query that begins with http:// or https:// matches the beginning of the address. Any other
    query matches headlines that contain each of its words, in any case.
    """
    articles = articles.order_by("-available_at", "-pk").defer("body_html")
    if query.startswith(("http://", "https://")):
        return articles.filter(url__startswith=query)
    for term in query.split()[:MAX_TERMS]:
        articles = articles.filter(title__icontains=term)
    return articles
