"""The audit log: who did what, and when."""

from datetime import datetime
from typing import Any

from digest.accounts.models import AuditEntry, User

MAX_ACTION_LENGTH, MAX_NAME_LENGTH = 500, 300  # characters


def record(
    user: User,
    action: str,
    now: datetime,
    *,
    target: Any = "",
    url: str = "",
    publication_id: int | None = None,
    ip: str | None = None,
    via: str = "",
) -> AuditEntry:
    """Record what a user did, or one of the user's API tokens (`via` names it).

    `publication_id` is the publication that the action concerns; None is every publication.
    """
    return AuditEntry.objects.create(
        at=now,
        user=user,
        actor=f"{user}, {via}"[:MAX_NAME_LENGTH] if via else str(user),
        action=action[:MAX_ACTION_LENGTH],
        target=str(target)[:MAX_NAME_LENGTH],
        url=url[:MAX_NAME_LENGTH],
        publication_id=publication_id,
        ip=ip,
    )


def record_attempt(actor: str, action: str, now: datetime, *, ip: str | None) -> AuditEntry:
    """Record what somebody tried without being signed in; `actor` is who they say they are."""
    return AuditEntry.objects.create(
        at=now,
        user=None,
        actor=actor[:MAX_NAME_LENGTH],
        action=action[:MAX_ACTION_LENGTH],
        ip=ip,
    )


def record_command(
    actor: str, action: str, now: datetime, *, target: str = "", publication_id: int | None = None
) -> AuditEntry:
    """Record what somebody did on the command line, without an account; or Digest by itself."""
    return AuditEntry.objects.create(
        at=now,
        user=None,
        actor=actor[:MAX_NAME_LENGTH],
        action=action[:MAX_ACTION_LENGTH],
        target=target[:MAX_NAME_LENGTH],
        publication_id=publication_id,
    )
