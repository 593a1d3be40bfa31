"""The page of a step: when it goes out and to whom, its mail, and the versions that were sent."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from digest.analytics.statistics.totals import numbers_of
from digest.console import edit_conflicts
from digest.console.access import has_right, record_action, require_right, scope_of, user_of
from digest.console.pages import action_view, done, form_view, problems_on, render_page
from digest.console.series.forms import StepForm
from digest.core import clock
from digest.issues import approval
from digest.newsletters.members import Right
from digest.series import editing, versions
from digest.series.models import Step, Version

MOST_VERSIONS = 20  # on the page


@form_view(Right.SEE)
def step(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a step; POST saves when it goes out and to whom."""
    row = get_step(request, pk)
    form = StepForm(row, scope_of(request, Right.EDIT), request.POST or None)
    if request.method == "POST":
        require_right(request, Right.EDIT, *_place(row))
        if edit_conflicts.is_outdated(request, form.initial):
            form.add_error(None, edit_conflicts.CHANGED)
        if form.is_valid():
            with problems_on(form):
                editing.change_step(row, user_of(request), **form.values())
                _record(request, "changed a step of", row)
                return done(request, "The step was saved.", "series-step", pk)
        row = get_step(request, pk)
    return render_page(request, "console/series/step.html", str(row), _context(request, row, form))


@action_view(Right.SEND)
def publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Publish the mail of a step as it is now."""
    row = get_step(request, pk, Right.SEND)
    with problems_on(request):
        version = versions.publish(row, clock.now())
        _record(request, f"published “{version.own_subject}” as step {row.number} of", row)
        return done(
            request, "Subscribers who reach this step from now on get this mail.", "series-step", pk
        )
    return redirect("series-step", pk=pk)


@action_view(Right.EDIT)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a step; who waits for it goes on to the next one."""
    row = get_step(request, pk, Right.EDIT)
    with problems_on(request):
        editing.remove_step(row, clock.now())
        _record(request, f"removed step {row.number} of", row)
        return done(request, "The step was removed.", "series", row.series_id)
    return redirect("series-step", pk=pk)


def get_step(request: HttpRequest, pk: int, right: Right = Right.SEE) -> Step:
    """Return a step that the user may see, or raise Http404; PermissionDenied without `right`."""
    joined = Step.objects.select_related(
        *("series__newsletter__publication", "draft__newsletter__publication", "version"),
        *("segment", "shown_issue"),
    )
    rows = scope_of(request, Right.SEE).filter(joined, "series__newsletter__publication")
    row: Step = get_object_or_404(rows, pk=pk)
    require_right(request, right, *_place(row))
    return row


def _place(row: Step) -> tuple[int, int]:
    """Return the ids of a step's publication and newsletter."""
    newsletter = row.series.newsletter
    return newsletter.publication_id, newsletter.pk


def _context(request: HttpRequest, row: Step, form: StepForm) -> dict[str, Any]:
    publication = row.series.newsletter.publication
    published = list(Version.objects.filter(step=row).select_related("issue")[:MOST_VERSIONS])
    numbers = numbers_of([version.issue_id for version in published])
    zone = clock.zone(publication.timezone)
    return {
        "step": row,
        "series": row.series,
        "form": form,
        "problem": versions.problem_of(row),
        "needs_approval": row.has_changes and approval.is_needed(row.draft),
        "versions": [
            (version, clock.format_moment(version.made_at, zone), numbers[version.issue_id])
            for version in published
        ],
        "can_edit": has_right(request, Right.EDIT, *_place(row)),
        "can_send": has_right(request, Right.SEND, *_place(row)),
    }


def _record(request: HttpRequest, action: str, row: Step) -> None:
    record_action(request, action, row.series, row.series.newsletter.publication_id)
