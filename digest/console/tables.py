"""A list of rows as a table: search, filters, order and pages, all in the address.

A view builds a `Table` with `build_table` and shows it with `{% table table %}`. One more row than
a page holds is read instead of counting, so a list opens as fast over a million rows. One that may
be that long has a `keyset`: its pages continue after a row, so the last one opens as fast.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from digest.core.text import one_line

PAGE_SIZE = 50
MAX_PAGE = 10_000
PAGE_DIGITS = 5
SEARCH_TERMS = 8
LONGEST_VALUE = 200  # of a filter

Rows = QuerySet[Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, a function that returns its cell, and the field to order by."""

    label: str
    cell: Callable[[Any], object]
    order_by: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """A choice above the table; `apply` narrows the rows to one value.

    Rows have none of a value that is not a choice, but where the choices are examples.
    """

    name: str
    label: str
    choices: Sequence[tuple[str, str]]
    apply: Callable[[Rows, str], Rows]
    selected: str = ""
    are_examples: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of one page, and the addresses of the others."""

    rows: Sequence[Any]
    next_url: str = ""
    previous_url: str = ""
    first_url: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's heading, and the address that orders by it."""

    label: str
    url: str = ""
    sorted: str = ""  # ascending or descending


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row: its first cell links to its page, if it has one."""

    title: object
    url: str
    cells: Sequence[tuple[str, object]]  # the column's label, for phones, and the value
    key: object = None


@dataclass(frozen=True, slots=True)
class Table:
    """A page of a list, ready for `console/components/table.html`."""

    label: str
    headings: Sequence[Heading]
    rows: Sequence[TableRow]
    batch: Batch
    empty: str
    filters: Sequence[Filter] = ()
    searchable: bool = False
    search_label: str = ""
    query: str = ""
    tick_form: str = ""  # the id of the form that takes the ticks of rows; none: no ticks


def build_table(
    request: HttpRequest,
    rows: Rows,
    columns: Sequence[Column],
    *,
    label: str,
    url: Callable[[Any], str],
    empty: str,
    filters: Sequence[Filter] = (),
    search: Callable[[Rows, str], Rows] | None = None,
    search_label: str = "Search",
    keyset: str = "",
) -> Table:
    """Return one page of a list, by the query of the request: `q`, filters, `order`, `page`.

    `keyset` is a unique field, "-" before it for descending: rows are in its order, and a page
    begins after the row that `after` names instead of at a number.
    """
    query = request.GET.get("q", "").strip() if search else ""
    chosen = [_select(request, row) for row in filters]
    rows = narrow(request, rows, filters, search)
    batch = _continued(request, rows, keyset) if keyset else _numbered(request, rows, columns)
    is_narrowed = query or any(row.selected for row in chosen)
    table = table_of(
        request, batch, columns, label=label, url=url, empty=_NO_MATCH if is_narrowed else empty
    )
    return replace(
        table,
        filters=chosen,
        searchable=search is not None,
        search_label=search_label,
        query=query,
    )


def narrow(
    request: HttpRequest,
    rows: Rows,
    filters: Sequence[Filter],
    search: Callable[[Rows, str], Rows] | None,
) -> Rows:
    """Return the rows that the search and the filters of a request select."""
    query = request.GET.get("q", "").strip()
    rows = search(rows, query) if search and query else rows
    for row in filters:
        if selected := _selected(request, row):
            is_known = row.are_examples or selected in dict(row.choices)
            rows = row.apply(rows, selected) if is_known else rows.none()
    return rows


def table_of(
    request: HttpRequest,
    batch: Batch,
    columns: Sequence[Column],
    *,
    label: str,
    url: Callable[[Any], str],
    empty: str,
) -> Table:
    """Return a table of rows that the view has read itself."""
    order = request.GET.get("order", "")
    return Table(
        label=label,
        headings=[_heading(request, column, order) for column in columns],
        rows=[_row(row, columns, url) for row in batch.rows],
        batch=batch,
        empty=empty,
    )


def batch_after(request: HttpRequest, rows: Sequence[Any], place: object) -> Batch:
    """Return rows as a page; `place` is where the next one begins, empty at the end."""
    return Batch(
        rows,
        next_url=_address(request, after=place) if place else "",
        first_url=_address(request, after="") if request.GET.get("after") else "",
    )


_NO_MATCH = "Nothing matches."


def search_in(*fields: str) -> Callable[[Rows, str], Rows]:
    """Return a search for rows that hold every word of the query in one of these fields."""

    def search(rows: Rows, query: str) -> Rows:
        for term in query.split()[:SEARCH_TERMS]:
            matches = (Q(**{f"{field}__icontains": term}) for field in fields)
            rows = rows.filter(reduce(or_, matches))
        return rows

    return search


def _select(request: HttpRequest, row: Filter) -> Filter:
    """Return the filter as the form shows it, also with a value that it does not offer."""
    selected, choices = _selected(request, row), row.choices
    if selected and selected not in dict(choices):
        label = selected if row.are_examples else "Unknown"
        choices = [*choices, (selected, label)]
    return replace(row, choices=choices, selected=selected)


def _selected(request: HttpRequest, row: Filter) -> str:
    value = request.GET.get(row.name, "")
    return value if value in dict(row.choices) else one_line(value, LONGEST_VALUE)


def _numbered(request: HttpRequest, rows: Rows, columns: Sequence[Column]) -> Batch:
    page = _page(request)
    start = (page - 1) * PAGE_SIZE
    rows = _ordered(rows, columns, request.GET.get("order", ""))
    batch = list(rows[start : start + PAGE_SIZE + 1])
    return Batch(
        batch[:PAGE_SIZE],
        next_url=_address(request, page=page + 1) if len(batch) > PAGE_SIZE else "",
        previous_url=_address(request, page=page - 1) if page > 1 else "",
    )


def _continued(request: HttpRequest, rows: Rows, keyset: str) -> Batch:
    name, is_descending = keyset.removeprefix("-"), keyset.startswith("-")
    if after := request.GET.get("after", ""):
        with suppress(ValueError):  # anything else begins at the first page
            rows = rows.filter(**{f"{name}__{'lt' if is_descending else 'gt'}": after})
    batch = list(rows.order_by(keyset)[: PAGE_SIZE + 1])
    is_last = len(batch) <= PAGE_SIZE
    return batch_after(
        request, batch[:PAGE_SIZE], "" if is_last else getattr(batch[PAGE_SIZE - 1], name)
    )


def _page(request: HttpRequest) -> int:
    value = request.GET.get("page", "1")
    number = (
        int(value) if value.isascii() and value.isdecimal() and len(value) <= PAGE_DIGITS else 1
    )
    return min(max(number, 1), MAX_PAGE)


def _ordered(rows: Rows, columns: Sequence[Column], order: str) -> Rows:
    fields = {column.order_by for column in columns if column.order_by}
    return rows.order_by(order, "-pk") if order.removeprefix("-") in fields else rows


def _heading(request: HttpRequest, column: Column, order: str) -> Heading:
    if not column.order_by:
        return Heading(column.label)
    ascending = order == column.order_by
    url = _address(request, order=f"-{column.order_by}" if ascending else column.order_by, page="")
    direction = {column.order_by: "ascending", f"-{column.order_by}": "descending"}.get(order, "")
    return Heading(column.label, url, direction)


def _row(row: Any, columns: Sequence[Column], url: Callable[[Any], str]) -> TableRow:
    title, *rest = columns
    return TableRow(
        title.cell(row),
        url(row),
        [(column.label, column.cell(row)) for column in rest],
        getattr(row, "pk", None),
    )


def _address(request: HttpRequest, **changes: object) -> str:
    """Return this page's query with some of its values changed; an empty value is left out."""
    query = request.GET.copy()
    for name, value in changes.items():
        query[name] = str(value)
        if not value:
            del query[name]
    return f"?{query.urlencode()}"
