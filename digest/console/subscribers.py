"""Subscribers: one subscriber's page and actions, and the recipients of an issue.

Pages continue after the last row, by an index: they are as fast with millions of rows.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import reverse

from digest.bounces.models import Bounce
from digest.console.access import (
    get_issue,
    get_subscriber,
    has_right,
    publications_of,
    record_action,
    record_for_publications,
    scope_of,
)
from digest.console.audience import profile, suppressing
from digest.console.pages import action_view, done, page_view, problems_on, render_page
from digest.console.tables import Column, batch_after, table_of
from digest.console.templatetags.console import server_reply
from digest.core import addresses, clock, languages
from digest.entitlements import personal_data
from digest.issues.models import Issue
from digest.newsletters.members import Right
from digest.newsletters.signup_forms.saving import names_of_sources
from digest.notices.models import Notice
from digest.relays.models import Dispatch
from digest.selfservice import data_export, erasure
from digest.sending import history, resending, uncertain
from digest.sending.models import AnyDelivery
from digest.sending.progress import progress
from digest.series.numbers import enrolments_of, passages_of
from digest.subscribers import consent, suppression
from digest.subscribers.models import ConsentEvent, Subscriber
from digest.tenancy.scope import PublicationScope
from digest.tenancy.visibility import PersonalDetails, details_of

PAGE = 50
_STATES = {state.label.replace(" ", "-"): state for state in Dispatch.State}
_NOT_ERASED = (
    "Nothing was erased. This subscriber also has newsletters, or pays for something, that you "
    "cannot see. All of it would be erased, so only an owner of all publications can do that. You "
    "can unsubscribe them from your newsletters."
)


@page_view(Right.SUBSCRIBERS)
def subscriber(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a subscriber: subscriptions, consent, issues and notices."""
    return show(request, pk)


def show(
    request: HttpRequest, pk: int, entered: dict[int, QueryDict] | None = None
) -> HttpResponse:
    """Return the page; with what was `entered` of a profile and could not be saved."""
    subscriber = get_subscriber(request, pk)
    scope = scope_of(request, Right.SUBSCRIBERS)
    after = request.GET.get("after", "")
    mails = scope.filter(history.of_subscriber(subscriber), "issue__newsletter__publication")
    if after.isdecimal():
        mails = mails.filter(id__lt=int(after[:18]))
    rows = list(mails[: PAGE + 1])
    context = {
        "subscriber": subscriber,
        "person": _known_details(details_of(subscriber, scope)),
        "subscriptions": scope.filter(subscriber.subscriptions.all(), "newsletter__publication")
        .select_related("newsletter")
        .order_by("newsletter__name"),
        "events": _events(subscriber, scope),
        "mails": _mails(request, rows[:PAGE]),
        "next": rows[PAGE - 1].pk if len(rows) > PAGE else "",
        **_returned(subscriber, scope),
        "suppressed": suppressing.is_suppressed(subscriber, scope),
        "notices": [
            (notice, clock.format_moment(notice.created_at))
            for notice in scope.filter(Notice.objects.filter(subscriber=subscriber)).order_by(
                "-id"
            )[:20]
        ],
        "enrolments": _enrolments(subscriber, scope),
        "profile_cards": profile.cards(subscriber, scope, entered or {}),
        "can_export": _is_reached(request, subscriber, Right.EXPORT),
        "can_erase": _is_reached(request, subscriber, Right.ERASE),
    }
    status = 422 if entered else 200
    return render_page(request, "console/subscriber.html", "Subscriber", context, status=status)


def _is_reached(request: HttpRequest, subscriber: Subscriber, right: Right) -> bool:
    """Say whether the user has a right in a newsletter of a subscriber."""
    return scope_of(request, right).subscribers().filter(pk=subscriber.pk).exists()


def _mails(request: HttpRequest, rows: Sequence[Any]) -> list[tuple[Any, str, bool]]:
    """Return what was sent to a subscriber: each with its time, and whether it can be resent."""
    scope = scope_of(request, Right.SEND)
    places = ((row, row.issue.newsletter) for row in rows)
    return [
        (row, clock.format_moment(row.at), scope.includes(place.publication_id, place.pk))
        for row, place in places
    ]


def _known_details(details: PersonalDetails) -> list[str]:
    """Return name, time zone and language of a subscriber, as far as they are known."""
    language = languages.NAMES.get(languages.primary(details.language), details.language)
    return [text for text in (details.name, details.timezone, language) if text]


