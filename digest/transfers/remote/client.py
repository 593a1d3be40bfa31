"""Calling a service's API: JSON, page by page, patient where it asks for that."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from digest.core.http import FetchError
from digest.core.http.calling import call
from digest.core.text import read_json
from digest.transfers.errors import TransferError
from digest.transfers.issues.content import Item
from digest.transfers.rows import Person

LARGEST_ANSWER = 20_000_000  # bytes of a page
LARGEST_TOTAL = 4_000_000_000  # bytes of all pages
MOST_PAGES = 100_000
MOST_RETRIES = 4
LONGEST_WAIT = 60.0  # seconds that a service may ask us to wait
_REFUSED = frozenset({401, 403})
_BUSY = frozenset({429, 502, 503, 504})

Parameters = Mapping[str, Any]


@dataclass(slots=True)
class Client:
    """A service's API; `authorize` returns the header for each call."""

    name: str
    base: str  # ends in a slash
    authorize: Callable[[], Mapping[str, str]]
    on_progress: Callable[[float], None] = field(default=lambda _share: None)
    sleep: Callable[[float], None] = time.sleep
    fetched: int = 0  # bytes so far
    share: float = 0.0  # that is done, as far as anybody can tell

    def get(self, path: str, parameters: Parameters | None = None) -> Any:
        """Return an answer in JSON; raise TransferError for another, or where a key is refused."""
        content = self._call(path, parameters, "application/json")
        problem = f"{self.name} answered with something other than JSON. Check the address."
        return read_json(content, TransferError(problem))

    def text(self, path: str) -> str:
        """Return an answer as text."""
        return self._call(path, None, "text/html").decode("utf-8", "replace")

    def pages(
        self, path: str, parameters: Parameters, rows: Callable[[Any], Any], first: int = 1
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the objects on all pages of a list, which end with one that has none.

        `rows` takes them out of an answer.
        """
        for page in range(first, first + MOST_PAGES):
            answer = self.get(path, {**parameters, "page": page})
            objects = objects_in(rows(answer))
            yield from objects
            if not objects or is_last(answer, page):
                return
            self.finish_page(page)

    def finish_page(self, page: int) -> None:
        """Note that a page was read: how many there are is not always told."""
        self.share = page / (page + 20)

    def _call(self, path: str, parameters: Parameters | None, accept: str) -> bytes:
        query = f"?{urlencode(parameters, doseq=True, quote_via=quote)}" if parameters else ""
        for attempt in range(MOST_RETRIES + 1):
            self.on_progress(self.share)  # a page may take many calls, and a call minutes
            try:
                headers = {"Accept": accept, **self.authorize()}
                body = call(self.base + path + query, headers=headers, largest=LARGEST_ANSWER).body
                return self._counted(body)
            except FetchError as problem:
                if problem.status in _REFUSED:
                    raise TransferError(
                        f"{self.name} refused the key. Check it, and what it may read."
                    ) from problem
                if problem.status not in _BUSY or attempt == MOST_RETRIES:
                    raise
                self.sleep(min(problem.retry_after or 2.0**attempt, LONGEST_WAIT))
        raise AssertionError("the last attempt returns or raises")

    def _counted(self, body: bytes) -> bytes:
        self.fetched += len(body)
        if self.fetched > LARGEST_TOTAL:
            raise TransferError(f"{self.name} has more than 4 GB to fetch.")
        return body


@dataclass(frozen=True, slots=True)
class Source:
    """What one mailing list of a service has."""

    subscribers: Callable[[], Iterator[Person]]
    issues: Callable[[], Iterator[Item]]


def choose(name: str, rows: list[Mapping[str, Any]], kind: str) -> Mapping[str, Any]:
    """Return the row of this name, or the only one; raise TransferError naming what there is."""
    by_name = {str(row.get("name", "")).casefold(): row for row in rows}
    if row := by_name.get(name.casefold()):
        return row
    if not name and len(rows) == 1:
        return rows[0]
    listing = ", ".join(f"“{row.get('name', '')}”" for row in rows[:20])
    if not rows:
        raise TransferError(f"There is no {kind} there.")
    beginning = f"There is no {kind} “{name}” there." if name else f"There is more than one {kind}."
    raise TransferError(f"{beginning} Name one of them: {listing}.")


def objects_in(rows: Any) -> list[Mapping[str, Any]]:
    """Return the objects in a list; none for anything else."""
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def is_last(answer: Any, page: int) -> bool:
    """Say whether an answer tells that it is the last page, in one of the ways that services do."""
    if not isinstance(answer, dict):
        return True
    pagination = (answer.get("meta") or {}).get("pagination")  # Ghost
    if isinstance(pagination, dict):
        return page >= int(pagination.get("pages") or 0)
    if "total_pages" in answer:  # beehiiv
        return page >= int(answer["total_pages"] or 0)
    if "next" in answer:  # Buttondown
        return not answer["next"]
    return False
