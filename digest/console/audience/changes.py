"""Changes to many subscribers: selected in the list, previewed, made, undone."""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from digest.bulk import previewing, running, selecting
from digest.bulk.actions import ACTIONS, action_of
from digest.bulk.errors import BulkError
from digest.bulk.models import BulkChange
from digest.console import pages
from digest.console.access import parse_id, record_action, require_right, scope_of, user_of
from digest.console.audience.change_forms import ChangeForm
from digest.console.audience.listing import matching_rows, matching_words
from digest.console.tables import Column, build_table
from digest.core import clock
from digest.core.text import counted
from digest.newsletters.members import Right
from digest.subscribers import exporting
from digest.subscribers.models import Subscription
from digest.tenancy.visibility import with_visible_name

State = BulkChange.State


@pages.action_view(Right.SUBSCRIBERS)
def select(request: HttpRequest) -> HttpResponse:
    """Store the ticked subscribers, or all that the list's filters select."""
    scope = scope_of(request, Right.SUBSCRIBERS)
    publications = scope.publications().order_by("name", "pk")
    if publication_id := parse_id(request.POST.get("publication", "")):
        publications = publications.filter(pk=publication_id)
    publication = get_object_or_404(publications[:1])
    rows = matching_rows(request, scope)
    selection = matching_words(request, scope)
    if request.POST.get("which") != "all":
        ticks = [pk for text in request.POST.getlist("tick") if (pk := parse_id(text))]
        rows, selection = rows.filter(pk__in=ticks), "Ticked in the list"
    with pages.problems_on(request):
        row = selecting.select(
            rows, publication, selection=selection, user=user_of(request), now=clock.now()
        )
        return redirect("subscriber-change", row.pk)
    return redirect(f"{reverse('subscribers')}?{request.GET.urlencode()}")


@pages.page_view(Right.SUBSCRIBERS)
def changes(request: HttpRequest) -> HttpResponse:
    """List the changes that were made, the newest first."""
    table = build_table(
        request,
        _rows(request).exclude(state=State.DRAFT),
        (
            Column("Change", lambda row: action_of(row).describe(row)),
            Column("Of", lambda row: row.selection),
            Column("Changed", lambda row: f"{row.changed:,} of {row.selected:,}"),
            Column("State", lambda row: row.get_state_display()),
            Column("By", lambda row: row.user or ""),
            Column("Begun", lambda row: clock.format_moment(row.begun_at)),
        ),
        label="Changes to subscribers",
        url=lambda row: reverse("subscriber-change", args=[row.pk]),
        empty="No changes yet. Tick subscribers in the list to change many at once.",
        keyset="-id",
    )
    context = {"table": table}
    return pages.render_page(request, "console/list.html", "Changes to subscribers", context)


@pages.form_view(Right.SUBSCRIBERS)
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose what to do to the selected subscribers, and preview it; or show what was done."""
    row = _get(request, pk)
    if row.state != State.DRAFT:
        title = action_of(row).describe(row)
        return pages.render_page(request, "console/audience/change.html", title, _context(row))
    form = ChangeForm(row, _offered(request, row), request.POST or None)
    if request.method == "POST" and form.is_valid():
        with pages.problems_on(form):
            previewing.choose(row, form.cleaned_data["kind"], form.values())
            return redirect(f"{reverse('subscriber-change', args=[pk])}#preview")
    is_chosen = bool(row.kind) and not form.errors
    context = _context(row) | {
        "form": form,
        "preview": previewing.preview(row) if is_chosen else None,
        "action": action_of(row) if is_chosen else None,
        "needs_number": running.needs_number(row),
        "can_export": scope_of(request, Right.EXPORT).includes(row.publication_id),
    }
    title = f"Change {counted(row.selected, 'subscriber')}"
    return pages.render_page(request, "console/audience/change.html", title, context)


@pages.action_view(Right.SUBSCRIBERS)
def act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Begin, stop or undo a change that was previewed."""
    row = _get(request, pk)
    run, recorded = _VERBS[verb]
    with pages.problems_on(request):
        run(request, row, clock.now())
        _record(request, row, recorded)
    return redirect("subscriber-change", pk)


