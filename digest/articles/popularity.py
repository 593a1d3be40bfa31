"""How often articles are read, as the publisher's own statistics count it."""

from collections.abc import Mapping

from digest.articles.canonical import canonical
from digest.articles.models import Article


def record_views(publication_id: int, views: Mapping[str, int]) -> list[str]:
    """Store page views by address; return the addresses that no article of the publication has.

    The numbers replace those before. They are of one period, a day for example, for all articles:
    the block "Popular articles" compares them.
    """
    addresses = {canonical(url): url for url in views}
    articles = list(
        Article.objects.filter(publication_id=publication_id, canonical_url__in=addresses)
    )
    for article in articles:
        article.score = views[addresses[article.canonical_url]]
    Article.objects.bulk_update(articles, ["score"])
    stored = {article.canonical_url for article in articles}
    return [url for address, url in addresses.items() if address not in stored]
