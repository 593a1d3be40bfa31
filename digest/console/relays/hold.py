"""The page on which held mail is released."""

from typing import TYPE_CHECKING, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from digest.console.access import record_action
from digest.console.pages import action_view, done, page_view, render_page
from digest.core import clock
from digest.installation import holds
from digest.installation.models import Hold
from digest.issues.models import Issue
from digest.newsletters.members import Right
from digest.recovery import releasing
from digest.recovery.missed_slots import MissedSlot
from digest.recovery.releasing import Review

if TYPE_CHECKING:
    from collections.abc import Sequence

LISTED = 200  # missed slots


class Row(NamedTuple):
    """An issue, or a slot without one, that may have been sent."""

    title: str
    newsletter: str
    moment: str  # its slot, with the zone
    issue: Issue | None
    mails: int | None  # that were sent, as far as the log has it


@page_view(Right.MANAGE, everywhere=True)
def hold(request: HttpRequest) -> HttpResponse:
    """Show whether mail is held, and what a release sets aside."""
    current = holds.current()
    if current is None:
        return render_page(request, "console/relays/hold.html", "Held mail")
    reviewed = releasing.review(current, clock.now())
    until, evidence = current.data_until, reviewed.evidence
    context = {
        "hold": current,
        "is_requested": current.reason == Hold.Reason.REQUESTED,
        "began": clock.format_moment(current.began_at),
        "data_until": clock.format_moment(until) if until else "",
        "is_moved": current.reason == Hold.Reason.MOVED,
        "reviewed": reviewed,
        "groups": _groups(reviewed),
        "evidence_until": clock.format_moment(evidence.until) if evidence.until else "",
        "unlisted": max(0, len(reviewed.missed) - LISTED),
    }
    return render_page(request, "console/relays/hold.html", "Held mail", context)


@action_view(Right.MANAGE, everywhere=True)
def release(request: HttpRequest) -> HttpResponse:
    """Send mail again; what may have been sent is set aside."""
    current = holds.current()
    if current is None:
        return redirect("hold")
    released = releasing.release(
        current,
        clock.now(),
        restored=request.POST.get("restored") == "yes",
        complete=request.POST.get("complete") == "yes",
    )
    record_action(request, "released held mail", released.summary)
    return done(request, f"Mail goes out again. {released.summary}", "home")


def _groups(reviewed: Review) -> list[tuple[str, list[Row]]]:
    """Return what a release sets aside, under what it does with it."""
    groups: tuple[tuple[str, Sequence[Issue | MissedSlot]], ...] = (
        ("will be paused", reviewed.pausing),
        ("will be skipped", reviewed.skipping),
        ("will be marked", reviewed.marking),
        ("will be skipped", reviewed.missed[:LISTED]),
    )
    return [(outcome, [_row(reviewed, row) for row in rows]) for outcome, rows in groups]


def _row(reviewed: Review, row: Issue | MissedSlot) -> Row:
    issue = row if isinstance(row, Issue) else None
    return Row(
        title=(issue.subject if issue else "") or row.newsletter.name,
        newsletter=row.newsletter.name,
        moment=clock.format_moment(row.slot),
        issue=issue,
        mails=reviewed.mails_of(row),
    )
