"""Who got it: subscribers found by address, one subscriber's whole story, an issue's deliveries.

Pages go on behind the last row that was seen, by an index: they take as long at millions.
"""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from digest.console.access import (
    get_issue,
    get_subscriber,
    has_right,
    record_action,
    right_required,
    scope_of,
)
from digest.core import addresses, clock
from digest.core.errors import DigestError
from digest.newsletters.members import Right
from digest.notices.models import Notice
from digest.relays.models import Dispatch
from digest.selfservice import data_export, erasure
from digest.sending import history, resending, uncertain
from digest.sending.progress import progress
from digest.subscribers import consent, suppression
from digest.subscribers.models import ConsentEvent, Subscriber

PAGE = 50
_STATES = {state.label.replace(" ", "-"): state for state in Dispatch.State}


@require_safe
@right_required(Right.SUBSCRIBERS)
def search(request: HttpRequest) -> HttpResponse:
    """Find subscribers by the beginning of their address."""
    typed = request.GET.get("q", "").strip().lower()[:254]
    after = request.GET.get("after", "")
    rows = scope_of(request, Right.SUBSCRIBERS).subscribers().order_by("address_key")
    if typed:
        rows = rows.filter(address_key__startswith=typed)
    if after:
        rows = rows.filter(address_key__gt=after)
    found = list(rows[: PAGE + 1])
    context = {
        "title": "Subscribers",
        "found": found[:PAGE],
        "query": typed,
        "next": found[PAGE - 1].address_key if len(found) > PAGE else "",
        "can_import": not scope_of(request, Right.MANAGE).is_empty,
    }
    return _page(request, "subscribers", context)


