"""The page of an appeal or a sponsor: its form, where it ran, and what can be done with it."""

from django.contrib.messages import success
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from digest.console import edit_conflicts
from digest.console.access import (
    get_issue,
    has_right,
    record_action,
    require_right,
    scope_of,
    user_of,
)
from digest.console.appeals.forms import AppealForm
from digest.console.pages import action_view, done, form_view, problems_on, render_page
from digest.core import clock
from digest.issues import block_editing, messages
from digest.newsletters import appeals, contributions
from digest.newsletters.members import Right
from digest.newsletters.models import Appeal
from digest.sending.appearances import appearances

FORM_TEMPLATE = "console/appeals/appeal.html"


@form_view(Right.EDIT)
def new(request: HttpRequest) -> HttpResponse:
    """Show an empty form, or create an appeal."""
    return _edit(request, None)


@form_view(Right.SEE)
def appeal(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an appeal, or change it."""
    row = _find(request, pk)
    if request.method == "POST":
        require_right(request, Right.EDIT, row.publication_id)
    return _edit(request, row)


@action_view(Right.EDIT)
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete an appeal, or archive one that ran; issues that carried it stay as they are."""
    row = _editable(request, pk)
    contributions.note(user_of(request), row.publication)
    record_action(request, "deleted the appeal", row, row.publication_id)
    if messages.retire(row, clock.now()):
        return done(request, "It ran, so it was archived with its numbers.", "appeal", pk)
    return done(request, "The appeal was deleted.", "appeals")


@action_view(Right.EDIT)
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an appeal out of the archive."""
    row = _editable(request, pk)
    contributions.note(user_of(request), row)
    appeals.restore(row, clock.now())
    record_action(request, "restored the appeal", row, row.publication_id)
    return done(request, "The appeal was restored. It is paused until you resume it.", "appeal", pk)


def _editable(request: HttpRequest, pk: int) -> Appeal:
    row = _find(request, pk)
    require_right(request, Right.EDIT, row.publication_id)
    return row


def _find(request: HttpRequest, pk: int) -> Appeal:
    rows = scope_of(request, Right.SEE).filter(Appeal.objects.select_related("publication"))
    row: Appeal = get_object_or_404(rows, pk=pk)
    return row


def _edit(request: HttpRequest, row: Appeal | None) -> HttpResponse:
    publications = scope_of(request, Right.EDIT).publications()
    may_edit = row is None or has_right(request, Right.EDIT, row.publication_id)
    form = AppealForm(request.POST or None, instance=row, publications=publications)
    if row and edit_conflicts.is_outdated(request, form.initial):
        form.add_error(None, edit_conflicts.CHANGED)
    if request.method == "POST" and form.is_valid() and (saved := _save(request, row, form)):
        record_action(request, "saved the appeal", saved, saved.publication_id)
        return done(request, "The appeal was saved.", "appeal", saved.pk)
    context = {
        "form": form,
        "appeal": row,
        "may_edit": may_edit,
        "can_edit": may_edit and not (row and row.archived_at),
        "zone": clock.zone(row.publication.timezone) if row else None,
        "state": row.state_at(clock.now()).label if row else "",
        "appearances": appearances(row) if row else [],
    }
    return render_page(request, FORM_TEMPLATE, str(row) if row else "New appeal", context)


def _save(request: HttpRequest, row: Appeal | None, form: AppealForm) -> Appeal | None:
    """Save the form; return None, with the reason in the form, for what cannot be."""
    values = dict(form.cleaned_data)
    publication, newsletters = values.pop("publication"), list(values.pop("newsletters"))
    with problems_on(form), transaction.atomic():
        if row is None:
            saved = appeals.create(publication, now=clock.now(), newsletters=newsletters, **values)
        else:
            contributions.note(user_of(request), row)
            saved = row
            appeals.change(saved, now=clock.now(), newsletters=newsletters, **values)
        contributions.note(user_of(request), saved)
        return saved
    return None


@action_view(Right.EDIT)
def duplicate(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a paused copy."""
    row = _editable(request, pk)
    with problems_on(request):
        copy = appeals.duplicate(row, clock.now())
        contributions.note(user_of(request), copy)
        record_action(request, "duplicated the appeal", row, row.publication_id)
        return done(request, "The copy is paused until you resume it.", "appeal", copy.pk)
    return redirect("appeal", pk)


@action_view(Right.EDIT)
def leave_out(request: HttpRequest, pk: int, issue_id: int) -> HttpResponse:
    """Hide the appeal in one issue that has not gone out."""
    row, issue = _find(request, pk), get_issue(request, issue_id, Right.EDIT)
    for block in issue.blocks.filter(appeal=row, hidden=False):
        with problems_on(request):
            block_editing.hide(issue, block.pk, user_of(request), hidden=True)
            success(request, "This issue goes out without it.")
            action = f"left the appeal out of issue {issue.pk}"
            record_action(request, action, row, row.publication_id)
    return redirect("appeal", row.pk)
