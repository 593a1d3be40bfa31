"""The page of one issue, and the parts of it that htmx polls or loads."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect

from digest.console import live_progress
from digest.console.access import get_issue, record_action, user_of
from digest.console.issues import actions, checks, editor, header, presence, refused, sections
from digest.console.pages import action_view, form_view, page_view, render_fragment, render_page
from digest.console.statistics.issues import card as results_card
from digest.core import clock
from digest.core.errors import DigestError
from digest.issues.errors import EditConflictError
from digest.newsletters.members import Right
from digest.sending import preflight


@page_view(Right.SEE)
def issue(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an issue, with what may be done to it now."""
    row = get_issue(request, pk)
    context = sections.page(request, row, clock.now(), refused.take(request, pk))
    context |= editor.context(request, row, editable=context["editable"])
    context["results"] = results_card(request, row)
    return render_page(request, "console/issues/issue.html", row.newsletter.name, context)


@action_view(Right.SEE)
def act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Do what a button says; answer a script with JSON, a form with the page."""
    if verb not in actions.VERBS:
        raise Http404
    row = get_issue(request, pk, actions.right_for(verb))
    try:
        message = actions.run_and_record(request, row, verb)
    except DigestError as problem:
        if _wants_json(request):
            return _refusal(request, pk, problem)
        messages.error(request, str(problem))
        refused.keep(request, pk, verb, problem)
        return redirect("issue:detail", pk=pk)
    if _wants_json(request):
        return JsonResponse(editor.answer(request, get_issue(request, pk), message))
    messages.success(request, message)
    return redirect("issue:detail", pk=pk)


@page_view(Right.SEE)
def parts(request: HttpRequest, pk: int) -> JsonResponse:
    """Return the issue as it is now as JSON, for the editor's script; `?mail=1`: the mail too."""
    row = get_issue(request, pk)
    mail = editor.mail_answer(request, row) if request.GET.get("mail") else {}
    return JsonResponse(editor.answer(request, get_issue(request, pk)) | mail)


@page_view(Right.SEE)
def heartbeat(request: HttpRequest, pk: int) -> JsonResponse:
    """Note who has the issue open; return the others, and the issue's revision and state.

    `?tab=` names the browser's tab, `?place=` what is edited there.
    """
    row = get_issue(request, pk)
    tab, place = (request.GET.get(name, "")[:40] for name in ("tab", "place"))
    editors = presence.report(row.pk, user_of(request), tab, place, clock.now())
    return JsonResponse(
        {
            "revision": row.revision,
            "editable": header.is_open(row),
            "people": [person._asdict() for person in editors],
        }
    )


@page_view(Right.EDIT)
def search(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the articles that could be added."""
    row = get_issue(request, pk, Right.EDIT)
    context = {"issue": row, "stories": sections.search(request, row)}
    return render_fragment(request, "console/issues/_results.html", context)


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
            "rights": header.rights(request, row),
        },
    )
    if request.GET.get("state", row.state) != row.state:
        response["HX-Refresh"] = "true"
    return response


@page_view(Right.SEE)
def recipients(request: HttpRequest, pk: int) -> HttpResponse:
    """Count whom an issue would go to now; over a million that takes a moment."""
    row = get_issue(request, pk)
    count = header.recipient_count(row, clock.now())
    return render_fragment(request, "console/issues/_recipients.html", {"count": count})


@form_view(Right.SEE)
def run_checks(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what should be corrected: GET runs the quick checks, POST all of them.

    Following links takes a few seconds; their result is shown until the issue changes.
    """
    row, now = get_issue(request, pk), clock.now()
    if request.method == "POST":
        preflight.examine(row, now)
        record_action(request, "ran the checks", row, row.newsletter.publication_id)
    results, checked_at = preflight.examine_quickly(row, now)
    allowed = header.rights(request, row)
    context = checks.context(row, results, checked_at, editable=allowed.edit)
    return render_fragment(request, "console/issues/_findings.html", context)


def _refusal(request: HttpRequest, pk: int, problem: DigestError) -> JsonResponse:
    """Return the problem, and the issue as it is, which may be somebody else's change."""
    is_conflict = isinstance(problem, EditConflictError)
    values = editor.answer(request, get_issue(request, pk))
    return JsonResponse(values | {"problem": str(problem), "conflict": is_conflict})


def _wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")
