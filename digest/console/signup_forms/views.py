"""Sign-up forms: a list, and the page on which one is designed."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from digest.console import edit_conflicts
from digest.console.access import has_right, record_action, require_right, scope_of
from digest.console.lists import TEMPLATE
from digest.console.pages import action_view, done, form_view, page_view, problems_on, render_page
from digest.console.signup_forms.forms import DesignForm
from digest.console.tables import Column, build_table, search_in
from digest.core import clock
from digest.core.links import Page, absolute
from digest.newsletters.members import Right
from digest.newsletters.models import Publication
from digest.newsletters.publicity.states import PUBLIC
from digest.newsletters.signup_forms import embedding
from digest.newsletters.signup_forms.models import SignUpForm
from digest.newsletters.signup_forms.saving import save_form
from digest.subscribers.signups import wording_version

PAGE = "console/signup_forms/form.html"


@page_view(Right.SEE)
def signup_forms(request: HttpRequest) -> HttpResponse:
    """List sign-up forms, and the catalogue of each publication."""
    table = build_table(
        request,
        _rows(request).order_by("name", "pk"),
        (
            Column("Name", str, "name"),
            Column("Where it stands", lambda row: row.get_kind_display(), "kind"),
            Column("Publication", lambda row: row.publication.name, "publication__name"),
        ),
        label="Forms",
        url=lambda row: reverse("signup-form-design", args=[row.pk]),
        empty="No forms yet. Design one, and put one line of script on your site.",
        search=search_in("name"),
        search_label="Name contains",
    )
    context: dict[str, Any] = {"table": table, "links": _links(request)}
    editable = scope_of(request, Right.EDIT).publications().order_by("name", "pk")
    if first := editable.first():
        context["add_url"] = reverse("signup-form-add", args=[first.pk])
        context["add_label"] = f"New form of {first.name}" if len(editable) > 1 else "New form"
        context["links"] += [
            (f"New form of {row.name}", reverse("signup-form-add", args=[row.pk]))
            for row in editable[1:]
        ]
    return render_page(request, TEMPLATE, "Forms", context)


@form_view(Right.EDIT)
def new(request: HttpRequest, publication: int) -> HttpResponse:
    """Show an empty design, or create a form."""
    publications = scope_of(request, Right.EDIT).publications()
    return _edit(request, get_object_or_404(publications, pk=publication), None)


@form_view(Right.SEE)
def design(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a form, or change it."""
    row = _find(request, pk)
    if request.method == "POST":
        require_right(request, Right.EDIT, row.publication_id)
    return _edit(request, row.publication, row)


@action_view(Right.EDIT)
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a form; its line of script draws nothing from then on."""
    row = _find(request, pk)
    require_right(request, Right.EDIT, row.publication_id)
    record_action(request, "deleted the sign-up form", row, row.publication_id)
    row.delete()
    return done(request, f"“{row}” was deleted.", "signup-forms")


def _edit(request: HttpRequest, publication: Publication, row: SignUpForm | None) -> HttpResponse:
    form = DesignForm(request.POST or None, publication, row)
    if row and edit_conflicts.is_outdated(request, form.initial):
        form.add_error(None, edit_conflicts.CHANGED)
    if request.method == "POST" and form.is_valid() and (saved := _save(form)):
        record_action(request, "saved the sign-up form", saved, publication.pk)
        return done(request, f"“{saved}” was saved.", "signup-form-design", saved.pk)
    context = {
        "form": form,
        "design": row,
        "publication": publication,
        "can_edit": has_right(request, Right.EDIT, publication.pk),
        "newsletters": publication.newsletters.public().exists(),
        "version": wording_version(row.consent) if row else "",
        "snippet": embedding.snippet(row) if row else "",
        "origin": absolute(""),
        "page": embedding.page_url(row) if row else "",
    }
    status = 422 if request.method == "POST" else 200
    return render_page(request, PAGE, str(row) if row else "New form", context, status=status)


def _save(form: DesignForm) -> SignUpForm | None:
    """Save the form; return None, with the reason in the form, for what cannot be.

    What it cannot offer at the moment, and so does not show, stays its own.
    """
    values = dict(form.cleaned_data)
    newsletters, attributes = list(values.pop("newsletters")), list(values.pop("attributes"))
    with problems_on(form):
        return save_form(
            form.instance,
            newsletters=newsletters,
            attributes=attributes,
            now=clock.now(),
            keeps_not_offered=True,
            **values,
        )
    return None


def _links(request: HttpRequest) -> list[tuple[str, str]]:
    publications = scope_of(request, Right.SEE).publications()
    public = publications.filter(newsletters__state__in=PUBLIC).distinct().order_by("name", "pk")
    return [(f"Catalogue of {row.name}", Page.CATALOGUE.url(slug=row.slug)) for row in public[:20]]


def _rows(request: HttpRequest) -> Any:
    rows = SignUpForm.objects.select_related("publication")
    return scope_of(request, Right.SEE).filter(rows)


def _find(request: HttpRequest, pk: int) -> SignUpForm:
    row: SignUpForm = get_object_or_404(_rows(request), pk=pk)
    return row
