"""Tables of reports on pages and as files."""

from collections.abc import Callable, Sequence

from django.http import Http404, HttpRequest, HttpResponse

from digest.analytics.statistics.sheets import Sheet

MOST_ROWS = 50  # on a page; the file has all


def csv_response(request: HttpRequest, sheets: Sequence[Sheet], name: str) -> HttpResponse | None:
    """Return the table that `?csv=` names as a file, None without it; Http404 if there is none."""
    wanted_name = request.GET.get("csv")
    if wanted_name is None:
        return None
    sheet = next((sheet for sheet in sheets if sheet.name == wanted_name), None)
    if sheet is None:
        raise Http404
    response = HttpResponse(sheet.csv(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-{sheet.name}.csv"'
    return response


def shown_rows(
    sheet: Sheet, url: Callable[[int], str] | None = None
) -> list[tuple[str, str, list[str]]]:
    """Return the rows of a page: the title, the address of its page or "", and the other cells."""
    keys = [*sheet.keys, *[0] * len(sheet.rows)]
    rows = zip(sheet.written()[:MOST_ROWS], keys, strict=False)
    return [(row[0], url(key) if url and key else "", row[1:]) for row, key in rows]