@require_safe
@right_required(Right.SUBSCRIBERS)
def subscriber(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a subscriber: what they asked for, what they agreed to, and every mail with its end."""
    found = get_subscriber(request, pk)
    scope = scope_of(request, Right.SUBSCRIBERS)
    after = request.GET.get("after", "")
    mails = scope.filter(history.of_subscriber(found), "issue__newsletter__publication")
    if after.isdecimal():
        mails = mails.filter(id__lt=int(after[:18]))
    rows = list(mails[: PAGE + 1])
    context = {
        "title": "Subscriber",
        "subscriber": found,
        "subscriptions": scope.filter(found.subscriptions.all(), "newsletter__publication")
        .select_related("newsletter")
        .order_by("newsletter__name"),
        "events": scope.filter(
            ConsentEvent.objects.filter(subscriber=found), "newsletter__publication"
        )
        .select_related("newsletter")
        .order_by("-at")[:PAGE],
        "mails": [(one, clock.format_moment(one.at)) for one in rows[:PAGE]],
        "next": rows[PAGE - 1].pk if len(rows) > PAGE else "",
        "stopped": suppression.is_suppressed_everywhere(found.address_key),
        "letters": [
            (one, clock.format_moment(one.created_at))
            for one in scope.filter(Notice.objects.filter(subscriber=found)).order_by("-id")[:20]
        ],
        "can_send": not scope_of(request, Right.SEND).is_empty,
        "can_export": not scope_of(request, Right.EXPORT).is_empty,
        "can_erase": not scope_of(request, Right.ERASE).is_empty,
    }
    return _page(request, "subscriber", context)


@require_POST
@right_required(Right.SUBSCRIBERS)
def unsubscribe(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a subscriber off a newsletter, as they asked us to."""
    found = get_subscriber(request, pk)
    known = scope_of(request, Right.SUBSCRIBERS).newsletters()
    newsletter = get_object_or_404(known, slug=request.POST.get("newsletter", ""))
    consent.unsubscribe(found.pk, newsletter.pk, via="console", ip=None, now=clock.now())
    record_action(
        request, f"unsubscribed from {newsletter.name}", found.email, newsletter.publication_id
    )
    messages.success(request, f"{found.email} does not receive {newsletter.name} any more.")
    return redirect("subscriber", pk=pk)


@require_POST
@right_required(Right.SEND)
def resend(request: HttpRequest, pk: int, issue_id: int) -> HttpResponse:
    """Send an issue to one subscriber once more."""
    found, issue = get_subscriber(request, pk, Right.SEND), get_issue(request, issue_id, Right.SEND)
    try:
        resending.send_copy(issue, found, clock.now())
    except DigestError as problem:
        messages.error(request, str(problem))
        return redirect("subscriber", pk=pk)
    record_action(request, f"sent {issue} once more", found.email, issue.newsletter.publication_id)
    messages.success(request, f"{found.email} gets it once more.")
    return redirect("subscriber", pk=pk)


@require_safe
@right_required(Right.EXPORT)
def export(request: HttpRequest, pk: int) -> HttpResponse:
    """Download all that is known of a subscriber; of other publications' newsletters, nothing."""
    found, scope = get_subscriber(request, pk, Right.EXPORT), scope_of(request, Right.EXPORT)
    record_action(request, "exported the subscriber", found.email)
    name = f'attachment; filename="subscriber-{found.pk}.json"'
    known = data_export.export_subscriber(found)
    if not scope.is_everything:
        slugs = scope.newsletters().values_list("slug", flat=True)
        known = data_export.limit_to_newsletters(known, set(slugs))
    response = JsonResponse(known, json_dumps_params={"indent": 2, "ensure_ascii": False})
    response.headers["Content-Disposition"] = name
    return response


@require_POST
@right_required(Right.ERASE)
def erase(request: HttpRequest, pk: int) -> HttpResponse:
    """Erase a subscriber at their own wish, once their address was typed."""
    found = get_subscriber(request, pk, Right.ERASE)
    _must_reach_all(request, found, Right.ERASE)
    typed = request.POST.get("address", "").strip().lower()
    if typed != found.email.lower():
        messages.error(request, "Type the subscriber's whole address. Nothing was erased.")
        return redirect("subscriber", pk=pk)
    erasure.erase(found.pk, clock.now())
    record_action(
        request, "erased a subscriber", f"subscriber {pk}"
    )  # whose address is to be forgotten
    messages.success(request, "Erased: nothing of them is left here but numbers.")
    return redirect("subscribers")


@require_POST
@right_required(Right.SUBSCRIBERS)
def suppress(request: HttpRequest, pk: int) -> HttpResponse:
    """Let no mail go to a subscriber any more, or lift that."""
    found = get_subscriber(request, pk)
    _must_reach_all(request, found, Right.SUBSCRIBERS)
    if request.POST.get("lift"):
        suppression.lift(found.address_key)
        said = "mail may go to them again"
    else:
        why = request.POST.get("why", "").strip()[:200] or "asked"
        suppression.suppress(found.address_key, reason="asked", evidence=why, now=clock.now())
        said = "no mail goes to them any more"
    record_action(request, said, found.email)
    messages.success(request, f"{found.email}: {said}.")
    return redirect("subscriber", pk=pk)


def _must_reach_all(request: HttpRequest, found: Subscriber, right: Right) -> None:
    """Refuse what would touch a subscriber's newsletters of other publications too."""
    publication_ids = scope_of(request, right).publication_ids
    if publication_ids is None:
        return
    if found.subscriptions.exclude(newsletter__publication__in=publication_ids).exists():
        raise PermissionDenied


@require_safe
@right_required(Right.SUBSCRIBERS)
def deliveries(request: HttpRequest, pk: int) -> HttpResponse:
    """List an issue's deliveries, in one state or all."""
    issue = get_issue(request, pk, Right.SUBSCRIBERS)
    asked = request.GET.get("state", "")
    after = request.GET.get("after", "")
    try:
        page = history.of_issue(issue, _STATES.get(asked), after, PAGE)
    except history.PlaceError as problem:
        raise Http404 from problem
    counts = progress(issue)
    context = {
        "title": issue.subject or issue.newsletter.name,
        "issue": issue,
        "rows": [(one, clock.format_moment(one.at)) for one in page.rows],
        "next": page.next,
        "asked": asked,
        "states": [(slug, state.label, _of(counts, state)) for slug, state in _STATES.items()],
        "eligible": counts.eligible,
        "doubted": counts.uncertain,
        "can_send": has_right(request, Right.SEND, issue.newsletter.publication_id),
    }
    return _page(request, "deliveries", context)


@require_POST
@right_required(Right.SEND)
def resolve(request: HttpRequest, pk: int) -> HttpResponse:
    """Settle what is uncertain: one subscriber's, or all of an issue."""
    issue, said = get_issue(request, pk, Right.SEND), request.POST
    ways = {
        "sent": (uncertain.mark_sent, "recorded as sent"),
        "again": (uncertain.resend, "sent again"),
        "failed": (uncertain.mark_failed, "given up"),
    }
    if said.get("way") not in ways:
        raise Http404
    way, words = ways[said["way"]]
    try:
        email = said.get("email", "")
        number = way(issue, clock.now(), addresses.parse(email).key if email else "")
    except DigestError as problem:
        messages.error(request, str(problem))
    else:
        record_action(
            request, f"{number:,} uncertain {words}", issue, issue.newsletter.publication_id
        )
        messages.success(request, f"{number:,} {words}.")
    return redirect(f"{reverse('deliveries', args=[pk])}?state=uncertain")


def _of(counts: Any, state: Dispatch.State) -> int:
    name = "in_flight" if state is Dispatch.State.CLAIMED else state.name.lower()
    return int(getattr(counts, name))


def _page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    whole = admin.site.each_context(request) | context
    return render(request, f"console/{name}.html", whole)
