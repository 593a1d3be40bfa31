"""The page of one issue, and the parts of it that htmx polls or loads."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from digest.console import live_progress
from digest.console.access import get_issue, record_action
from digest.console.issues import actions, sections
from digest.console.pages import action_view, page_view, render_fragment, render_page
from digest.core import clock
from digest.core.errors import DigestError
from digest.newsletters.members import Right
from digest.sending import preflight


@page_view(Right.SEE)
def issue(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an issue, with what may be done to it now."""
    row = get_issue(request, pk)
    context = sections.page(request, row, clock.now())
    return render_page(request, "console/issues/issue.html", row.newsletter.name, context)


@action_view(Right.SEE)
def act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Do what a button says, and come back to the page."""
    action = actions.VERBS.get(verb)
    if action is None:
        raise Http404
    row = get_issue(request, pk, actions.right_for(verb))
    try:
        message = action(row, request)
        record_action(request, f"{verb}: {message}", row, row.newsletter.publication_id)
        messages.success(request, message)
    except DigestError as problem:
        messages.error(request, str(problem))
    return redirect("issue:detail", pk=pk)


@page_view(Right.SEE)
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far an issue is; polled while it goes out.

    `?state=` is the state that the page shows. When it is over, the whole page is reloaded.
    """
    row = get_issue(request, pk)
    response = render_fragment(
        request,
        "console/issues/_progress.html",
        {
            "issue": row,
            "progress": live_progress.progress_of(row),
            "rights": sections.rights(request, row),
        },
    )
    if request.GET.get("state", row.state) != row.state:
        response["HX-Refresh"] = "true"
    return response


@page_view(Right.SEE)
def recipients(request: HttpRequest, pk: int) -> HttpResponse:
    """Count whom an issue would go to now; over a million that takes a moment."""
    row = get_issue(request, pk)
    number = sections.recipients(row, clock.now()).count()
    return render_fragment(request, "console/issues/_recipients.html", {"number": number})


@page_view(Right.SEE)
def run_checks(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what should be corrected; following links takes a few seconds."""
    row = get_issue(request, pk)
    findings = preflight.examine(row, clock.now())
    return render_fragment(
        request, "console/issues/_findings.html", {"findings": findings, "issue": row}
    )