def _enrolments(subscriber: Subscriber, scope: PublicationScope) -> list[dict[str, Any]]:
    """Return the series in scope that the subscriber is or was in, and which steps they had."""
    rows = [
        row
        for row in enrolments_of(subscriber)
        if scope.includes(row.series.newsletter.publication_id, row.series.newsletter_id)
    ]
    return [
        {
            "row": row,
            "entered": clock.format_moment(row.entered_at),
            "due": clock.format_moment(row.due_at) if row.due_at else "",
            "ended": clock.format_moment(row.ended_at) if row.ended_at else "",
            "passages": [(step, clock.format_moment(step.at)) for step in passages_of(row)],
        }
        for row in rows[:20]
    ]


def _events(subscriber: Subscriber, scope: PublicationScope) -> list[Any]:
    """Return the latest consent events in scope, each with its `source` for people."""
    events = ConsentEvent.objects.filter(subscriber=subscriber).select_related("newsletter")
    rows: list[Any] = list(scope.filter(events, "newsletter__publication").order_by("-at")[:PAGE])
    names = names_of_sources(row.via for row in rows)
    for row in rows:
        name = names.get(row.via)
        row.source = f"form “{name}”" if name else row.via
    return rows


def _returned(subscriber: Subscriber, scope: PublicationScope) -> dict[str, Any]:
    """Return the suppressions and bounces in scope; evidence may name another's issue."""
    bounces = scope.filter(
        Bounce.objects.filter(subscriber=subscriber), "issue__newsletter__publication"
    )
    rows = [
        (row, clock.format_moment(row.created_at), suppressing.may_lift(row, subscriber, scope))
        for row in suppression.suppressions_of(subscriber.address_key)
        if row.newsletter is None
        or scope.includes(row.newsletter.publication_id, row.newsletter_id)
    ]
    return {
        "suppressions": rows,
        "can_lift": any(may_lift for _, _, may_lift in rows),
        "is_everything": scope.is_everything,
        "bounces": [
            (row, clock.format_moment(row.at))
            for row in bounces.select_related("issue__newsletter").order_by("-at")[:PAGE]
        ],
    }


@action_view(Right.SUBSCRIBERS)
def unsubscribe(request: HttpRequest, pk: int) -> HttpResponse:
    """Unsubscribe a subscriber from a newsletter, on their request."""
    subscriber = get_subscriber(request, pk)
    newsletters = scope_of(request, Right.SUBSCRIBERS).newsletters()
    newsletter = get_object_or_404(newsletters, slug=request.POST.get("newsletter", ""))
    consent.unsubscribe(subscriber.pk, newsletter.pk, via="console", ip=None, now=clock.now())
    record_action(
        request, f"unsubscribed from {newsletter.name}", subscriber.email, newsletter.publication_id
    )
    return done(
        request, f"{subscriber.email} was unsubscribed from {newsletter.name}.", "subscriber", pk
    )


@action_view(Right.SEND)
def resend(request: HttpRequest, pk: int, issue_id: int) -> HttpResponse:
    """Resend an issue to one subscriber."""
    subscriber = get_subscriber(request, pk, Right.SEND)
    issue = get_issue(request, issue_id, Right.SEND)
    with problems_on(request):
        resending.send_copy(issue, subscriber, clock.now())
        record_action(request, f"resent {issue}", subscriber.email, issue.newsletter.publication_id)
        return done(request, f"Issue resent to {subscriber.email}.", "subscriber", pk)
    return redirect("subscriber", pk=pk)


@page_view(Right.EXPORT)
def export(request: HttpRequest, pk: int) -> HttpResponse:
    """Download a subscriber's data, without that of other publications' newsletters."""
    subscriber, scope = get_subscriber(request, pk, Right.EXPORT), scope_of(request, Right.EXPORT)
    publication_ids = publications_of(subscriber, scope)
    record_for_publications(request, "exported the subscriber", subscriber.email, publication_ids)
    name = f'attachment; filename="subscriber-{subscriber.pk}.json"'
    data = data_export.export_in_scope(subscriber, scope)
    response = JsonResponse(data, json_dumps_params={"indent": 2, "ensure_ascii": False})
    response.headers["Content-Disposition"] = name
    return response


