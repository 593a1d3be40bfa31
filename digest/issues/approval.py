"""Approval: a person has seen exactly this content and allows it to be sent.

It is bound to a hash of everything that shows in the mail, so any later change revokes it.

Where a second person approves, whoever changed any of that since the last such approval is a
contributor: to the issue, or to what it is made of (digest.newsletters.contributions). No
contributor approves alone. Somebody who changed nothing does; or else two contributors, both of
whom have then seen the whole.
"""

import json
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import Q

from digest.accounts.models import User
from digest.core import jobs
from digest.issues.errors import ApprovalError, EditConflictError
from digest.issues.experiments import variants
from digest.issues.models import Block, Issue
from digest.newsletters import contributions
from digest.newsletters.audiences.models import Segment
from digest.newsletters.choices import Approval
from digest.newsletters.models import Appeal
from digest.newsletters.publicity.archive_access import ArchiveAccess

State = Issue.State

CHANGED_SINCE = "Its content changed after it was approved; it waits to be approved again."
_STORY = (
    *("position", "block__position", "url", "title", "summary", "byline", "kicker", "word_count"),
    *("image_url", "image_alt", "image_caption", "image_credit"),
)
_NEWSLETTER = (
    *("name", "description", "subject", "preheader", "language", "is_public"),
    *("design", "share_links", "reading_time", "contents_from", "topic_links"),
)
_PUBLICATION = (
    *(
        "name",
        "tagline",
        "url",
        "logo_url",
        "logo_dark_url",
        "accent",
        "accent_dark",
        "postal_address",
    ),
    *("background", "fonts", "corner", "density"),
)
_SENDER = ("sender_name", "sender_email", "reply_to", "language", "logo_width", "timezone")
_APPEAL = (
    *("kind", "label", "heading", "body", "button", "url", "style"),
    *("picture", "picture_dark", "picture_alt"),
)
_BLOCK = ("position", "kind", "title", "content", "style", "shown_in", "only_topics", "hidden")


def approve(issue: Issue, revision: int, by: User, now: datetime) -> Issue:
    """Approve an issue as it stood at `revision`.

    One that goes out by itself then does so at its time, another when it is sent. Where two
    contributors have to approve it, it waits for the other one after the first.

    Raises ApprovalError where somebody else has to, EditConflictError if it is another by now.
    """
    with transaction.atomic():
        locked = _locked(issue)
        if not locked.says_the_same_as(revision):
            raise EditConflictError("Somebody changed this issue meanwhile. Look at it again.")
        if locked.state != State.DRAFT:
            raise ApprovalError(f"It needs no approval: it is {locked.get_state_display()}.")
        content = fingerprint(locked)
        if locked.newsletter.approval == Approval.OTHER:
            if not _is_second_person(locked, by, content):
                locked.partly_approved_by, locked.partly_approved_hash = by, content
                locked.save()
                return locked
            _settle_contributions(locked)
        locked.approved_by, locked.approved_at, locked.approved_hash = by, now, content
        locked.reason = ""
        if locked.goes_by_itself:
            locked.state = State.BUILT
            jobs.enqueue(jobs.PLAN_ISSUES)
        locked.save()
    return locked


def needs_another(issue: Issue, user: User) -> bool:
    """Say whether it takes somebody else's approval, whatever this user does."""
    if issue.newsletter.approval != Approval.OTHER:
        return False
    contributors = _contributors(issue)
    is_done = issue.partly_approved_by_id == user.pk and (
        issue.partly_approved_hash == fingerprint(issue)
    )
    return user.pk in contributors and (len(contributors) == 1 or is_done)


def is_needed(issue: Issue) -> bool:
    """Say whether the issue has to be approved, and is not, or is of other content by now."""
    if issue.newsletter.approval == Approval.NONE:
        return False
    # Reading an issue whole takes several queries: not for one that nobody has approved.
    return not issue.approved_hash or issue.approved_hash != fingerprint(issue)


