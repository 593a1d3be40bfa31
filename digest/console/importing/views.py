"""The pages of an import: upload a list; check it and import it; its report.

Nothing is imported before a person has seen how the list is read and what will happen.
"""

import tempfile
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect

from digest.console.access import record_action, scope_of
from digest.console.importing import forms
from digest.console.importing.forms import CAUSES, ReadingForm, UploadForm, with_newsletters
from digest.console.pages import (
    CSV,
    attachment,
    done,
    form_view,
    page_view,
    problems_on,
    render_page,
)
from digest.core import clock
from digest.newsletters.members import Right
from digest.newsletters.models import Newsletter
from digest.subscribers import imports
from digest.subscribers.importing.causes import SUPPRESSIBLE, Cause
from digest.subscribers.importing.headings import Meaning
from digest.subscribers.importing.layout import LABELS
from digest.subscribers.importing.sources import SOURCES
from digest.subscribers.models import SubscriberImport

RECENT = 10
_CHANGED = "The file was checked again with your changes. Import it if the result is right."
_DISCARDED = "The file was deleted. Nothing was imported."


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
    recent = _imports(request).defer("content", "skipped").order_by("-created_at")[:RECENT]
    context = {"form": form, "any": newsletters.exists(), "recent": recent}
    return render_page(request, "console/importing/upload.html", "Import subscribers", context)


@form_view(Right.MANAGE)
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how a list is read and what will happen, and import it; or show its report."""
    row = _get(request, pk)
    form = ReadingForm(row, request.POST if request.method == "POST" else None)
    if row.finished_at:
        return render_page(
            request, "console/importing/report.html", "Import report", _report_context(row)
        )
    if request.method == "POST":
        if "discard" in request.POST:
            return _discard(request, row)
        if form.is_valid() and _act(request, row, form):
            return redirect("subscribers-import-check", row.pk)
    context = _report_context(row) | {"form": form, "columns": _columns(row, form)}
    context["other_label"] = LABELS[Meaning.OTHER]
    return render_page(request, "console/importing/check.html", "Check import", context)


@page_view(Right.MANAGE)
def skipped(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Download the rows that were not imported, as CSV."""
    row = get_object_or_404(_imports(request).exclude(finished_at=None), pk=pk)
    target = row.newsletter
    record_action(request, "downloaded skipped rows", target, target.publication_id)
    return attachment(imports.skipped_rows(row), CSV, f"skipped-rows-{row.pk}.csv")


def _discard(request: HttpRequest, row: SubscriberImport) -> HttpResponse:
    with problems_on(request):
        imports.discard(row, clock.now())
        target = row.newsletter
        record_action(request, "discarded an import", target, target.publication_id)
        return done(request, _DISCARDED, "subscribers-import")
    return redirect("subscribers-import-check", row.pk)


def _act(request: HttpRequest, row: SubscriberImport, form: ReadingForm) -> bool:
    """Check or import a list; return whether that worked, else the form says what is wrong."""
    reading = form.reading()
    now = clock.now()
    with problems_on(form):
        if "import" not in request.POST or imports.differs(row, **reading):
            imports.check(row, **reading, now=now)
            messages.info(request, _CHANGED)
            return True
        imports.run(row, now)
        report, newsletter = row.report, row.newsletter
        action = (
            f"imported {report['added']:,} of {report['rows']:,} subscribers into {newsletter.name}"
        )
        record_action(request, action, newsletter, newsletter.publication_id)
        return True
    return False


def _store(file: Any, newsletter: Newsletter, consent: str) -> SubscriberImport:
    with tempfile.NamedTemporaryFile(suffix=".csv") as copy:
        for chunk in file.chunks():
            copy.write(chunk)
        copy.flush()
        return imports.store(
            Path(copy.name), file.name, newsletter, consent, forms.MAX_FILE_SIZE, clock.now()
        )


def _imports(request: HttpRequest) -> QuerySet[SubscriberImport]:
    rows = SubscriberImport.objects.select_related("newsletter")
    return scope_of(request, Right.MANAGE).filter(rows, "newsletter__publication")


def _get(request: HttpRequest, pk: int) -> SubscriberImport:
    return get_object_or_404(_imports(request), pk=pk)


def _report_context(row: SubscriberImport) -> dict[str, Any]:
    causes = [(Cause(cause), count) for cause, count in row.report["causes"]]
    return {
        "row": row,
        "report": row.report,
        "causes": [(CAUSES[cause], count) for cause, count in causes],
        "suppressible": sum(count for cause, count in causes if cause in SUPPRESSIBLE),
        "source": SOURCES[row.source].name if row.source in SOURCES else "",
    }


def _columns(row: SubscriberImport, form: ReadingForm) -> list[tuple[Any, list[str]]]:
    return [
        (form[name], examples)
        for name, examples in zip(form.columns, row.report["examples"], strict=True)
    ]
