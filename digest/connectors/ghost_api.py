"""Ghost's Content API: published posts, the one that changed last first.

https://docs.ghost.org/content-api: GET, with a key in the address that may read what is public.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from digest.articles.parsing.base import Entry
from digest.connectors.errors import ConnectorError
from digest.connectors.reading.ghost import read_post
from digest.core import http
from digest.core.http import calling

VERSION = "v5.0"  # of the API that is asked for; Ghost 5 and later answer
_FIELDS = "tags,authors"


def list_posts(
    site_url: str, key: str, *, limit: int, since: datetime | None = None, page: int = 1
) -> list[Entry]:
    """Return posts that changed at or after `since`, at most `limit`, the oldest change first.

    `page` counts from 1. Without `since`: those that changed last. Raises ConnectorError; the key
    is in no message.
    """
    query = {
        "key": key,
        "limit": str(limit),
        "page": str(page),
        "include": _FIELDS,
        "order": "updated_at asc" if since else "updated_at desc",
    }
    if since:
        query["filter"] = f"updated_at:>='{since.astimezone(UTC):%Y-%m-%d %H:%M:%S}'"
    url = f"{site_url}/ghost/api/content/posts/?{urlencode(query)}"
    try:
        answer = calling.call(url, headers={"Accept-Version": VERSION})
    except http.FetchError as cause:
        raise ConnectorError(_explain(site_url, cause)) from None  # the cause names the key
    posts = _posts(answer.body, site_url)
    entries = [read_post(post) for post in posts if isinstance(post, Mapping)]
    return entries if since else entries[::-1]


def _explain(site_url: str, problem: http.FetchError) -> str:
    status = problem.status
    if status in {401, 403}:
        return f"{site_url} refused the Content API key. Copy it again from Ghost's integration."
    if status == 404:
        return f"{site_url} has no Content API. Enter the address of the site itself."
    if status:
        return f"{site_url} answered {status}. Try again later."
    return f"{site_url} could not be reached. Check the address."


def _posts(body: bytes, site_url: str) -> list[Any]:
    try:
        posts = json.loads(body)["posts"]
    except (ValueError, LookupError, TypeError, RecursionError) as cause:
        raise ConnectorError(f"{site_url} did not answer as Ghost does.") from cause
    return posts if isinstance(posts, list) else []
