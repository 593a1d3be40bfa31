"""The audit log: who did what, recorded when it is done, read page by page."""

from datetime import datetime
from typing import Any

from digest.accounts.models import AuditEntry, User

LONGEST_ACTION, LONGEST_NAME = 500, 300  # characters


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
    """Record what a person did, or an API token of theirs (`via` names it).

    `publication_id` is the only publication that it concerns; None: all of them.
    """
    return AuditEntry.objects.create(
        at=now,
        user=user,
        actor=f"{user}, {via}"[:LONGEST_NAME] if via else str(user),
        action=action[:LONGEST_ACTION],
        target=str(target)[:LONGEST_NAME],
        url=url[:LONGEST_NAME],
        publication_id=publication_id,
        ip=ip,
    )


def record_command(actor: str, action: str, now: datetime, *, target: str = "") -> AuditEntry:
    """Record what somebody without an account did on the machine itself."""
    return AuditEntry.objects.create(
        at=now,
        user=None,
        actor=actor[:LONGEST_NAME],
        action=action[:LONGEST_ACTION],
        target=target[:LONGEST_NAME],
    )