def _begin(request: HttpRequest, row: BulkChange, now: datetime) -> None:
    action = action_of(row)
    require_right(request, action.right, row.publication_id)
    if request.POST.get("description") != action.describe(row):
        raise BulkError("Somebody changed this meanwhile. Check it again.")
    running.begin(row, now, entered=request.POST.get("number", ""))


def _stop(request: HttpRequest, row: BulkChange, now: datetime) -> None:
    running.stop(row, now)
    messages.success(request, "The change was stopped.")


def _undo(request: HttpRequest, row: BulkChange, now: datetime) -> None:
    require_right(request, action_of(row).right, row.publication_id)
    running.undo(row, now)


_VERBS = {"begin": (_begin, "began"), "stop": (_stop, "stopped"), "undo": (_undo, "began to undo")}


@pages.page_view(Right.SUBSCRIBERS)
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far a change is; reload the page when it is over."""
    row = _get(request, pk)
    response = pages.render_fragment(
        request, "console/audience/_change_progress.html", _context(row)
    )
    if row.state not in _IN_PROGRESS:
        response["HX-Refresh"] = "true"
    return response


@pages.action_view(Right.SUBSCRIBERS)
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a draft; the subscribers stay as they are."""
    row = get_object_or_404(_rows(request).filter(state=State.DRAFT), pk=pk)
    with pages.problems_on(request):
        running.discard(row)
        return pages.done(request, "Nothing was changed.", "subscribers")
    return redirect("subscriber-change", pk)


@pages.page_view(Right.EXPORT)
def export(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Download the subscriptions of the selected subscribers, as CSV."""
    scope = scope_of(request, Right.EXPORT)
    row = get_object_or_404(scope.filter(BulkChange.objects.all()), pk=pk)
    subscriptions = scope.filter(
        Subscription.objects.filter(newsletter__publication=row.publication_id),
        "newsletter__publication",
    )
    _record(request, row, "exported")
    lines = _lines(row, with_visible_name(subscriptions, scope))
    return pages.attachment(lines, pages.CSV, "subscribers.csv")


_IN_PROGRESS = {State.RUNNING, State.UNDOING}


def _lines(row: BulkChange, subscriptions: QuerySet[Subscription]) -> Iterator[str]:
    """Yield the lines of a CSV file, chunk after chunk."""
    chunks = row.chunks.order_by("pk").values_list("subscriber_ids", flat=True)
    parts = (
        exporting.csv_lines(
            subscriptions.filter(subscriber__in=ids), [row.publication_id], heading=number == 0
        )
        for number, ids in enumerate(chunks.iterator(chunk_size=10))
    )
    return chain.from_iterable(parts)


def _offered(request: HttpRequest, row: BulkChange) -> list[BulkChange.Kind]:
    """Return the changes that the user may make in the publication."""
    return [
        kind
        for kind, action in ACTIONS.items()
        if scope_of(request, action.right).includes(row.publication_id)
    ]


def _context(row: BulkChange) -> dict[str, Any]:
    settled = row.restored if row.state == State.UNDOING else row.changed
    total = row.changed if row.state == State.UNDOING else row.selected
    if row.state != State.UNDOING:
        settled += sum(row.reasons.values())
    return {
        "row": row,
        "description": action_of(row).describe(row) if row.kind else "",
        "settled": settled,
        "total": total,
        "percent": min(100, 100 * settled // max(1, total)),
        "is_moving": row.state in _IN_PROGRESS,
        "reasons": sorted(row.reasons.items(), key=lambda item: -item[1]),
        "can_undo": row.state != State.DRAFT and running.can_undo(row, clock.now()),
        "undo_until": clock.format_moment(
            running.undo_until(row), clock.zone(row.publication.timezone)
        ),
    }


def _record(request: HttpRequest, row: BulkChange, verb: str) -> None:
    subscribers = counted(row.selected, "subscriber")
    action = f"{verb}: {action_of(row).describe(row)}, {subscribers}" if row.kind else verb
    record_action(request, action, row.selection if row.kind else subscribers, row.publication_id)


def _rows(request: HttpRequest) -> QuerySet[BulkChange]:
    scope = scope_of(request, Right.SUBSCRIBERS)
    return scope.filter(BulkChange.objects.select_related("publication", "user"))


def _get(request: HttpRequest, pk: int) -> BulkChange:
    row: BulkChange = get_object_or_404(_rows(request), pk=pk)
    return row
