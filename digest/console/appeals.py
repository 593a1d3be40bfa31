"""Appeals: what is typed about one, and how it looks in a mail."""

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.core.validators import URLValidator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from digest.articles.models import LONGEST_URL
from digest.console.access import editors, reach
from digest.console.issues import previews
from digest.core import clock
from digest.core.errors import DigestError
from digest.issues.models import Issue, Story
from digest.newsletters.members import Right, within
from digest.newsletters.models import Appeal, Newsletter
from digest.rendering.issue import compile_issue

_WEB = URLValidator(schemes=["http", "https"])


class AppealForm(forms.ModelForm):  # type: ignore[type-arg]  # Django has no arguments for it
    """An appeal; its times are in UTC, as the labels say."""

    url = forms.URLField(
        label="Where the button leads",
        assume_scheme="https",
        max_length=LONGEST_URL,
        validators=[_WEB],
        error_messages={"invalid": "This is no web address. One looks like https://…."},
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "url"}),
    )

    class Meta:
        model = Appeal
        fields: ClassVar[Any] = (
            *("publication", "heading", "body", "button", "url", "starts_at", "ends_at"),
        )
        labels: ClassVar[Any] = {
            "body": "Words",
            "button": "On the button",
            "starts_at": "From (UTC)",
            "ends_at": "Until (UTC)",
        }
        help_texts: ClassVar[Any] = {
            "heading": "It stands above the words, like “A message from the Courier”.",
            "body": "Plain text. An empty line begins a new paragraph.",
            "button": "Two or three words, like “Support us”.",
            "starts_at": "Issues built from then on may carry it; several appeals take turns.",
            "ends_at": "Empty: until somebody says when.",
        }
        widgets: ClassVar[Any] = {"body": UnfoldAdminTextareaWidget(attrs={"rows": 6})}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "ends_at" in self.fields:  # whoever only looks has no fields
            self.fields["ends_at"].required = False
            choice: Any = self.fields["publication"].widget
            choice.can_add_related = choice.can_change_related = choice.can_view_related = False

    def clean(self) -> dict[str, Any]:
        """Hold the end to the beginning."""
        given = super().clean() or {}
        starts, ends = given.get("starts_at"), given.get("ends_at")
        if starts and ends and ends <= starts:
            self.add_error("ends_at", "It would end before it begins.")
        return given


@require_safe
@editors
@xframe_options_sameorigin
def preview(request: HttpRequest, appeal: int) -> HttpResponse:
    """Show an appeal in a mail with a story made up for it; `?scheme=` is light or dark."""
    ours = Appeal.objects.filter(within(reach(request, Right.SEE))).select_related("publication")
    found = get_object_or_404(ours, pk=appeal)
    try:
        html = previews.turned(_mail(found, clock.now()), request.GET.get("scheme", ""))
        response = HttpResponse(html)
    except DigestError as problem:
        response = HttpResponse(str(problem), content_type="text/plain; charset=utf-8")
    response.headers["Content-Security-Policy"] = previews.POLICY
    return response


def _mail(appeal: Appeal, now: datetime) -> str:
    """Return the HTML of a mail that nobody gets."""
    publication = appeal.publication
    newsletter = Newsletter(
        publication=publication,
        slug="example",
        name=publication.name,
        list_id=f"example.{publication.sender_domain}",
        subject=publication.name,
        preheader="",
    )
    story = Story(position=0, title="A headline", summary="What the story is about.")
    return compile_issue(Issue(newsletter=newsletter, slot=now), [story], appeal).html()