@action_view(Right.ERASE)
def erase(request: HttpRequest, pk: int) -> HttpResponse:
    """Erase a subscriber on their request, if their address is entered as confirmation."""
    subscriber, scope = get_subscriber(request, pk, Right.ERASE), scope_of(request, Right.ERASE)
    if _is_known_elsewhere(subscriber, scope):
        messages.error(request, _NOT_ERASED)
        return redirect("subscriber", pk=pk)
    address = request.POST.get("address", "").strip().lower()
    if address != subscriber.email.lower():
        messages.error(request, "The address does not match. Nothing was erased.")
        return redirect("subscriber", pk=pk)
    publication_ids = publications_of(subscriber, scope)
    erasure.erase(subscriber.pk, clock.now())
    # The log names the id only: the address has to be forgotten.
    record_for_publications(request, "erased a subscriber", f"subscriber {pk}", publication_ids)
    return done(request, "Subscriber erased.", "subscribers")


def _is_known_elsewhere(subscriber: Subscriber, scope: PublicationScope) -> bool:
    """Say whether a subscriber has a newsletter out of scope, or pays another publication.

    All of that would be erased with them, though they may not subscribe there yet.
    """
    if scope.publication_ids is None:
        return False
    outside = subscriber.subscriptions.exclude(scope.condition("newsletter__publication"))
    publication_ids = set(scope.newsletters().values_list("publication", flat=True))
    publication_ids |= scope.publication_ids  # also one that has no newsletter
    foreign = personal_data.with_foreign_customers(publication_ids, [subscriber.pk])
    return bool(foreign) or outside.exists()


@page_view(Right.SUBSCRIBERS)
def deliveries(request: HttpRequest, pk: int) -> HttpResponse:
    """List the recipients of an issue, in one state or all."""
    issue = get_issue(request, pk, Right.SUBSCRIBERS)
    state = request.GET.get("state", "")
    after = request.GET.get("after", "")
    try:
        page = history.of_issue(issue, _STATES.get(state), after, PAGE)
    except history.PlaceError as problem:
        raise Http404 from problem
    counts = progress(issue)
    newsletter = issue.newsletter
    can_send = has_right(request, Right.SEND, newsletter.publication_id, newsletter.pk)
    can_resolve = can_send and state == "uncertain"
    table = table_of(
        request,
        batch_after(request, page.rows, page.next),
        _recipient_columns(request, issue) if can_resolve else _RECIPIENT_COLUMNS,
        label="Recipients",
        url=lambda row: reverse("subscriber", args=[row.subscriber_id]) if row.subscriber else "",
        empty="No recipients.",
    )
    context = {
        "issue": issue,
        "table": table,
        "state": state,
        "states": [(slug, row.label, _count(counts, row)) for slug, row in _STATES.items()],
        "eligible": counts.eligible,
        "uncertain": counts.uncertain,
        "can_resolve": can_resolve and page.rows,
    }
    return render_page(request, "console/deliveries.html", "Recipients", context)


_RECIPIENT_COLUMNS = (
    Column("Email", lambda row: row.subscriber.email if row.subscriber else "(erased)"),
    Column("State", lambda row: row.get_state_display().capitalize()),
    Column("Time", lambda row: clock.format_moment(row.at)),
    Column("Attempts", lambda row: row.attempts),
    Column("Reply", lambda row: server_reply(row.reply, row.reply_code, "Show")),
)


def _recipient_columns(request: HttpRequest, issue: Issue) -> tuple[Column, ...]:
    """Return the columns with the buttons that resolve an uncertain delivery."""

    def buttons(row: AnyDelivery) -> str:
        context = {"issue": issue, "email": row.subscriber.email if row.subscriber else ""}
        return render_to_string("console/issues/_resolve.html", context, request)

    return (*_RECIPIENT_COLUMNS, Column("Resolve", buttons))


@action_view(Right.SEND)
def resolve(request: HttpRequest, pk: int) -> HttpResponse:
    """Resolve uncertain deliveries: one subscriber's, or all of an issue."""
    issue, data = get_issue(request, pk, Right.SEND), request.POST
    if data.get("way") not in _RESOLUTIONS:
        raise Http404
    apply, result = _RESOLUTIONS[data["way"]]
    with problems_on(request):
        email = data.get("email", "")
        number = apply(issue, clock.now(), addresses.parse(email).key if email else "")
        record_action(
            request, f"{number:,} uncertain {result}", issue, issue.newsletter.publication_id
        )
        messages.success(request, f"{number:,} {result}.")
    return redirect(f"{reverse('deliveries', args=[pk])}?state=uncertain")


_RESOLUTIONS = {
    "sent": (uncertain.mark_sent, "marked as sent"),
    "again": (uncertain.resend, "sent again"),
    "failed": (uncertain.mark_failed, "marked as failed"),
}


def _count(counts: Any, state: Dispatch.State) -> int:
    name = "in_flight" if state is Dispatch.State.CLAIMED else state.name.lower()
    return int(getattr(counts, name))
