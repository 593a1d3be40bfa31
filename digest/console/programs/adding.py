"""A page that lists other programs, with a form that adds one; its secret is shown once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse

from digest.connectors.models import Connection
from digest.console.access import record_action, require_right, scope_of
from digest.console.pages import done, problems_on, render_page
from digest.newsletters.members import Right
from digest.newsletters.models import Publication
from digest.tenancy.scope import PublicationScope
from digest.webhooks.models import Webhook

ALL_PUBLICATIONS = ("", "All publications")


class AddForm(forms.Form):
    """A new program of a publication that its user manages, or of all publications (None)."""

    offers_all: ClassVar[bool] = False

    def __init__(self, scope: PublicationScope, data: Any = None) -> None:
        super().__init__(data)
        self._publications = scope.publications().order_by("name")
        choice: Any = self.fields["publication"]
        choice.choices = [
            *self._publications.values_list("pk", "name"),
            *([ALL_PUBLICATIONS] if self.offers_all and scope.is_everything else []),
        ]

    def clean_publication(self) -> Publication | None:
        """Return the row that was chosen."""
        chosen = self.cleaned_data["publication"]
        return self._publications.get(pk=chosen) if chosen else None


@dataclass(frozen=True, slots=True)
class AddPage:
    """Such a page: `context` lists what is there, `create` makes one of what the form holds.

    Both return what the template takes. `create` raises DigestError, which the form shows.
    """

    template: str
    title: str
    form: type[AddForm]
    context: Callable[[HttpRequest], dict[str, Any]]
    create: Callable[[HttpRequest, dict[str, Any]], dict[str, Any]]

    def show(self, request: HttpRequest) -> HttpResponse:
        """Show the page."""
        return self._render(request, {})

    def add(self, request: HttpRequest) -> HttpResponse:
        """Add a program, and show its secret; or the form with what is wrong."""
        form = self.form(scope_of(request, Right.MANAGE), request.POST)
        with problems_on(form):
            if form.is_valid():
                publication = form.cleaned_data["publication"]
                require_right(request, Right.MANAGE, publication.pk if publication else None)
                return self._render(request, self.create(request, form.cleaned_data))
        return self._render(request, {"form": form})

    def _render(self, request: HttpRequest, values: dict[str, Any]) -> HttpResponse:
        form = self.form(scope_of(request, Right.MANAGE))
        context = {"form": form, **self.context(request), **values}
        return render_page(request, self.template, self.title, context)


def remove_row(
    request: HttpRequest, row: Connection | Webhook, noun: str, page: str
) -> HttpResponse:
    """Delete a program, and return to its page."""
    row.delete()
    record_action(request, f"removed a {noun}", row.name, row.publication_id)
    return done(request, f"{row.name} was removed.", page)
