"""Appeals and sponsors: the form of one, how it looks in a mail, and where it ran."""

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.core.validators import URLValidator
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.clickjacking import xframe_options_sameorigin

from digest.accounts.models import User
from digest.console.access import (
    get_issue,
    has_right,
    record_action,
    require_right,
    scope_of,
    user_of,
)
from digest.console.issues import previews
from digest.console.pages import action_view, done, form_view, page_view, render_page, report
from digest.core import clock
from digest.core.errors import DigestError
from digest.core.text import LONGEST_URL
from digest.issues import block_editing
from digest.issues.models import Block, Issue, Story
from digest.newsletters import appeals, contributions
from digest.newsletters.block_fields import BlockKind
from digest.newsletters.members import Right
from digest.newsletters.models import Appeal, Newsletter, Publication
from digest.rendering.issue import compile_issue
from digest.sending.appearances import appearances

FORM_TEMPLATE = "console/appeal.html"
_WEB = URLValidator(schemes=["http", "https"])
_MOMENT = "%Y-%m-%dT%H:%M"
CARDS = {  # the fields of the form, by the title of their card
    "Content": (
        "publication",
        "kind",
        "name",
        "label",
        "heading",
        "body",
        "button",
        "url",
        "style",
    ),
    "When": ("starts_at", "ends_at", "paused", "newsletters"),
    "Turns and limits": ("priority", "weight", "cap", "cap_days"),
}


