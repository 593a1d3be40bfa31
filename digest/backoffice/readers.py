"""Who got it: readers found by address, one reader's whole story, an edition's deliveries.

Pages go on behind the last row that was seen, by an index: they take as long at millions.
"""

from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from digest.backoffice.access import find, find_reader, needs, note, reach
from digest.core import clock
from digest.delivery import belonging, history
from digest.delivery.models import Dispatch
from digest.delivery.progress import progress
from digest.newsletters.members import Right, within
from digest.subscribers import consent, suppression
from digest.subscribers.models import ConsentEvent, Subscription

PAGE = 50
_STATES = {state.label.replace(" ", "-"): state for state in Dispatch.State}


@require_safe
@needs(Right.READERS)
def search(request: HttpRequest) -> HttpResponse:
    """Find readers by the beginning of their address."""
    typed = request.GET.get("q", "").strip().lower()[:254]
    after = request.GET.get("after", "")
    rows = belonging.subscribers(reach(request, Right.READERS)).order_by("address_key")
    if typed:
        rows = rows.filter(address_key__startswith=typed)
    if after:
        rows = rows.filter(address_key__gt=after)
    found = list(rows[: PAGE + 1])
    context = {
        "title": "Readers",
        "found": found[:PAGE],
        "query": typed,
        "next": found[PAGE - 1].address_key if len(found) > PAGE else "",
    }
    return _page(request, "readers", context)


@require_safe
@needs(Right.READERS)
def reader(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a reader: what they asked for, what they agreed to, and every mail with its end."""
    found = find_reader(request, pk)
    there = reach(request, Right.READERS)
    after = request.GET.get("after", "")
    mails = history.of_reader(found).filter(within(there, "edition__newsletter__publication"))
    if after.isdecimal():
        mails = mails.filter(id__lt=int(after[:18]))
    rows = list(mails[: PAGE + 1])
    context = {
        "title": "Reader",
        "reader": found,
        "subscriptions": Subscription.objects.filter(subscriber=found)
        .filter(within(there, "newsletter__publication"))
        .select_related("newsletter")
        .order_by("newsletter__name"),
        "events": ConsentEvent.objects.filter(subscriber=found)
        .filter(within(there, "newsletter__publication"))
        .select_related("newsletter")
        .order_by("-at")[:PAGE],
        "mails": [(one, clock.spoken(one.at)) for one in rows[:PAGE]],
        "next": rows[PAGE - 1].pk if len(rows) > PAGE else "",
        "stopped": suppression.is_stopped(found.address_key),
    }
    return _page(request, "reader", context)


@require_POST
@needs(Right.READERS)
def unsubscribe(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a reader off a newsletter, as they asked us to."""
    found = find_reader(request, pk)
    known = belonging.newsletters(reach(request, Right.READERS))
    newsletter = get_object_or_404(known, slug=request.POST.get("newsletter", ""))
    consent.unsubscribe(found.pk, newsletter.pk, via="console", ip=None, now=clock.now())
    note(request, f"unsubscribed from {newsletter.name}", found.email, newsletter.publication_id)
    messages.success(request, f"{found.email} does not receive {newsletter.name} any more.")
    return redirect("reader", pk=pk)


@require_safe
@needs(Right.READERS)
def deliveries(request: HttpRequest, pk: int) -> HttpResponse:
    """List an edition's deliveries, in one state or all."""
    edition = find(request, pk, Right.READERS)
    asked = request.GET.get("state", "")
    after = request.GET.get("after", "")
    try:
        page = history.of_edition(edition, _STATES.get(asked), after, PAGE)
    except history.PlaceError as problem:
        raise Http404 from problem
    counts = progress(edition)
    context = {
        "title": edition.subject or edition.newsletter.name,
        "edition": edition,
        "rows": [(one, clock.spoken(one.at)) for one in page.rows],
        "next": page.next,
        "asked": asked,
        "states": [(slug, state.label, _of(counts, state)) for slug, state in _STATES.items()],
        "eligible": counts.eligible,
    }
    return _page(request, "deliveries", context)


def _of(counts: Any, state: Dispatch.State) -> int:
    name = "in_flight" if state is Dispatch.State.CLAIMED else state.name.lower()
    return int(getattr(counts, name))


def _page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    whole = admin.site.each_context(request) | context
    return render(request, f"backoffice/{name}.html", whole)
