"""One small function for each button of an issue's page: read the form, make one call, report."""

from collections.abc import Callable
from datetime import datetime

from django.http import HttpRequest

from digest.console.access import parse_id, record_action, scope_of, user_of
from digest.console.issues import block_actions, experiments
from digest.console.issues.form_values import read_number, read_optional
from digest.core import addresses, clock
from digest.core.text import counted
from digest.issues import approval, editing, retracting, scheduling, skipping
from digest.issues.errors import IssueError
from digest.issues.models import Issue
from digest.newsletters.members import Right
from digest.sending import control, proofs, public_archive

Action = Callable[[Issue, HttpRequest], str]


def move(issue: Issue, request: HttpRequest) -> str:
    """Move one story to a place in a block."""
    story_id, block_id = read_number(request, "story"), read_number(request, "block")
    position = read_number(request, "to")
    revision = read_optional(request, "revision")
    editing.move(issue, revision, story_id, block_id, position, user_of(request))
    return "The story was moved."


def remove(issue: Issue, request: HttpRequest) -> str:
    """Remove a story; it can be added again."""
    revision = read_optional(request, "revision")
    editing.remove(issue, revision, read_number(request, "story"), user_of(request))
    return "The story was removed. You can add it again under “Left out”."


def add(issue: Issue, request: HttpRequest) -> str:
    """Add an article, by its id."""
    articles = scope_of(request, Right.EDIT).offered_articles()
    article = articles.filter(pk=read_number(request, "article")).first()
    if article is None:
        raise IssueError("This article no longer exists.")
    revision = read_optional(request, "revision")
    story = editing.add(issue, revision, article, user_of(request))
    return f"“{article.title}” was added to {story.block}."


def pin(issue: Issue, request: HttpRequest) -> str:
    """Let a story stay when the stories are refreshed, or not."""
    pinned = request.POST.get("pinned") == "1"
    story_id = read_number(request, "story")
    revision = read_optional(request, "revision")
    editing.pin(issue, revision, story_id, user_of(request), pinned=pinned)
    return "The story stays when you refresh stories." if pinned else "The story is not pinned."


def reword(issue: Issue, request: HttpRequest) -> str:
    """Change a story's text and picture for this issue."""
    names = (*editing.TEXT_FIELDS, "picture")
    values = {name: request.POST[name] for name in names if name in request.POST}
    revision, version = read_optional(request, "revision"), read_optional(request, "version")
    editing.reword(
        issue, revision, read_number(request, "story"), values, user_of(request), version=version
    )
    return "The story was changed for this issue only."


def describe(issue: Issue, request: HttpRequest) -> str:
    """Describe the pictures of several stories; an empty field leaves its story as it is."""
    texts = {
        story_id: text
        for name in request.POST
        if (text := request.POST[name].strip())
        and (story_id := parse_id(name.removeprefix("alt-"))) is not None
        and name.startswith("alt-")
    }
    if not texts:
        raise IssueError("Write what at least one picture shows.")
    editing.describe_pictures(issue, read_optional(request, "revision"), texts, user_of(request))
    return "The descriptions were saved for this issue only."


def subject(issue: Issue, request: HttpRequest) -> str:
    """Set the subject and preview text of this issue."""
    names = ("subject", "preheader")
    previous = {n: request.POST[f"seen_{n}"] for n in names if f"seen_{n}" in request.POST}
    editing.change_texts(
        issue,
        read_optional(request, "revision"),
        user_of(request),
        subject=request.POST.get("subject", ""),
        preheader=request.POST.get("preheader", ""),
        previous=previous,
    )
    return "Subject and preview text were saved for this issue."


def refresh(issue: Issue, request: HttpRequest) -> str:
    """Select the stories again."""
    editing.refresh(issue, read_optional(request, "revision"), user_of(request), clock.now())
    return "Stories were refreshed. Pinned and edited stories stayed."


def approve(issue: Issue, request: HttpRequest) -> str:
    """Approve the issue."""
    approved = approval.approve(issue, _revision(request), user_of(request), clock.now())
    if not approved.approved_hash:
        return "Your approval was saved. Somebody else who changed the issue has to approve it too."
    if approved.state == Issue.State.DRAFT:
        return "Approved. It goes out when you send it."
    return f"Approved. It goes out {_send_time(approved)}."


def send(issue: Issue, request: HttpRequest) -> str:
    """Send the issue now."""
    sent = scheduling.send_now(issue, _revision(request), clock.now())
    return f"Sending starts {_send_time(sent)}."


