"""The lists of the console: issues, articles, sources, newsletters, publications, appeals."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.text import capfirst

from digest.articles.models import Article
from digest.articles.search import search_articles
from digest.console.access import has_right, scope_of
from digest.console.pages import page_view, render_page
from digest.console.tables import Column, Filter, Rows, build_table, search_in
from digest.core import clock
from digest.issues.models import Issue
from digest.newsletters.members import Right
from digest.sending.progress import progress

TEMPLATE = "console/list.html"


def render_list(
    request: HttpRequest,
    title: str,
    rows: Rows,
    columns: Sequence[Column],
    *,
    context: Mapping[str, Any] | None = None,
    **options: Any,
) -> HttpResponse:
    """Return the page of a list: a table by `options` of `build_table`, and the `context` of more.

    `add_url` and `add_label` lead to the page that adds a row, `links` to other pages.
    """
    table = build_table(request, rows, columns, label=title, **options)
    return render_page(request, TEMPLATE, title, {"table": table, **(context or {})})


@page_view(Right.SEE)
def issues(request: HttpRequest) -> HttpResponse:
    """List issues, the latest first."""
    scope = scope_of(request, Right.SEE)
    rows = scope.issues().filter(Issue.REGULAR).order_by("-slot", "-pk")
    newsletters = scope.newsletters().order_by("name").values_list("pk", "name")
    return render_list(
        request,
        "Issues",
        rows,
        (
            Column("Subject", lambda row: row.subject or f"Issue {row.pk}", "subject"),
            Column("Newsletter", lambda row: row.newsletter.name, "newsletter__name"),
            Column("Goes out", _send_time, "slot"),
            Column("State", lambda row: row.get_state_display().capitalize(), "state"),
            Column("Sent", _sent),
        ),
        url=lambda row: reverse("issue:detail", args=[row.pk]),
        empty="No issues yet. Create one from a newsletter page, or wait for its schedule.",
        filters=(
            Filter("state", "State", Issue.State.choices, lambda rows, v: rows.filter(state=v)),
            Filter(
                "newsletter",
                "Newsletter",
                [(str(pk), name) for pk, name in newsletters],
                lambda rows, value: rows.filter(newsletter=value),
            ),
        ),
        search=search_in("subject"),
        search_label="Subject contains",
    )


@page_view(Right.SEE)
def articles(request: HttpRequest) -> HttpResponse:
    """List articles as they came in, the newest first."""
    rows = scope_of(request, Right.SEE).offered_articles().order_by("-available_at", "-pk")
    return render_list(
        request,
        "Articles",
        rows.defer("body_html"),
        (
            Column("Title", lambda row: row.title or row.url, "title"),
            Column("Section", lambda row: row.section, "section"),
            Column("Available", _available, "available_at"),
        ),
        url=lambda row: reverse("article", args=[row.pk]),
        empty="No articles yet. They appear here when a source publishes.",
        search=search_articles,
        search_label="Search headlines, or paste a URL",
    )


@page_view(Right.SEE)
def sources(request: HttpRequest) -> HttpResponse:
    """List sources and how they are doing."""
    return render_list(
        request,
        "Sources",
        scope_of(request, Right.SEE).sources().order_by("title", "pk"),
        (
            Column("Title", lambda row: row.title or row.url, "title"),
            Column("URL", lambda row: row.url, "url"),
            Column("Kind", lambda row: capfirst(row.get_kind_display()), "kind"),
            Column("Failures", lambda row: row.failures, "failures"),
            Column("Problem", lambda row: row.problem),
        ),
        url=lambda row: reverse("source", args=[row.pk]),
        empty="No sources yet. Add one on a newsletter page.",
        filters=(Filter("status", "Status", _SOURCE_STATES, _source_state),),
        search=search_in("title", "url"),
        search_label="Title or URL contains",
    )


@page_view(Right.SEE)
def newsletters(request: HttpRequest) -> HttpResponse:
    """List newsletters."""
    links = [("Schedules", reverse("schedules"))]
    editable = scope_of(request, Right.EDIT).publications()
    add = reverse("newsletter-add") if editable.exists() else ""
    return render_list(
        request,
        "Newsletters",
        scope_of(request, Right.SEE).newsletters().order_by("name", "pk"),
        (
            Column("Name", lambda row: row.name, "name"),
            Column("Publication", lambda row: row.publication.name, "publication__name"),
            Column("State", lambda row: row.get_state_display(), "state"),
            Column("Approval", lambda row: row.get_approval_display(), "approval"),
        ),
        url=lambda row: reverse("newsletter", args=[row.pk]),
        empty="No newsletters yet.",
        search=search_in("name", "slug"),
        search_label="Name contains",
        context={"links": links, "add_url": add, "add_label": "New newsletter"},
    )


@page_view(Right.SEE)
def publications(request: HttpRequest) -> HttpResponse:
    """List publications."""
    add = reverse("setup:begin") if has_right(request, Right.MANAGE, None) else ""
    return render_list(
        request,
        "Publications",
        scope_of(request, Right.SEE).publications().order_by("name", "pk"),
        (
            Column("Name", lambda row: row.name, "name"),
            Column("Website", lambda row: row.url),
            Column("Sender", lambda row: row.sender_email),
            Column("Time zone", lambda row: row.timezone),
        ),
        url=lambda row: reverse("publication", args=[row.pk]),
        empty="No publications yet.",
        context={"add_url": add, "add_label": "New publication"},
    )


def _send_time(issue: Issue) -> str:
    """Say when an issue goes out, in the publication's zone."""
    return clock.format_moment(issue.goes_at, clock.zone(issue.newsletter.publication.timezone))


def _sent(issue: Issue) -> str:
    numbers = progress(issue)
    return f"{numbers.sent:,} of {numbers.eligible:,}" if numbers.eligible else ""


def _available(article: Article) -> str:
    return clock.format_moment(article.available_at)


_SOURCE_STATES = (("failing", "Failing"), ("off", "Switched off"))


def _source_state(rows: Rows, value: str) -> Rows:
    if value == "off":
        return rows.filter(switched_off_at__isnull=False)
    return rows.filter(failures__gt=0)
