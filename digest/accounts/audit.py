"""Who did what: noted when it is done, read page by page."""

from datetime import datetime
from typing import Any

from digest.accounts.models import AuditEntry, User

LONGEST = 500


def note(
    user: User,
    what: str,
    now: datetime,
    *,
    about: Any = "",
    url: str = "",
    publication: int | None = None,
    ip: str | None = None,
    via: str = "",
) -> AuditEntry:
    """Note what a person did, or a program of theirs (`via` names it).

    `publication` is the id of the only one that it concerns.
    """
    return AuditEntry.objects.create(
        at=now,
        user=user,
        who=f"{user}, {via}"[:300] if via else str(user),
        what=what[:LONGEST],
        about=str(about)[:300],
        url=url[:300],
        publication_id=publication,
        ip=ip,
    )


def note_of(who: str, what: str, now: datetime, *, about: str = "") -> AuditEntry:
    """Note what somebody without an account did, on the machine itself."""
    return AuditEntry.objects.create(
        at=now, user=None, who=who[:300], what=what[:LONGEST], about=about[:300]
    )
