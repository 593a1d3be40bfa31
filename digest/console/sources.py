"""A source: how it is doing, what it brought, who carries it."""

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from digest.articles import polling
from digest.articles.models import Source
from digest.console.access import record_action, right_required, scope_of
from digest.core import clock
from digest.core.errors import DigestError
from digest.newsletters.members import Right

SHOWN = 20  # of its articles


@require_safe
@right_required(Right.SEE)
def source(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a source."""
    scope = scope_of(request, Right.SEE)
    found: Source = get_object_or_404(scope.sources(), pk=pk)
    newest = found.articles.defer("body_html").order_by("-available_at", "pk")[:SHOWN]
    edits = scope_of(request, Right.EDIT).sources()
    context = {
        **admin.site.each_context(request),
        "title": "Source",
        "source": found,
        "times": _times(found),
        "articles": [(one, clock.format_moment(one.available_at)) for one in newest],
        "newsletters": scope.newsletters().filter(sources=found).order_by("name"),
        "can_edit": edits.filter(pk=pk).exists(),
    }
    return render(request, "console/source.html", context)


@require_POST
@right_required(Right.EDIT)
def poll(request: HttpRequest, pk: int) -> HttpResponse:
    """Look at a source now."""
    found = get_object_or_404(scope_of(request, Right.EDIT).sources(), pk=pk)
    try:
        polled = polling.poll(found, clock.now())
    except DigestError as problem:
        messages.error(request, str(problem))
        return redirect("source", pk=pk)
    said = polled.problem or f"{polled.new} new articles, {polled.changed} changed."
    (messages.error if polled.problem else messages.success)(request, said)
    record_action(request, "looked at a source", found)
    return redirect("source", pk=pk)


def _times(found: Source) -> list[tuple[str, str]]:
    """Return when it was asked, and when it will be, in UTC."""
    moments = (
        ("Last asked", found.polled_at),
        ("Last answered well", found.succeeded_at),
        ("Asked next", None if found.gone_at else found.next_poll_at),
        ("Gone for good since", found.gone_at),
    )
    return [(name, clock.format_moment(at)) for name, at in moments if at]
