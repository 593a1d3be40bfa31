"""The attributes that publications give their subscribers: listed, defined, changed, deleted."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from digest.console.access import record_action, require_right, scope_of
from digest.console.fields import offer_rows
from digest.console.pages import action_view, done, form_view, problems_on, render_page
from digest.core import clock
from digest.newsletters.audiences.models import Attribute
from digest.newsletters.members import Right
from digest.newsletters.models import Publication
from digest.subscribers import attributes
from digest.tenancy.scope import PublicationScope


class AttributeForm(forms.Form):
    """An attribute; `subscribers.attributes` checks it. Publication and kind only of a new one."""

    publication = forms.ModelChoiceField(Publication.objects.none(), empty_label=None)
    label = forms.CharField(max_length=100, help_text="For example “City”.")
    kind = forms.ChoiceField(label="Type", choices=Attribute.Kind, help_text="It cannot change.")
    choices = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Only for the type “Choice”: each on a line of its own.",
    )

    access = forms.ChoiceField(
        label="On public pages, subscribers can",
        required=False,
        choices=Attribute.Access,
        help_text="On the preferences page, and in the sign-up form.",
    )

    def __init__(
        self, scope: PublicationScope, data: Any = None, attribute: Attribute | None = None
    ) -> None:
        values = {}
        if attribute:
            values = {
                "label": attribute.label,
                "choices": "\n".join(attribute.choices),
                "access": attribute.access,
            }
        super().__init__(data, initial=values)
        if attribute:
            del self.fields["publication"], self.fields["kind"]
            if attribute.kind != Attribute.Kind.CHOICE:
                del self.fields["choices"]
        else:
            offer_rows(self, "publication", scope.publications().order_by("name"))

    def values(self) -> dict[str, Any]:
        """Return what the form holds, as `subscribers.attributes` takes it."""
        values = dict(self.cleaned_data)
        values["access"] = values["access"] or Attribute.Access.NONE
        if "choices" in values:
            values["choices"] = values["choices"].splitlines()
        return values


@form_view(Right.SUBSCRIBERS)
def attributes_page(request: HttpRequest) -> HttpResponse:
    """List attributes, and define one."""
    scope = scope_of(request, Right.SUBSCRIBERS)
    form = AttributeForm(scope, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with problems_on(form):
            row = attributes.define(now=clock.now(), **form.values())
            record_action(request, "defined the attribute", row, row.publication_id)
            return done(request, f"“{row}” can be set now.", "attributes")
    rows = _rows(request).order_by("publication__name", "label", "pk")
    context = {"rows": rows, "form": form}
    return render_page(request, "console/audience/attributes.html", "Attributes", context)


@form_view(Right.SUBSCRIBERS)
def attribute(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an attribute, or change it."""
    row = get_object_or_404(_rows(request), pk=pk)
    form = AttributeForm(scope_of(request, Right.SUBSCRIBERS), request.POST or None, row)
    if request.method == "POST" and form.is_valid():
        require_right(request, Right.SUBSCRIBERS, row.publication_id)
        with problems_on(form):
            attributes.change(row, **form.values())
            record_action(request, "changed the attribute", row, row.publication_id)
            return done(request, "The attribute was saved.", "attribute", pk)
    context = {"attribute": row, "form": form}
    return render_page(request, "console/audience/attribute.html", row.label, context)


@action_view(Right.SUBSCRIBERS)
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete an attribute with every value."""
    row = get_object_or_404(_rows(request), pk=pk)
    with problems_on(request):
        attributes.delete(row)
        record_action(request, "deleted the attribute", row, row.publication_id)
        return done(request, f"“{row}” and its values were deleted.", "attributes")
    return redirect("attribute", pk)


def _rows(request: HttpRequest) -> QuerySet[Attribute]:
    scope = scope_of(request, Right.SUBSCRIBERS)
    return scope.filter(Attribute.objects.select_related("publication"))
