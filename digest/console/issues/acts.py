"""One small function for each of the desk's buttons: read the form, make one call, say so."""

from collections.abc import Callable
from datetime import datetime

from django.http import HttpRequest

from digest.console.access import as_id, reach, who
from digest.core import addresses, clock
from digest.core.errors import DigestError
from digest.issues import approval, dispatching, editing
from digest.issues.errors import IssueError
from digest.issues.models import Issue
from digest.newsletters.members import Right
from digest.newsletters.models import Appeal
from digest.sending import control, proofs
from digest.tenancy import belonging

Act = Callable[[Issue, HttpRequest], str]


def reorder(issue: Issue, request: HttpRequest) -> str:
    """Take the order that stories were dragged into."""
    typed = map(as_id, request.POST.get("order", "").split(","))
    order = [one for one in typed if one is not None]
    editing.reorder(issue, _revision(request), order, who(request))
    return "The order is changed."


def move(issue: Issue, request: HttpRequest) -> str:
    """Move one story to a place."""
    story, to = _number(request, "story"), _number(request, "to")
    editing.move(issue, _revision(request), story, to, who(request))
    return "The order is changed."


def drop(issue: Issue, request: HttpRequest) -> str:
    """Take a story out."""
    editing.drop(issue, _revision(request), _number(request, "story"), who(request))
    return "The story is out; it stands among those left out."


def add(issue: Issue, request: HttpRequest) -> str:
    """Put an article in, by its id."""
    ours = belonging.articles(reach(request, Right.EDIT))
    article = ours.filter(pk=_number(request, "article")).first()
    if article is None:
        raise IssueError("This article is gone.")
    editing.add(issue, _revision(request), article, who(request))
    return f"“{article.title}” leads the issue now."


def pin(issue: Issue, request: HttpRequest) -> str:
    """Keep a story when the issue is picked anew, or not."""
    pinned = request.POST.get("pinned") == "1"
    story = _number(request, "story")
    editing.pin(issue, _revision(request), story, who(request), pinned=pinned)
    return "It stays when the issue is picked anew." if pinned else "It is pinned no more."


def reword(issue: Issue, request: HttpRequest) -> str:
    """Change a story's words for this issue."""
    words = {name: request.POST[name] for name in editing.WORDS if name in request.POST}
    editing.reword(issue, _revision(request), _number(request, "story"), words, who(request))
    return "The story says so, in this issue alone."


def head(issue: Issue, request: HttpRequest) -> str:
    """Give the issue a subject, preheader and appeal of its own."""
    editing.head(
        issue,
        _revision(request),
        who(request),
        subject=request.POST.get("subject", ""),
        preheader=request.POST.get("preheader", ""),
        appeal=_appeal(issue, request.POST.get("appeal", "")),
    )
    return "Subject, preheader and appeal are kept for this issue."


def refresh(issue: Issue, request: HttpRequest) -> str:
    """Pick the issue anew."""
    editing.refresh(issue, _revision(request), who(request), clock.now())
    return "Picked anew; what was pinned or reworded stayed."


def approve(issue: Issue, request: HttpRequest) -> str:
    """Approve it."""
    done = approval.approve(issue, _revision(request), who(request), clock.now())
    if done.state == Issue.State.DRAFT:
        return "Approved. It goes out when it is sent."
    return f"Approved. It goes out {_spoken(done)}."


def send(issue: Issue, request: HttpRequest) -> str:
    """Send it now."""
    done = dispatching.send_now(issue, _revision(request), clock.now())
    return f"On its way: it begins {_spoken(done)}."


def schedule(issue: Issue, request: HttpRequest) -> str:
    """Send it at a time, in the newsletter's zone."""
    zone = clock.zone(issue.newsletter.publication.timezone)
    try:
        at = datetime.fromisoformat(request.POST.get("at", "")).replace(tzinfo=zone)
    except ValueError as problem:
        raise IssueError("Choose a day and a time.") from problem
    done = dispatching.send_at(issue, _revision(request), at, clock.now())
    return f"It goes out {_spoken(done)}."


def undo(issue: Issue, request: HttpRequest) -> str:  # noqa: ARG001  one shape for all
    """Take "send" back."""
    dispatching.undo(issue, clock.now())
    return "Held back: nobody has got it."


def skip(issue: Issue, request: HttpRequest) -> str:
    """Let it not go out."""
    dispatching.skip(issue, clock.now(), f"Skipped by {who(request)}.")
    return "Skipped; its stories may be in the next issue."


def retract(issue: Issue, request: HttpRequest) -> str:
    """Take a story back."""
    note = request.POST.get("note", "")
    story = editing.retract(issue, _number(request, "story"), note, clock.now())
    return f"“{story.title}” is in no mail sent from now on."


def pause(issue: Issue, request: HttpRequest) -> str:  # noqa: ARG001
    """Hold it back while it goes out."""
    control.pause(issue)
    return "Paused: nobody else gets it until you resume."


def resume(issue: Issue, request: HttpRequest) -> str:  # noqa: ARG001
    """Go on."""
    control.resume(issue)
    return "It goes on with those who have not got it."


def cancel(issue: Issue, request: HttpRequest) -> str:
    """Stop it for good."""
    left = control.cancel(issue, f"Cancelled by {who(request)}.", clock.now())
    return f"Cancelled for good: {left:,} subscribers will not get it."


def test(issue: Issue, request: HttpRequest) -> str:
    """Send a test of this very issue."""
    address = addresses.parse(request.POST.get("to", ""))
    proofs.send_proof(issue, address, clock.now())
    return f"A test is on its way to {address.email}."


VERBS: dict[str, Act] = {
    act.__name__: act
    for act in (
        *(reorder, move, drop, add, pin, reword, head, refresh, approve, send, schedule, undo),
        *(skip, retract, pause, resume, cancel, test),
    )
}


_TAKES = dict.fromkeys(("send", "schedule", "resume"), Right.SEND)


def right_for(verb: str) -> Right:
    """Return the right that a button takes: to let mail leave is one of its own."""
    return _TAKES.get(verb, Right.EDIT)


def _appeal(issue: Issue, chosen: str) -> Appeal | None:
    """Return the appeal that was chosen among the publication's; empty is none."""
    if not chosen:
        return None
    found = issue.newsletter.publication.appeals.filter(pk=as_id(chosen) or 0).first()
    if found is None:
        raise IssueError("This appeal is gone. Look at the page again.")
    return found


def _revision(request: HttpRequest) -> int:
    return _number(request, "revision")


def _number(request: HttpRequest, name: str) -> int:
    if (typed := as_id(request.POST.get(name, ""))) is None:
        raise DigestError("This page is out of date. Look at it again.")
    return typed


def _spoken(issue: Issue) -> str:
    zone = clock.zone(issue.newsletter.publication.timezone)
    return clock.format_moment(issue.goes_at, zone)
