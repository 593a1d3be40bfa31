"""A source: its status, its articles and the newsletters that use it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from digest.articles import polling, switching
from digest.articles.models import Source
from digest.console.access import record_action, scope_of
from digest.console.pages import action_view, page_view, problems_on, render_page
from digest.core import clock
from digest.core.text import counted
from digest.newsletters.members import Right

LISTED_ARTICLES = 20


@page_view(Right.SEE)
def source(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a source."""
    scope = scope_of(request, Right.SEE)
    row: Source = get_object_or_404(scope.sources(), pk=pk)
    newest = row.articles.defer("body_html").order_by("-available_at", "pk")[:LISTED_ARTICLES]
    editable = scope_of(request, Right.EDIT).sources()
    context = {
        "source": row,
        "times": _times(row),
        "articles": [(article, clock.format_moment(article.available_at)) for article in newest],
        "newsletters": scope.newsletters().filter(sources=row).order_by("name"),
        "can_edit": editable.filter(pk=pk).exists(),
    }
    return render_page(request, "console/source.html", "Source", context)


@action_view(Right.EDIT)
def poll(request: HttpRequest, pk: int) -> HttpResponse:
    """Check a source for new articles now."""
    source = get_object_or_404(scope_of(request, Right.EDIT).sources(), pk=pk)
    with problems_on(request):
        polled = polling.poll(source, clock.now())
        if polled.problem:
            messages.error(request, polled.problem)
        else:
            new = counted(polled.new, "new article")
            messages.success(request, f"{new}, {polled.changed} changed.")
        record_action(request, "checked a source", source, source.publication_id)
    return redirect("source", pk=pk)


@action_view(Right.EDIT)
def switch_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a source on again."""
    source = get_object_or_404(scope_of(request, Right.EDIT).sources(), pk=pk)
    if switching.switch_on(source, clock.now()):
        messages.success(request, "The source is switched on. It is checked within a minute.")
        record_action(request, "switched a source on", source, source.publication_id)
    return redirect("source", pk=pk)


def _times(source: Source) -> list[tuple[str, str]]:
    """Return when a source was and will be checked, in UTC."""
    dates = (
        ("Last checked", source.polled_at),
        ("Last success", source.succeeded_at),
        ("Next check", source.next_poll_at if source.is_polled else None),
        ("Moved", source.moved_at),
        ("Gone since", source.gone_at),
        ("Switched off since", source.switched_off_at),
    )
    return [(name, clock.format_moment(at)) for name, at in dates if at]
