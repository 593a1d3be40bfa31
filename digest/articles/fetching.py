"""Getting what sources publish: conditional, and many at once.

Threads do the network and nothing else: they are given plain values, and the database stays with
the caller's thread.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress

from digest.articles.models import Source
from digest.core.http import FetchError, FetchResult, fetch

AT_ONCE = 16

FEEDS = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, "
    "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, text/html;q=0.5, */*;q=0.1"
)
PAGES = "text/html, application/xhtml+xml, */*;q=0.1"

_MAX_AGE = re.compile(r"(?:\A|[\s,])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)

Answer = FetchResult | FetchError | Exception


def answer_of(source: Source) -> Answer:
    """Fetch one source, conditionally; return what came or what went wrong."""
    return _answer(source.url, source.etag, source.last_modified, source.kind)


def side_by_side(sources: Iterable[Source]) -> Iterator[tuple[Source, Answer]]:
    """Fetch sources at once; yield each with its answer as it comes in.

    Sources that would send the same request share its answer.
    """
    sources_by_request: dict[tuple[str, str, str, str], list[Source]] = defaultdict(list)
    for source in sources:
        request = (source.url, source.etag, source.last_modified, source.kind)
        sources_by_request[request].append(source)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fetch") as pool:
        waiting = {
            pool.submit(_answer, *request): sharing
            for request, sharing in sources_by_request.items()
        }
        for done in as_completed(waiting):
            for source in waiting[done]:
                yield source, done.result()


def max_age(fetched: FetchResult) -> int:
    """Return for how many seconds the server says its answer stays good (RFC 9111 §5.2.2.1)."""
    match = _MAX_AGE.search(fetched.headers.get("cache-control", ""))
    with suppress(ValueError):
        return int(match[1]) if match else 0
    return 0


def _answer(url: str, etag: str, last_modified: str, kind: str) -> Answer:
    accept = PAGES if kind == Source.Kind.PAGE else FEEDS
    try:
        return fetch(url, etag=etag, last_modified=last_modified, accept=accept)
    except Exception as problem:  # noqa: BLE001  one bad source must not take the others with it
        return problem
