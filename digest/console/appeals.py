"""Appeals: the form of one, and how it looks in a mail."""

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.core.validators import URLValidator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.clickjacking import xframe_options_sameorigin

from digest.console.access import (
    has_right,
    record_action,
    require_right,
    scope_of,
    user_of,
)
from digest.console.issues import previews
from digest.console.pages import action_view, done, form_view, page_view, render_page
from digest.core import clock
from digest.core.errors import DigestError
from digest.core.text import LONGEST_URL
from digest.issues.models import Block, Issue, Story
from digest.newsletters import contributions
from digest.newsletters.block_fields import BlockKind
from digest.newsletters.members import Right
from digest.newsletters.models import Appeal, Newsletter, Publication
from digest.rendering.issue import compile_issue

FORM_TEMPLATE = "console/appeal.html"
_WEB = URLValidator(schemes=["http", "https"])
_MOMENT = "%Y-%m-%dT%H:%M"


class AppealForm(forms.ModelForm):  # type: ignore[type-arg]  # Django has no arguments for it
    """An appeal; its times are in UTC, as the labels say."""

    url = forms.URLField(
        label="Button URL",
        assume_scheme="https",
        max_length=LONGEST_URL,
        validators=[_WEB],
        error_messages={"invalid": "Enter a web address, for example https://example.org/."},
        widget=forms.TextInput(attrs={"inputmode": "url"}),
    )

    class Meta:
        model = Appeal
        fields: ClassVar[Any] = (
            *("publication", "heading", "body", "button", "url", "starts_at", "ends_at"),
        )
        labels: ClassVar[Any] = {
            "body": "Text",
            "button": "Button label",
            "starts_at": "From (UTC)",
            "ends_at": "Until (UTC)",
        }
        help_texts: ClassVar[Any] = {
            "heading": "Shown above the text, for example “A message from the Courier”.",
            "body": "Plain text. An empty line starts a new paragraph.",
            "button": "Two or three words, for example “Support us”.",
            "starts_at": "Issues built from then on can contain it. Several appeals take turns.",
            "ends_at": "Leave empty for no end.",
        }
        widgets: ClassVar[Any] = {
            "body": forms.Textarea(attrs={"rows": 6}),
            "starts_at": forms.DateTimeInput({"type": "datetime-local"}, format=_MOMENT),
            "ends_at": forms.DateTimeInput({"type": "datetime-local"}, format=_MOMENT),
        }

    def __init__(self, *args: Any, publications: QuerySet[Publication], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["ends_at"].required = False
        choice: Any = self.fields["publication"]
        choice.queryset, choice.empty_label = publications, None

    def clean(self) -> dict[str, Any]:
        """Refuse an end before the start."""
        values = super().clean() or {}
        starts, ends = values.get("starts_at"), values.get("ends_at")
        if starts and ends and ends <= starts:
            self.add_error("ends_at", "The end must be after the start.")
        return values


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
    """Delete an appeal; issues that carried it stay as they are."""
    row = _find(request, pk)
    require_right(request, Right.EDIT, row.publication_id)
    contributions.note(user_of(request), row.publication)
    record_action(request, "deleted the appeal", row, row.publication_id)
    row.delete()
    return done(request, "The appeal was deleted.", "appeals")


def _find(request: HttpRequest, pk: int) -> Appeal:
    rows = scope_of(request, Right.SEE).filter(Appeal.objects.select_related("publication"))
    row: Appeal = get_object_or_404(rows, pk=pk)
    return row


def _edit(request: HttpRequest, row: Appeal | None) -> HttpResponse:
    publications = scope_of(request, Right.EDIT).publications()
    can_edit = row is None or has_right(request, Right.EDIT, row.publication_id)
    form = AppealForm(request.POST or None, instance=row, publications=publications)
    if request.method == "POST" and form.is_valid():
        if row:
            contributions.note(user_of(request), row)
        saved = form.save()
        contributions.note(user_of(request), saved)
        record_action(request, "saved the appeal", saved, saved.publication_id)
        return done(request, "The appeal was saved.", "appeal", saved.pk)
    title = row.heading if row else "New appeal"
    context = {"form": form, "appeal": row, "can_edit": can_edit}
    return render_page(request, FORM_TEMPLATE, title, context)


@page_view(Right.SEE)
@xframe_options_sameorigin
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an appeal in an example mail; `?scheme=` is light or dark."""
    row = _find(request, pk)
    try:
        html = previews.force_scheme(_mail(row, clock.now()), request.GET.get("scheme", ""))
        response = HttpResponse(html)
    except DigestError as problem:
        response = HttpResponse(str(problem), content_type="text/plain; charset=utf-8")
    response.headers["Content-Security-Policy"] = previews.POLICY
    return response


def _mail(appeal: Appeal, now: datetime) -> str:
    """Return the HTML of an example mail."""
    publication = appeal.publication
    newsletter = Newsletter(
        publication=publication,
        slug="example",
        name=publication.name,
        list_id=f"example.{publication.sender_domain}",
        subject=publication.name,
        preheader="",
    )
    issue = Issue(newsletter=newsletter, slot=now)
    blocks = [Block(position=0, kind=BlockKind.LEAD), Block(position=1, kind=BlockKind.APPEAL)]
    blocks[1].appeal = appeal
    summary = "What the story is about."
    story = Story(block=blocks[0], position=0, title="A headline", summary=summary)
    return compile_issue(issue, blocks, [story]).html()
