"""Who may do what: roles, and the rights that come with them.

    owner     everything
    editor    see, edit, subscribers; send, export and erase where they were given
    analyst   see

A superuser is an owner of every publication.
"""

from datetime import datetime
from enum import StrEnum

from django.db.models import Q

from digest.accounts.models import User
from digest.newsletters.models import Member, Role, Standing


class Right(StrEnum):
    """Something that a person may do, in one publication or in all."""

    SEE = "see"  # numbers and issues, no subscriber's address
    EDIT = "edit"  # change, approve, stop: whatever lets no mail leave to subscribers
    SEND = "send"  # whatever makes it leave
    SUBSCRIBERS = "subscribers"  # see and change single subscribers
    EXPORT = "export"
    ERASE = "erase"
    MANAGE = "manage"  # people, publications, relays, programs


_OF_ROLE = {
    Role.OWNER: frozenset(Right),
    Role.EDITOR: frozenset({Right.SEE, Right.EDIT, Right.SUBSCRIBERS}),
    Role.ANALYST: frozenset({Right.SEE}),
}


def rights_of(standing: Standing) -> frozenset[Right]:
    """Return what somebody in this standing may do."""
    rights = _OF_ROLE[Role(standing.role)]
    if standing.role != Role.EDITOR:
        return rights
    given = {
        Right.SEND: standing.may_send,
        Right.EXPORT: standing.may_export,
        Right.ERASE: standing.may_erase,
    }
    return rights | {right for right, held in given.items() if held}


def reach(user: User, right: Right) -> frozenset[int] | None:
    """Return the ids of the publications where somebody has a right; None stands for all."""
    if not user.is_active:
        return frozenset()
    if user.is_superuser:
        return None
    held = [one for one in _standings(user) if right in rights_of(one)]
    if any(one.publication_id is None for one in held):
        return None
    return frozenset(one.publication_id for one in held if one.publication_id)


def may(user: User, right: Right, publication: int | None) -> bool:
    """Say whether somebody has a right in a publication; None: in all of them."""
    there = reach(user, right)
    return there is None or publication in there


def anywhere(user: User, right: Right) -> bool:
    """Say whether somebody has a right in any publication."""
    return reach(user, right) != frozenset()


def within(there: frozenset[int] | None, field: str = "publication") -> Q:
    """Return the condition that a row is of one of these publications."""
    return Q() if there is None else Q(**{f"{field}__in": there})


def let_go(user: User, publication: int | None, now: datetime) -> None:
    """Revoke somebody's tokens for a publication (None: for any) where they manage no more."""
    living = user.tokens.filter(revoked_at=None)
    for token in living if publication is None else living.filter(publication_id=publication):
        if not may(user, Right.MANAGE, token.publication_id):
            token.revoked_at = now
            token.save(update_fields=["revoked_at"])


def _standings(user: User) -> list[Member]:
    """Return somebody's standings; looked up once for each request's user."""
    known: list[Member] | None = getattr(user, "_standings", None)
    if known is None:
        known = list(Member.objects.filter(user=user))
        user._standings = known  # type: ignore[attr-defined]  # noqa: SLF001  as Django's caches
    return known
