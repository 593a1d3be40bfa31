"""The pages of a transfer: choose a file or an API; what is in it, while it is read and imported.

A worker does the work; the page polls how far it is, and shows what was read before anything is
imported.
"""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect

from digest.console.access import record_action, scope_of
from digest.console.importing.forms import CAUSES, with_newsletters
from digest.console.pages import (
    CSV,
    action_view,
    attachment,
    done,
    form_view,
    page_view,
    problems_on,
    render_fragment,
    render_page,
)
from digest.console.transfers.forms import ChoiceForm, FilesForm, ServiceForm
from digest.core import clock
from digest.core.text import counted
from digest.newsletters.members import Right
from digest.subscribers import attributes
from digest.subscribers.importing.causes import Cause
from digest.transfers import past_issues, queue
from digest.transfers.models import Transfer
from digest.transfers.options import Options
from digest.transfers.services import SERVICES, WITH_API, service_of

RECENT = 10
_TITLE = "Move from another service"


@form_view(Right.MANAGE)
def start(request: HttpRequest) -> HttpResponse:
    """Take an export, or access to an API; list recent transfers."""
    newsletters = scope_of(request, Right.MANAGE).newsletters()
    is_service = "service" in request.POST
    data = request.POST or None
    files = with_newsletters(
        FilesForm(None if is_service else data, request.FILES or None), newsletters
    )
    service = with_newsletters(
        ServiceForm(data if is_service else None, auto_id="id_service_%s"), newsletters
    )
    form = service if is_service else files
    if request.method == "POST" and form.is_valid():
        with problems_on(form, "key" if is_service else "export"):
            transfer = _add(form)
            _record(request, transfer, f"uploaded an export, {transfer.file_name}")
            return redirect("transfer", transfer.pk)
    recent = _exports(request).order_by("-created_at")[:RECENT]
    context = {
        "files": files,
        "service": service,
        "services": [(SERVICES[key].name, SERVICES[key].key_hint) for key in WITH_API],
        "any": newsletters.exists(),
        "recent": recent,
    }
    return render_page(request, "console/transfers/start.html", _TITLE, context)


@form_view(Right.MANAGE)
def transfer(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what an export has and what will happen; begin it, read it again, or discard it."""
    row = get_object_or_404(_exports(request), pk=pk)
    is_choice = request.method == "POST" and row.state == Transfer.State.CHECKED
    form = ChoiceForm(row, request.POST if is_choice else None)
    if request.method == "POST" and "discard" in request.POST:
        return _discard(request, row)
    if is_choice and form.is_valid():
        with problems_on(form):
            _decide(request, row, form)
            return redirect("transfer", row.pk)
    context = _context(row) | {"form": form}
    return render_page(request, "console/transfers/transfer.html", _TITLE, context)


@page_view(Right.MANAGE)
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far a transfer is; polled. When that is over, the whole page is reloaded."""
    row = get_object_or_404(transfers_of(request), pk=pk)
    response = render_fragment(request, "console/transfers/_progress.html", {"row": row})
    if not row.is_working or request.GET.get("state", row.state) != row.state:
        response["HX-Refresh"] = "true"
    return response


@page_view(Right.MANAGE)
def skipped(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Download the rows that were not imported, as CSV."""
    row = get_object_or_404(transfers_of(request).filter(finished_at__isnull=False), pk=pk)
    _record(request, row, f"downloaded skipped rows of {row.file_name}")
    return attachment(queue.skipped_rows(row), CSV, f"skipped-rows-{row.pk}.csv")


@action_view(Right.MANAGE)
def remove_issues(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the past issues that a transfer brought out of the archive."""
    row = get_object_or_404(_exports(request), pk=pk)
    number = past_issues.remove(row)
    _record(request, row, f"removed {counted(number, 'past issue')} of {row.file_name}")
    issues = "1 past issue was" if number == 1 else f"{number:,} past issues were"
    return done(request, f"{issues} removed from the archive.", "transfer", row.pk)


def _add(form: Any) -> Transfer:
    values = form.cleaned_data
    options = Options(consent=values["consent"], list_name=values.get("list_name", ""))
    if isinstance(form, ServiceForm):
        access = (values["service"], values["address"], values["key"])
        return queue.add_service(*access, values["newsletter"], options, clock.now())
    with ExitStack() as stack:
        paths = []
        for upload in values["export"]:
            copy = stack.enter_context(tempfile.NamedTemporaryFile())
            for chunk in upload.chunks():
                copy.write(chunk)
            copy.flush()
            paths.append((Path(copy.name), upload.name))
        return queue.add_files(paths, values["newsletter"], options, clock.now())


def _discard(request: HttpRequest, row: Transfer) -> HttpResponse:
    if not queue.discard(row):
        messages.error(request, "This export is in work, or has been imported.")
        return redirect("transfer", row.pk)
    _record(request, row, f"discarded an export, {row.file_name}")
    return done(request, "The export was deleted.", "transfers")


def _decide(request: HttpRequest, row: Transfer, form: ChoiceForm) -> None:
    """Begin a transfer as it was shown, or read it again with what was changed."""
    options = form.options()
    if columns := form.cleaned_data.get("columns"):
        attributes.define_texts(row.newsletter.publication, columns, clock.now())
        _record(request, row, f"defined attributes for {row.file_name}: {', '.join(columns)}")
    elif "begin" in request.POST and options == queue.options_of(row):
        if queue.begin(row):
            _record(request, row, f"began to import {row.file_name}")
        return
    if queue.check_again(row, options) and "begin" in request.POST:
        messages.info(request, "The export is read again with your changes. Then you can begin.")


def _record(request: HttpRequest, row: Transfer, action: str) -> None:
    record_action(request, action[:200], row.newsletter, row.newsletter.publication_id)


def transfers_of(request: HttpRequest) -> QuerySet[Transfer]:
    """Return the transfers, lists and exports, that a user may see."""
    rows = Transfer.objects.select_related("newsletter").defer("content", "skipped")
    return scope_of(request, Right.MANAGE).filter(rows, "newsletter__publication")


def _exports(request: HttpRequest) -> QuerySet[Transfer]:
    return transfers_of(request).filter(reading={})


def _context(row: Transfer) -> dict[str, Any]:
    report = row.report
    causes = report.get("subscribers", {}).get("causes", [])
    reasons = dict(report.get("issues", {}).get("reasons", []))
    return {
        "row": row,
        "report": report,
        "causes": [(CAUSES[Cause(cause)], count) for cause, count in causes],
        "service": service_of(row.service).name,
        "past_issues": row.past_issues.count(),
        "not_public": reasons.get(past_issues.NOT_PUBLIC, 0),
    }
