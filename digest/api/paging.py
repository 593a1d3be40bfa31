"""Lists page by page: each page begins behind the last row of the one before.

The cursor names that row by its id, signed for its own list, so a page costs the same at any depth,
and what is added or deleted meanwhile moves nothing.
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


class Asked(BaseModel):
    """Which page of a list."""

    limit: int = Field(50, ge=1, le=200, description="rows on the page, at most")
    cursor: str = Field("", max_length=512, description="`next` of the page before")


class Page(BaseModel, Generic[T]):
    """A part of a list."""

    items: list[T]
    next: str | None = Field(description="cursor of the next page; null: this is the last one")


def page(
    rows: QuerySet[M], asked: Asked, name: str, facts: Callable[[M], Any], *, newest: bool = False
) -> dict[str, Any]:
    """Return a page of rows by id, as `facts` tells of each; the newest first if so wished.

    `name` is the list's, for its cursors. Raises ProblemError for a cursor of another list.
    """
    order, beyond = ("-pk", "pk__lt") if newest else ("pk", "pk__gt")
    if after := read(name, asked.cursor):
        rows = rows.filter(**{beyond: after[0]})
    some = list(rows.order_by(order)[: asked.limit + 1])
    more = len(some) > asked.limit
    items = some[: asked.limit]
    return {
        "items": [facts(one) for one in items],
        "next": cursor(name, items[-1].pk) if more else None,
    }


def cursor(name: str, *ids: int) -> str:
    """Return a cursor of a list."""
    return links.sign(f"api-cursor {name}", *ids)


def read(name: str, said: str) -> tuple[int, ...]:
    """Return the ids in a cursor, or none for no cursor."""
    if not said:
        return ()
    try:
        return links.read(f"api-cursor {name}", said)
    except LinkError as problem:
        raise ProblemError(422, "This is no cursor of this list.") from problem
