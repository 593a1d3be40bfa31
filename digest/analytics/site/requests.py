"""Calls of the APIs of site analytics; what goes wrong becomes an error that says what to check."""

import csv
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from digest.analytics.errors import SiteAnalyticsError
from digest.core.http.calling import call
from digest.core.http.errors import FetchError
from digest.core.text import read_json

_REFUSED = {401, 403}
_REDIRECTS = range(300, 400)
_LONGEST_WAIT = timedelta(days=1)
_UNEXPECTED = (LookupError, TypeError, ValueError, AttributeError, OverflowError, csv.Error)


def request_json(
    name: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    question: Mapping[str, Any] | None = None,
    form: Mapping[str, str] | None = None,
) -> Any:
    """Return the JSON that an API answers; raise SiteAnalyticsError that says what to check.

    A question is posted as JSON, a form URL-encoded; without both, the address is fetched.
    """
    headers, body = dict(headers or {}), None
    if question is not None:
        headers["Content-Type"], body = "application/json", json.dumps(question).encode()
    elif form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode(form).encode()
    try:
        answer = call(url, headers=headers, body=body)
    except FetchError as problem:
        raise SiteAnalyticsError(_explain(name, problem)) from problem
    not_json = f"{name} did not answer in JSON. Check the address: it may be of a page for people."
    return read_json(answer.body, SiteAnalyticsError(not_json))


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what an unexpected answer causes into a SiteAnalyticsError."""
    try:
        yield
    except _UNEXPECTED as problem:
        raise SiteAnalyticsError(
            f"{name} answered in a form that is not known. Check its version and the site."
        ) from problem


def retry_after(problem: BaseException) -> timedelta:
    """Return how long an API asked us to wait; nothing where it did not say."""
    cause = problem.__cause__
    wait = cause.retry_after if isinstance(cause, FetchError) else None
    return timedelta(seconds=min(wait or 0, _LONGEST_WAIT.total_seconds()))


def is_status(problem: SiteAnalyticsError, status: int) -> bool:
    """Say whether an API answered with this status."""
    return isinstance(problem.__cause__, FetchError) and problem.__cause__.status == status


def _explain(name: str, problem: FetchError) -> str:
    host = urlsplit(problem.url).netloc.rpartition("@")[2]
    if problem.status in _REFUSED:
        return f"{name} at {host} refused our key ({problem.status}). Check key, user and site."
    if problem.status == 404:
        return f"{name} at {host} knows no such address or site (404). Check both."
    if problem.status == 429:
        return f"{name} at {host} says that we ask too often (429). We wait as long as it says."
    if problem.status in _REDIRECTS:
        return (
            f"{name} at {host} redirects ({problem.status}). Enter the address that it leads to: "
            "keys are not sent to another one."
        )
    return f"{name}: {problem}"
