"""How often articles are read, and how thoroughly, as the site's own analytics count it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from digest.articles.canonical import canonical
from digest.articles.models import Article
from digest.core.reading_time import WORDS_A_MINUTE, count_words

DEEPEST = 1.5  # a page left open is not read more thoroughly


def record_views(
    publication_id: int,
    views: Mapping[str, int],
    now: datetime,
    reading_seconds: Mapping[str, float] | None = None,
) -> list[str]:
    """Store page views by address; return the addresses that no article of the publication has.

    The numbers replace those before. They are of one period, a day for example, for all articles;
    views of several addresses of one article are added up. `reading_seconds` says how long a visit
    to an address lasts on average, where that is known. `now` is when they were counted.
    """
    by_article = _by_canonical(views)
    no_addresses = by_article.pop("", [])  # "(not set)", for example: many articles have no link
    articles = list(
        Article.objects.filter(publication_id=publication_id, canonical_url__in=by_article)
    )
    for article in articles:
        urls = by_article[article.canonical_url]
        article.views, article.views_at = sum(views[url] for url in urls), now
        seconds = _mean_seconds(urls, views, reading_seconds or {})
        article.read_depth = None if seconds is None else read_depth(article.body_html, seconds)
    Article.objects.bulk_update(articles, ["views", "views_at", "read_depth"])
    stored = {article.canonical_url for article in articles}
    unknown = [urls for address, urls in by_article.items() if address not in stored]
    return [url for urls in [*unknown, no_addresses] for url in urls]


def read_depth(body_html: str, seconds: float) -> float | None:
    """Return the share of an article that is read in `seconds`; None where it is not whole."""
    length = count_words(body_html)
    return min(DEEPEST, seconds / (length / WORDS_A_MINUTE * 60)) if length else None


def _by_canonical(urls: Iterable[str]) -> dict[str, list[str]]:
    """Return the addresses as they were given, by how articles are known."""
    addresses = defaultdict[str, list[str]](list)
    for url in urls:
        addresses[canonical(url)].append(url)
    return addresses


def _mean_seconds(
    urls: Iterable[str], views: Mapping[str, int], seconds: Mapping[str, float]
) -> float | None:
    """Return the mean time of the visits to these addresses, where it is known."""
    timed = [url for url in urls if url in seconds and views[url]]
    visits = sum(views[url] for url in timed)
    return sum(views[url] * seconds[url] for url in timed) / visits if visits else None
