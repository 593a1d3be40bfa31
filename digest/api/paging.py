"""Lists in pages: each page begins after the last row of the page before.

The cursor holds that row's id, signed for its list. A page costs the same at any depth, and rows
that are added or deleted meanwhile do not shift the others.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from pydantic import BaseModel, Field

from digest.api.problems import ProblemError
from digest.core import links
from digest.core.errors import LinkError

T = TypeVar("T")
M = TypeVar("M", bound=Model)

WRONG_CURSOR = "This is not a cursor of this list."


class PageQuery(BaseModel):
    """Which page of a list."""

    limit: int = Field(50, ge=1, le=200, description="Number of items on a page, at most.")
    cursor: str = Field("", max_length=512, description="The `next` of the page before.")


class Page(BaseModel, Generic[T]):
    """A page of a list."""

    items: list[T]
    next: str | None = Field(description="Cursor of the next page; null on the last page.")


def paginate(
    rows: QuerySet[M],
    query: PageQuery,
    name: str,
    serialize: Callable[[M], Any],
    *,
    newest_first: bool = False,
) -> dict[str, Any]:
    """Return a page of rows in the order of their ids, each as `serialize` returns it.

    `name` is the list's, for its cursors. Raises ProblemError (422) for a cursor of another list.
    """
    order, after = ("-pk", "pk__lt") if newest_first else ("pk", "pk__gt")
    if ids := _read_cursor(name, query.cursor):
        rows = rows.filter(**{after: ids[0]})
    page = list(rows.order_by(order)[: query.limit + 1])
    items = page[: query.limit]
    return {
        "items": [serialize(row) for row in items],
        "next": links.sign(_purpose(name), items[-1].pk) if len(page) > query.limit else None,
    }


def _read_cursor(name: str, cursor: str) -> tuple[int, ...]:
    """Return the ids in a cursor; none for an empty cursor."""
    if not cursor:
        return ()
    try:
        return links.read(_purpose(name), cursor)
    except LinkError as problem:
        raise ProblemError(422, WRONG_CURSOR) from problem


def _purpose(name: str) -> str:
    return f"api-cursor {name}"
