"""The page on which held mail is released."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from digest.console.access import record_action
from digest.console.pages import action_view, done, page_view, render_page
from digest.core import clock
from digest.installation import holds
from digest.installation.models import Hold
from digest.newsletters.members import Right
from digest.recovery import releasing

LISTED = 200  # missed slots


@page_view(Right.MANAGE, everywhere=True)
def hold(request: HttpRequest) -> HttpResponse:
    """Show whether mail is held, and what a release sets aside."""
    current = holds.current()
    if current is None:
        return render_page(request, "console/relays/hold.html", "Held mail")
    reviewed = releasing.review(current, clock.now())
    until = current.data_until
    context = {
        "hold": current,
        "is_requested": current.reason == Hold.Reason.REQUESTED,
        "began": clock.format_moment(current.began_at),
        "data_until": clock.format_moment(until) if until else "",
        "reviewed": reviewed,
        "missed": [(row, clock.format_moment(row.slot)) for row in reviewed.missed[:LISTED]],
        "unlisted": max(0, len(reviewed.missed) - LISTED),
    }
    return render_page(request, "console/relays/hold.html", "Held mail", context)


@action_view(Right.MANAGE, everywhere=True)
def release(request: HttpRequest) -> HttpResponse:
    """Send mail again; what may have been sent is set aside."""
    current = holds.current()
    if current is None:
        return redirect("hold")
    restored = request.POST.get("restored") == "yes"
    released = releasing.release(current, clock.now(), restored=restored)
    record_action(request, "released held mail", released.summary)
    return done(request, f"Mail goes out again. {released.summary}", "home")
