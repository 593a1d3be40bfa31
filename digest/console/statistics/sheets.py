"""Tables of reports on pages and as files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponseBase

from digest.analytics.statistics.sheets import Kind, Sheet
from digest.console.pages import CSV, attachment

MOST_ROWS = 50  # on a page; the file has all


def csv_response(
    request: HttpRequest, sheets: Sequence[Sheet], name: str
) -> HttpResponseBase | None:
    """Return the table that `?csv=` names as a file, None without it; Http404 if there is none."""
    wanted_name = request.GET.get("csv")
    if wanted_name is None:
        return None
    sheet = next((sheet for sheet in sheets if sheet.name == wanted_name), None)
    if sheet is None:
        raise Http404
    return attachment(sheet.csv(), CSV, f"{name}-{sheet.name}.csv")


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row of a page: its title, the address of its page or "", and the other cells."""

    title: str
    url: str
    cells: list[tuple[str, bool]]  # the text, and whether it is a number


def shown_rows(sheet: Sheet, url: Callable[[int], str] | None = None) -> list[ShownRow]:
    """Return the rows of a page, the first ones; `url` leads from a key to a row's page."""
    keys = [*sheet.keys, *[0] * len(sheet.rows)]
    are_numbers = [column.kind in (Kind.NUMBER, Kind.SHARE) for column in sheet.columns[1:]]
    return [
        ShownRow(title, url(key) if url and key else "", list(zip(cells, are_numbers, strict=True)))
        for (title, *cells), key in zip(sheet.written()[:MOST_ROWS], keys, strict=False)
    ]
