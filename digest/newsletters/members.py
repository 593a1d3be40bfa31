"""What each member of the team may do: the rights of the roles.

    owner     every right
    editor    see, edit, subscribers; send, export and erase if the member has them
    analyst   see

A superuser is an owner of every publication.
"""

from datetime import datetime
from enum import StrEnum

from digest.accounts.models import User
from digest.newsletters.models import Member, Role, RoleAssignment


class Right(StrEnum):
    """Something that a user may do, in one publication or in all."""

    SEE = "see"  # statistics and issues, but no subscriber's address
    EDIT = "edit"  # change, approve, stop: whatever sends no mail to subscribers
    SEND = "send"  # whatever sends mail to subscribers
    SUBSCRIBERS = "subscribers"  # see and change single subscribers
    EXPORT = "export"  # export a subscriber's data
    ERASE = "erase"  # erase a subscriber
    MANAGE = "manage"  # the team, publications, mail servers, API tokens, webhooks


_ROLE_RIGHTS = {
    Role.OWNER: frozenset(Right),
    Role.EDITOR: frozenset({Right.SEE, Right.EDIT, Right.SUBSCRIBERS}),
    Role.ANALYST: frozenset({Right.SEE}),
}


def rights_of(assignment: RoleAssignment) -> frozenset[Right]:
    """Return the rights that come with a role, and with what an editor was granted besides."""
    rights = _ROLE_RIGHTS[Role(assignment.role)]
    if assignment.role != Role.EDITOR:
        return rights
    optional = {
        Right.SEND: assignment.may_send,
        Right.EXPORT: assignment.may_export,
        Right.ERASE: assignment.may_erase,
    }
    return rights | {right for right, is_granted in optional.items() if is_granted}


def publication_ids(user: User, right: Right) -> frozenset[int] | None:
    """Return the ids of the publications where a user has a right; None is every publication."""
    if not user.is_active:
        return frozenset()
    if user.is_superuser:
        return None
    ids = {row.publication_id for row in _memberships(user) if right in rights_of(row)}
    return None if None in ids else frozenset(pk for pk in ids if pk is not None)


def has_right(user: User, right: Right, publication_id: int | None) -> bool:
    """Say whether a user has a right in a publication; None asks for every publication."""
    ids = publication_ids(user, right)
    return ids is None or publication_id in ids


def has_right_somewhere(user: User, right: Right) -> bool:
    """Say whether a user has a right in at least one publication."""
    return publication_ids(user, right) != frozenset()


def revoke_tokens(user: User, publication_id: int | None, now: datetime) -> None:
    """Revoke a user's API tokens for publications that the user does not manage any more.

    Only those for the publication with this id are checked; None checks all tokens.
    """
    tokens = user.tokens.filter(revoked_at=None)
    if publication_id is not None:
        tokens = tokens.filter(publication_id=publication_id)
    for token in tokens:
        if not has_right(user, Right.MANAGE, token.publication_id):
            token.revoked_at = now
            token.save(update_fields=["revoked_at"])


def _memberships(user: User) -> list[Member]:
    """Return a user's memberships, queried once for each instance (one request's user)."""
    memberships: list[Member] | None = getattr(user, "_digest_memberships", None)
    if memberships is None:
        memberships = list(Member.objects.filter(user=user))
        user._digest_memberships = memberships  # type: ignore[attr-defined]  # noqa: SLF001
    return memberships
