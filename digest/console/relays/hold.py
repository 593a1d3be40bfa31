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
    sets_aside = current is not None and current.reason != Hold.Reason.REQUESTED
    missed = list(releasing.find_missed(current, clock.now())) if current else []
    context = {
        "hold": current,
        "sets_aside": sets_aside,
        "began": clock.format_moment(current.began_at) if current else "",
        "data_until": clock.format_moment(current.data_until)
        if current and current.data_until and sets_aside
        else "",
        "interrupted": releasing.find_interrupted() if sets_aside else [],
        "missed": [(row, clock.format_moment(row.slot)) for row in missed[:LISTED]],
        "missed_count": len(missed),
    }
    return render_page(request, "console/relays/hold.html", "Held mail", context)


@action_view(Right.MANAGE, everywhere=True)
def release(request: HttpRequest) -> HttpResponse:
    """Send mail again; what may have been sent is paused or skipped."""
    current = holds.current()
    if current is None:
        return redirect("hold")
    released = releasing.release(current, clock.now())
    record_action(request, "released held mail", released.summary)
    return done(request, f"Mail goes out again. {released.summary}", "home")
