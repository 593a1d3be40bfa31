"""Approval: a person has seen exactly this content and allows it to be sent.

It is bound to a hash of everything that shows in the mail, so any later change revokes it.
"""

import json
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import transaction

from digest.accounts.models import User
from digest.core import jobs
from digest.issues.errors import ApprovalError, ChangedMeanwhileError
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter

Approval = Newsletter.Approval
State = Issue.State

FELL = "Its content changed after it was approved; it waits to be approved again."
_STORY = (
    *("position", "section", "url", "title", "summary", "byline", "kicker"),
    *("image_url", "image_alt", "image_caption", "image_credit"),
)
_NEWSLETTER = ("name", "description", "subject", "preheader", "intro", "language")
_PUBLICATION = ("name", "tagline", "url", "logo_url", "accent", "accent_dark", "postal_address")
_SENDER = ("sender_name", "sender_email", "reply_to", "language")
_APPEAL = ("heading", "body", "button", "url")


def approve(issue: Issue, revision: int, by: User, now: datetime) -> Issue:
    """Approve an issue as it stood at `revision`.

    A scheduled issue then goes out at its time, a manual one when it is sent.

    Raises ApprovalError where somebody else has to, ChangedMeanwhileError if it is another by now.
    """
    with transaction.atomic():
        locked = _locked(issue)
        if locked.revision != revision:
            raise ChangedMeanwhileError("Somebody changed this issue meanwhile. Look at it again.")
        if locked.state != State.DRAFT:
            raise ApprovalError(f"It needs no approval: it is {locked.get_state_display()}.")
        if locked.newsletter.approval == Approval.OTHER and locked.changed_by_id == by.pk:
            raise ApprovalError("You changed it last: somebody else approves it.")
        locked.approved_by, locked.approved_at = by, now
        locked.approved_hash = fingerprint(locked)
        locked.reason = ""
        if locked.kind != Issue.Kind.MANUAL:
            locked.state = State.BUILT
            jobs.enqueue(jobs.PLAN_ISSUES)
        locked.save()
    return locked


def is_needed(issue: Issue) -> bool:
    """Say whether the issue has to be approved, and is not, or is of other content by now."""
    if issue.newsletter.approval == Approval.NONE:
        return False
    return issue.approved_hash != fingerprint(issue)


def revoke_if_stale(issue: Issue) -> bool:
    """Turn an issue that was approved with other content back into a draft; return whether."""
    if not is_needed(issue):
        return False
    built = Issue.objects.filter(pk=issue.pk, state=State.BUILT, planned_at=None)
    return bool(
        built.update(
            state=State.DRAFT,
            reason=FELL,
            approved_by=None,
            approved_at=None,
            approved_hash="",
            send_at=None,
        )
    )


def fingerprint(issue: Issue) -> str:
    """Return a hash of all that shows in the mail, as 64 hexadecimal digits."""
    newsletter, appeal = issue.newsletter, issue.appeal
    content: dict[str, Any] = {
        "subject": issue.own_subject,
        "preheader": issue.own_preheader,
        "topics": sorted(issue.only_topics),
        "stories": list(issue.stories.order_by("position").values_list(*_STORY)),
        "newsletter": [getattr(newsletter, name) for name in _NEWSLETTER],
        "publication": [getattr(newsletter.publication, n) for n in (*_PUBLICATION, *_SENDER)],
        "appeal": [getattr(appeal, name) for name in _APPEAL] if appeal else None,
    }
    if newsletter.redirect_links:
        content["links"] = "by way of us"
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _locked(issue: Issue) -> Issue:
    rows = Issue.objects.select_for_update(of=("self",))
    return rows.select_related("newsletter__publication", "appeal").get(pk=issue.pk)
