"""From an address that a person types to a source: a feed, a site's feed, an article."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urljoin

from digest.articles import fetching, isolation, polling
from digest.articles.errors import DiscoveryError, ParseError
from digest.articles.models import Source
from digest.articles.parsing.inspection import Inspection
from digest.articles.polling import PollResult
from digest.core.http import FetchError, FetchResult, fetch

COMMON_PATHS = ("/feed", "/rss.xml", "/feed.xml", "/atom.xml", "/rss", "/feed.json")


@dataclass(frozen=True, slots=True)
class Candidate:
    """What an address leads to; `kind` is one of Source.Kind."""

    url: str
    kind: str
    title: str
    answer: FetchResult  # in which it was found; the first poll needs no other


def add_and_poll(publication_id: int, target: str | Candidate, now: datetime) -> PollResult:
    """Poll the source of a publication at an address, created if there is none yet.

    A new one, which may be given as a candidate, is polled with the answer in which it was found.
    Raises DiscoveryError or FetchError, each saying what to do.
    """
    if isinstance(target, str):
        url = with_scheme(target)
        if existing := Source.objects.filter(publication_id=publication_id, url=url).first():
            return polling.poll(existing, now)
        target = find(url)
    source = _create_source(publication_id, target, now)
    return polling.poll(source, now, None if source.polled_at else target.answer)


def _create_source(publication_id: int, candidate: Candidate, now: datetime) -> Source:
    values = {"kind": candidate.kind, "title": candidate.title}
    source, _ = Source.objects.get_or_create(
        publication_id=publication_id,
        url=candidate.url,
        defaults=values | {"next_poll_at": now, "created_at": now},
    )
    return source


def find(url: str) -> Candidate:
    """Return what can be polled at an address: the first of what `find_all` returns."""
    return next(_leads(with_scheme(url)))


def find_all(url: str) -> list[Candidate]:
    """Return everything that can be polled at an address, the best first.

    That is the address itself if it is a feed, the feeds that a page names, one at a usual place of
    the site, or the page as a single article. An article's page also names its site's feed; whoever
    gives the article's address wants the article.

    Raises DiscoveryError where nothing is found, FetchError where nothing answers.
    """
    return list({candidate.url: candidate for candidate in _leads(with_scheme(url))}.values())


def _leads(url: str) -> Iterator[Candidate]:
    """Yield what can be polled at an address, one at least."""
    answer = fetch(url, accept=fetching.FEEDS)
    inspection = isolation.inspect(answer.body, answer.url, answer.charset)
    if not inspection.is_page:
        yield _feed(answer, url, inspection)
        return
    article = _article(answer, url, inspection)
    if article and inspection.is_article:
        yield article
        return
    named = filter(None, map(_try, inspection.feeds))
    if first := next(named, None):
        yield first
        yield from named
        return
    usual = filter(None, map(_try, _usual(answer.url)))
    if single_feed := next(usual, article):
        yield single_feed
        return
    raise DiscoveryError(
        f"No feed was found at {url}. Look for “RSS” on the site and use that address."
    )


def with_scheme(url: str) -> str:
    """Return an address as people type it, whole: `courier.example`, `feed://courier.example/rss`."""
    url = url.strip()
    url = re.sub(r"\Afeed:(?://)?(?=https?://)", "", url, flags=re.IGNORECASE)
    url = re.sub(r"\Afeed://", "http://", url, flags=re.IGNORECASE)
    return url if "://" in url or not url else f"https://{url}"


def _feed(answer: FetchResult, url: str, inspection: Inspection) -> Candidate:
    """Return the feed that answered; its new address if it has moved for good."""
    document = inspection.document
    if inspection.is_page or document is None:
        raise DiscoveryError(f"{url} is neither a feed nor a web page. {inspection.problem}")
    return Candidate(answer.permanent_url or url, Source.Kind.FEED, document.title, answer)


def _article(answer: FetchResult, url: str, inspection: Inspection) -> Candidate | None:
    if inspection.document is None:
        return None
    title = inspection.document.entries[0].title[:300]
    return Candidate(answer.permanent_url or url, Source.Kind.PAGE, title, answer)


def _usual(url: str) -> Iterator[str]:
    yield from (urljoin(url, path) for path in COMMON_PATHS)


def _try(url: str) -> Candidate | None:
    """Return the feed at an address that may have none."""
    try:
        answer = fetch(url, accept=fetching.FEEDS)
        return _feed(answer, url, isolation.inspect(answer.body, answer.url, answer.charset))
    except (FetchError, ParseError, DiscoveryError):
        return None
