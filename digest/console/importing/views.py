"""The pages of an import: upload a list; check it and import it; its report.

Nothing is imported before a person has seen how the list is read and what will happen. A worker
does the work; the page polls how far it is, as that of any transfer.
"""

import tempfile
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from digest.console.access import record_action, scope_of
from digest.console.importing import forms
from digest.console.importing.forms import CAUSES, ReadingForm, UploadForm, with_newsletters
from digest.console.pages import done, form_view, problems_on, render_page
from digest.console.transfers.views import transfers_of
from digest.core import clock
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter
from digest.subscribers.importing.causes import SUPPRESSIBLE, Cause
from digest.subscribers.importing.headings import Meaning
from digest.subscribers.importing.layout import LABELS
from digest.subscribers.importing.sources import SOURCES
from digest.transfers import queue
from digest.transfers.models import Transfer

RECENT = 10
_CHANGED = "The file is checked again with your changes. Import it if the result is right."
_HAS_BEGUN = "This list is in work, or has been imported."
_DELETED = "The file was deleted."
_DISCARDED = f"{_DELETED} Nothing was imported."


@form_view(Right.MANAGE)
def upload(request: HttpRequest) -> HttpResponse:
    """Take a CSV file and check it; list recent imports."""
    newsletters = scope_of(request, Right.MANAGE).newsletters()
    form = with_newsletters(UploadForm(request.POST or None, request.FILES or None), newsletters)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        with problems_on(form, "file"):
            row = _store(values["file"], values["newsletter"], values["consent"])
            target = row.newsletter
            record_action(request, "uploaded subscribers", target, target.publication_id)
            return redirect("subscribers-import-check", row.pk)
    recent = _lists(request).order_by("-created_at")[:RECENT]
    context = {"form": form, "any": newsletters.exists(), "recent": recent}
    return render_page(request, "console/importing/upload.html", "Import subscribers", context)


@form_view(Right.MANAGE)
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how a list is read and what will happen, and begin its import; or how far that is."""
    row = get_object_or_404(_lists(request), pk=pk)
    if request.method == "POST" and "discard" in request.POST:
        return _discard(request, row)
    if row.finished_at:
        return render_page(
            request, "console/importing/report.html", "Import report", _report_context(row)
        )
    if row.state != Transfer.State.CHECKED:
        return render_page(
            request, "console/importing/unfinished.html", "Import subscribers", {"row": row}
        )
    form = ReadingForm(row, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        with problems_on(form):
            _decide(request, row, form)
            return redirect("subscribers-import-check", row.pk)
    context = _report_context(row) | {"form": form, "columns": _columns(row, form)}
    context["other_label"] = LABELS[Meaning.OTHER]
    return render_page(request, "console/importing/check.html", "Check import", context)


def _discard(request: HttpRequest, row: Transfer) -> HttpResponse:
    if not queue.discard(row):
        messages.error(request, _HAS_BEGUN)
        return redirect("subscribers-import-check", row.pk)
    record_action(request, "discarded an import", row.newsletter, row.newsletter.publication_id)
    has_failed = row.state == Transfer.State.FAILED  # perhaps in the middle of an import
    return done(request, _DELETED if has_failed else _DISCARDED, "subscribers-import")


def _decide(request: HttpRequest, row: Transfer, form: ReadingForm) -> None:
    """Begin to import a list as it was shown, or check it again with what was changed."""
    reading, suppress = form.reading(), form.cleaned_data["suppress"]
    if "import" not in request.POST or (reading, suppress) != (row.reading, row.suppress):
        if queue.read_list_again(row, reading, suppress=suppress):
            messages.info(request, _CHANGED)
        return
    if queue.begin(row):
        report, newsletter = row.report, row.newsletter
        number = f"{report['added']:,} of {report['rows']:,} subscribers"
        action = f"began to import {number} into {newsletter.name}"
        record_action(request, action, newsletter, newsletter.publication_id)


def _store(file: Any, newsletter: Newsletter, consent: str) -> Transfer:
    with tempfile.NamedTemporaryFile(suffix=".csv") as copy:
        for chunk in file.chunks():
            copy.write(chunk)
        copy.flush()
        return queue.add_list(
            Path(copy.name), file.name, newsletter, consent, forms.MAX_FILE_SIZE, clock.now()
        )


def _lists(request: HttpRequest) -> QuerySet[Transfer]:
    return transfers_of(request).exclude(reading={})


def _report_context(row: Transfer) -> dict[str, Any]:
    causes = [(Cause(cause), count) for cause, count in row.report["causes"]]
    return {
        "row": row,
        "report": row.report,
        "causes": [(CAUSES[cause], count) for cause, count in causes],
        "suppressible": sum(count for cause, count in causes if cause in SUPPRESSIBLE),
        "source": SOURCES[source].name if (source := row.reading["source"]) in SOURCES else "",
    }


def _columns(row: Transfer, form: ReadingForm) -> list[tuple[Any, list[str]]]:
    return [
        (form[name], examples)
        for name, examples in zip(form.columns, row.report["examples"], strict=True)
    ]