def schedule(issue: Issue, request: HttpRequest) -> str:
    """Send the issue at a time, which the form gives in the publication's zone."""
    zone = clock.zone(issue.newsletter.publication.timezone)
    try:
        at = datetime.fromisoformat(request.POST.get("at", "")).replace(tzinfo=zone)
    except ValueError as problem:
        raise IssueError("Choose a day and a time.") from problem
    scheduled = scheduling.send_at(issue, _revision(request), at, clock.now())
    if scheduled.state == Issue.State.DRAFT:
        return f"The time was changed: it goes out {_send_time(scheduled)} if approved."
    return f"Scheduled: it goes out {_send_time(scheduled)}."


def undo(issue: Issue, request: HttpRequest) -> str:  # noqa: ARG001  one shape for all
    """Undo "send"."""
    scheduling.undo(issue, clock.now())
    return "Undone: nobody has received it."


def unschedule(issue: Issue, request: HttpRequest) -> str:  # noqa: ARG001
    """Make a scheduled issue a draft."""
    scheduling.unschedule(issue, clock.now())
    return "Unscheduled: the issue is a draft until somebody sends it."


def skip(issue: Issue, request: HttpRequest) -> str:
    """Do not send the issue."""
    skipping.skip(issue, clock.now(), f"Skipped by {user_of(request)}.")
    return "Skipped. Its stories can be in the next issue. You can restore it."


def restore(issue: Issue, request: HttpRequest) -> str:  # noqa: ARG001
    """Let a skipped issue go out after all."""
    restored = skipping.restore(issue, clock.now())
    if not restored.goes_by_itself:
        return "Restored as a draft. It goes out when somebody sends it."
    if restored.state == Issue.State.DRAFT:
        return f"Restored as a draft. It goes out {_send_time(restored)} if approved."
    return f"Restored. It goes out {_send_time(restored)}."


def retract(issue: Issue, request: HttpRequest) -> str:
    """Retract a story while the issue goes out, or afterwards."""
    story = retracting.retract(
        issue,
        read_number(request, "story"),
        request.POST.get("note", ""),
        clock.now(),
        user_of(request),
    )
    return f"“{story.title}” was retracted. Emails sent from now on do not contain it."


def pause(issue: Issue, request: HttpRequest) -> str:  # noqa: ARG001
    """Pause sending."""
    control.pause(issue)
    return "Paused. Nobody else receives it until you resume."


def resume(issue: Issue, request: HttpRequest) -> str:  # noqa: ARG001
    """Resume sending."""
    control.resume(issue)
    return "Resumed. It goes on with those who have not received it."


def cancel(issue: Issue, request: HttpRequest) -> str:
    """Stop sending for good."""
    left = control.cancel(issue, f"Cancelled by {user_of(request)}.", clock.now())
    return f"Cancelled. {counted(left, 'subscriber')} will not receive it."


def archive(issue: Issue, request: HttpRequest) -> str:
    """Say who may read the issue in the archive."""
    public_archive.set_access(issue, request.POST.get("archive_access", ""))
    return f"In the archive, this issue can be read by: {issue.readable_by.label.lower()}."


def test(issue: Issue, request: HttpRequest) -> str:
    """Send this issue to one address as a test."""
    address = addresses.parse(request.POST.get("to", ""))
    proofs.send_proof(issue, address, clock.now(), user_of(request))
    return f"A test is on its way to {address.email}."


VERBS: dict[str, Action] = (
    {
        action.__name__: action
        for action in (
            *(move, remove, add, pin, reword, describe, subject, refresh, approve, send, schedule),
            *(undo, unschedule, skip, restore, retract, pause, resume, cancel),
            *(archive, test),
        )
    }
    | block_actions.VERBS
    | experiments.VERBS
)
SAVED_WHILE_WRITING = frozenset(["change_block", "reword", "subject"])
_RIGHTS = dict.fromkeys(("send", "schedule", "restore", "resume", "end_experiment"), Right.SEND)


def right_for(verb: str) -> Right:
    """Return the right that a button needs: to let mail leave is a right of its own."""
    return _RIGHTS.get(verb, Right.EDIT)


def run_and_record(request: HttpRequest, issue: Issue, verb: str) -> str:
    """Do what a button says and record it; what is saved again while writing is recorded once.

    Return the message for the user. Raises DigestError if it can't be done.
    """
    position = issue.history_position
    message = VERBS[verb](issue, request)
    issue.refresh_from_db(fields=["history_position"])
    if verb not in SAVED_WHILE_WRITING or issue.history_position != position:
        record_action(request, f"{verb}: {message}", issue, issue.newsletter.publication_id)
    return message


def _revision(request: HttpRequest) -> int:
    return read_number(request, "revision")


def _send_time(issue: Issue) -> str:
    zone = clock.zone(issue.newsletter.publication.timezone)
    return clock.format_moment(issue.goes_at, zone)