def revoke_if_stale(issue: Issue) -> bool:
    """Turn an issue that was approved with other content back into a draft; return whether."""
    if not is_needed(issue):
        return False
    built = Issue.objects.filter(pk=issue.pk, state=State.BUILT, planned_at=None)
    return bool(
        built.update(
            state=State.DRAFT,
            reason=CHANGED_SINCE,
            approved_by=None,
            approved_at=None,
            approved_hash="",
            send_at=None,
        )
    )


def fingerprint(issue: Issue) -> str:
    """Return a hash of all that shows in the mail, as 64 hexadecimal digits."""
    newsletter = issue.newsletter
    blocks = issue.blocks.select_related("appeal").order_by("position")
    stories = issue.stories.filter(retracted_at=None).order_by("position")
    content: dict[str, Any] = {
        "subject": issue.own_subject,
        "preheader": issue.own_preheader,
        "topics": sorted(issue.only_topics),
        "stories": list(stories.values_list(*_STORY)),
        "newsletter": [getattr(newsletter, name) for name in _NEWSLETTER],
        "publication": [getattr(newsletter.publication, n) for n in (*_PUBLICATION, *_SENDER)],
        "blocks": [_block_values(block) for block in blocks],
    }
    if experiment := variants.values_of(issue):
        content["experiment"] = experiment
    if segments := _segments(issue):
        content["segments"] = segments
    if issue.readable_by != ArchiveAccess.PUBLIC:  # what is shared is another link
        content["archive"] = "protected"
    if newsletter.redirect_links:
        content["links"] = "by way of us"
    if newsletter.approval == Approval.OTHER:  # what one person approved before, one alone approved
        content["approval"] = "by a second person"
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _segments(issue: Issue) -> list[Any]:
    """Return whom it, its blocks and its appeals are for, with the rules; nothing for everyone."""
    uses = Q(issues=issue) | Q(blocks__issue=issue) | Q(appeals__blocks__issue=issue)
    uses |= Q(newsletters=issue.newsletter_id)
    rows = Segment.objects.filter(uses).distinct().order_by("pk")
    rules = list(rows.values_list("pk", "rules"))
    blocks = issue.blocks.order_by("position").values_list("segment", "appeal__segment")
    return [issue.newsletter.segment_id, issue.segment_id, list(blocks), rules] if rules else []


def appeals_of(issue: Issue) -> list[Appeal]:
    """Return the appeals and sponsors that an issue shows."""
    return list(Appeal.objects.filter(blocks__issue=issue).distinct())


def _block_values(block: Block) -> list[Any]:
    values = [getattr(block, name) for name in _BLOCK]
    return [*values, _appeal_values(block.appeal)]


def _appeal_values(appeal: Appeal | None) -> list[str] | None:
    return [str(getattr(appeal, name)) for name in _APPEAL] if appeal else None


def _is_second_person(issue: Issue, by: User, content: str) -> bool:
    """Say whether this approval is the one that counts; False if it is the first of two.

    Raises ApprovalError for the only contributor.
    """
    contributors = _contributors(issue)
    if by.pk not in contributors:
        return True
    if len(contributors) == 1:
        raise ApprovalError(
            "You changed what this issue contains, so somebody else has to approve it."
        )
    first = issue.partly_approved_by_id if issue.partly_approved_hash == content else None
    return first is not None and first != by.pk


def _contributors(issue: Issue) -> set[int]:
    changes = contributions.contributors(issue.newsletter, appeals_of(issue))
    return changes | set(issue.contributors)


def _settle_contributions(issue: Issue) -> None:
    """A second person has seen it: later issues need not be approved for these changes again.

    A change of the newsletter's sources or layout that came after the issue was built is not in
    it, so it stays noted.
    """
    issue.contributors, issue.partly_approved_by, issue.partly_approved_hash = [], None, ""
    contributions.forget(issue.newsletter, appeals_of(issue), issue.built_at)


def _locked(issue: Issue) -> Issue:
    rows = Issue.objects.select_for_update(of=("self",))
    return rows.select_related("newsletter__publication").get(pk=issue.pk)
