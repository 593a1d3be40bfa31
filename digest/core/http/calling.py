"""Calling an API at an address that somebody named, with credentials in headers or body.

The guard, the deadline and the limit of bytes are those of `fetch`. No redirect is followed: what
authenticates us would go to whoever is named there.
"""

from collections.abc import Mapping

from digest.core.http import (
    FETCH_ALLOW,
    MAX_BYTES,
    MAX_SECONDS,
    FetchResult,
    _agent,
    _answer,
    _client,
    _explained,
    _Way,
    checked_url,
)
from digest.core.http.ssrf_guard import Deadline


def call(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    largest: int = MAX_BYTES,
) -> FetchResult:
    """Get `url`, or post `body` to it; return the 2xx answer, of at most `largest` bytes.

    Private addresses are those of DIGEST_FETCH_ALLOW. Raises as `fetch` does; redirects are an
    error as well.
    """
    deadline = Deadline(MAX_SECONDS)
    way = _Way(checked_url(url), FETCH_ALLOW, largest)
    own = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": _agent()}
    method = "GET" if body is None else "POST"
    with _explained(way), _client(deadline, way.setting) as client:
        request = client.build_request(
            method, way.url, content=body, headers={**own, **(headers or {})}
        )
        response = client.send(request, stream=True)
        try:
            return _answer(response, way, deadline, conditional=False)
        finally:
            response.close()