class AppealForm(forms.ModelForm):  # type: ignore[type-arg]  # Django has no arguments for it
    """An appeal or a sponsor; its times are the publication's. `appeals` checks the rules."""

    url = forms.URLField(
        label="Link",
        assume_scheme="https",
        max_length=LONGEST_URL,
        validators=[_WEB],
        error_messages={"invalid": "Enter a web address, for example https://example.org/."},
        widget=forms.TextInput(attrs={"inputmode": "url"}),
    )

    class Meta:
        model = Appeal
        fields: ClassVar[Any] = [name for names in CARDS.values() for name in names]
        labels: ClassVar[Any] = {
            "name": "Name for the team",
            "body": "Text",
            "button": "Button label",
            "starts_at": "From",
            "ends_at": "Until",
            "cap": "At most, for one subscriber",
            "cap_days": "Within days",
        }
        help_texts: ClassVar[Any] = {
            "name": "Only in the console. Leave empty to use the heading.",
            "label": "Above a sponsor, for example “Sponsored”.",
            "heading": "For example “A message from the Courier”, or the sponsor's name.",
            "body": "Plain text. An empty line starts a new paragraph.",
            "button": "Two or three words, for example “Support us”.",
            "ends_at": "Leave empty for no end.",
            "newsletters": "None selected: all newsletters of the publication.",
            "priority": "The highest priority goes first.",
            "weight": "Its share among those of the same priority: 2 is shown twice as often as 1.",
            "cap": "How many times. Leave empty for no limit.",
            "cap_days": "Leave empty to count all issues.",
        }
        widgets: ClassVar[Any] = {
            "body": forms.Textarea(attrs={"rows": 6}),
            "starts_at": forms.DateTimeInput({"type": "datetime-local"}, format=_MOMENT),
            "ends_at": forms.DateTimeInput({"type": "datetime-local"}, format=_MOMENT),
            "newsletters": forms.CheckboxSelectMultiple,
        }

    def __init__(self, *args: Any, publications: QuerySet[Publication], **options: Any) -> None:
        instance = options.get("instance")
        if instance:
            zone = clock.zone(instance.publication.timezone)
            options["initial"] = {
                name: value.astimezone(zone).replace(tzinfo=None)
                for name in ("starts_at", "ends_at")
                if (value := getattr(instance, name))
            }
        super().__init__(*args, **options)
        publication: Any = self.fields["publication"]
        publication.queryset, publication.empty_label = publications, None
        newsletters: Any = self.fields["newsletters"]
        newsletters.queryset = Newsletter.objects.filter(publication__in=publications)
        zones = sorted({row.timezone for row in publications})
        is_single = instance is not None or len(zones) == 1
        zone_name = instance.publication.timezone if instance else ", ".join(zones)
        place = zone_name if is_single else f"of the publication ({zone_name})"
        self.fields["starts_at"].help_text = f"Time zone {place}. Issues built from then on."

    def cards(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Return the fields in groups, each with its title."""
        return [(title, [self[name] for name in names]) for title, names in CARDS.items()]

    def clean(self) -> dict[str, Any]:
        """Read the times in the publication's zone; refuse an end before the start."""
        values = super().clean() or {}
        if publication := values.get("publication"):
            zone = clock.zone(publication.timezone)
            for name in ("starts_at", "ends_at"):
                if value := values.get(name):
                    values[name] = value.replace(tzinfo=zone)
        starts, ends = values.get("starts_at"), values.get("ends_at")
        if starts and ends and ends <= starts:
            self.add_error("ends_at", "The end must be after the start.")
        return values

    def _post_clean(self) -> None:
        """Leave the instance as it is: `digest.newsletters.appeals` changes it."""


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
    if request.method == "POST" and form.is_valid() and (saved := _save(request, row, form)):
        record_action(request, "saved the appeal", saved, saved.publication_id)
        return done(request, "The appeal was saved.", "appeal", saved.pk)
    context = {
        "form": form,
        "appeal": row,
        "can_edit": can_edit,
        "state": row.state_at(clock.now()).label if row else "",
        "appearances": appearances(row) if row else [],
    }
    return render_page(request, FORM_TEMPLATE, str(row) if row else "New appeal", context)


def _save(request: HttpRequest, row: Appeal | None, form: AppealForm) -> Appeal | None:
    """Save the form; return None, with the reason in the form, for what cannot be."""
    values = dict(form.cleaned_data)
    publication, newsletters = values.pop("publication"), list(values.pop("newsletters"))
    try:
        with transaction.atomic():
            if row is None:
                saved = appeals.create(
                    publication, now=clock.now(), newsletters=newsletters, **values
                )
            else:
                contributions.note(user_of(request), row)
                saved = row
                appeals.change(saved, now=clock.now(), newsletters=newsletters, **values)
            contributions.note(user_of(request), saved)
    except DigestError as problem:
        form.add_error(None, str(problem))
        return None
    return saved


@action_view(Right.EDIT)
def duplicate(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a paused copy."""
    row = _find(request, pk)
    require_right(request, Right.EDIT, row.publication_id)
    copy = appeals.duplicate(row, clock.now())
    contributions.note(user_of(request), copy)
    record_action(request, "duplicated the appeal", row, row.publication_id)
    return done(request, "The copy is paused until you resume it.", "appeal", copy.pk)


@action_view(Right.EDIT)
def leave_out(request: HttpRequest, pk: int, issue_id: int) -> HttpResponse:
    """Hide the appeal in one issue that has not gone out."""
    row, issue = _find(request, pk), get_issue(request, issue_id, Right.EDIT)
    for block in issue.blocks.filter(appeal=row, hidden=False):
        block_id = block.pk
        if report(request, lambda: _hide(issue, block_id, user_of(request))):  # noqa: B023  at once
            action = f"left the appeal out of issue {issue.pk}"
            record_action(request, action, row, row.publication_id)
    return redirect("appeal", row.pk)


def _hide(issue: Issue, block_id: int, by: User) -> str:
    block_editing.hide(issue, block_id, by, hidden=True)
    return "This issue goes out without it."


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
    blocks = [Block(position=0, kind=BlockKind.LEAD), Block(position=1, kind=appeal.kind)]
    blocks[1].appeal = appeal
    summary = "What the story is about."
    story = Story(block=blocks[0], position=0, title="A headline", summary=summary)
    return compile_issue(issue, blocks, [story]).html()
