"""What each member of the team may do: the rights of the roles.

    owner     every right
    editor    see, edit, subscribers; send, export and erase if the member has them
    analyst   see

An editor or analyst of some newsletters has these rights there alone: nothing that belongs to the
publication as a whole is theirs to see or change.

A superuser is an owner of every publication.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from django.db import transaction
from django.db.models import Q

from digest.accounts import tokens
from digest.accounts.models import User
from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import Invitation, Member, Publication, Role, RoleAssignment


class Right(StrEnum):
    """Something that a user may do, in one publication or in all."""

    SEE = "see"  # statistics and issues, but no subscriber's address
    EDIT = "edit"  # change, approve, stop: whatever sends no mail to subscribers
    SEND = "send"  # whatever sends mail to subscribers
    SUBSCRIBERS = "subscribers"  # see and change single subscribers
    EXPORT = "export"  # export a subscriber's data
    ERASE = "erase"  # erase a subscriber
    MANAGE = "manage"  # the team, publications, mail servers, API tokens, webhooks


@dataclass(frozen=True, slots=True)
class MemberRole:
    """The role that a member has or will have, and an editor's optional rights."""

    role: Role
    publication: Publication | None  # None: every publication
    may_send: bool = True
    may_export: bool = False
    may_erase: bool = False
    newsletter_ids: Sequence[int] = ()  # none: every newsletter of the publication


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
    rows = [row for row in _memberships(user) if not row.newsletter_ids]
    ids = {row.publication_id for row in rows if right in rights_of(row)}
    return None if None in ids else frozenset(pk for pk in ids if pk is not None)


def newsletter_ids(user: User, right: Right) -> frozenset[int]:
    """Return the ids of newsletters where a user has a right without having it beyond them."""
    if not user.is_active or user.is_superuser:
        return frozenset()
    rows = [row for row in _memberships(user) if right in rights_of(row)]
    return frozenset(pk for row in rows for pk in row.newsletter_ids)


def has_right(
    user: User, right: Right, publication_id: int | None, newsletter_id: int | None = None
) -> bool:
    """Say whether a user has a right in a publication; None asks for every publication.

    With a newsletter of the publication it is enough to have the right there.
    """
    ids = publication_ids(user, right)
    if ids is None or publication_id in ids:
        return True
    return newsletter_id is not None and newsletter_id in newsletter_ids(user, right)


def has_right_somewhere(user: User, right: Right) -> bool:
    """Say whether a user has a right in at least one publication or newsletter."""
    return publication_ids(user, right) != frozenset() or bool(newsletter_ids(user, right))


def check_role(role: MemberRole) -> None:
    """Raise NewsletterError for a role that cannot be."""
    if not role.newsletter_ids:
        return
    if role.role == Role.OWNER:
        raise NewsletterError("An owner has every newsletter. Choose another role, or all of them.")
    publication = role.publication
    own = publication.newsletters.filter(pk__in=role.newsletter_ids) if publication else None
    if own is None or own.count() < len(set(role.newsletter_ids)):
        raise NewsletterError("Choose newsletters of the publication.")


def is_on_team(email: str, publication_id: int) -> bool:
    """Say whether this is the address of somebody who may see a publication in the console."""
    members = Member.objects.filter(Q(publication=publication_id) | Q(publication=None))
    active = User.objects.with_address(email).filter(is_active=True)
    return active.filter(Q(is_superuser=True) | Q(memberships__in=members)).exists()


@transaction.atomic
def change_role(member: Member, role: MemberRole, now: datetime) -> frozenset[Right]:
    """Change a member's role within the same publication; return the rights that come with it.

    API tokens and open invitations that the member may not give any more are revoked. Raises
    NewsletterError for a role that cannot be.
    """
    check_role(replace(role, publication=member.publication))
    managed = Right.MANAGE in rights_of(member)
    member.role = role.role
    member.may_send = role.may_send
    member.may_export = role.may_export
    member.may_erase = role.may_erase
    member.newsletter_ids = sorted(set(role.newsletter_ids))
    member.save()
    if managed:
        _revoke_management(member.user, member.publication_id, now)
    return rights_of(member)


@transaction.atomic
def remove(member: Member, now: datetime) -> None:
    """Remove a member, and revoke the API tokens and invitations that they may not give any more.

    A user whose last membership it was can't sign in any more, unless it is a superuser.
    """
    user, publication_id = member.user, member.publication_id
    member.delete()
    _revoke_management(user, publication_id, now)
    if not user.is_superuser and not user.memberships.exists():
        # Ends the user's sessions, too, and refuses every remaining API token.
        User.objects.filter(pk=user.pk).update(is_staff=False, is_active=False)


def revoke_tokens(user: User, publication_id: int | None, now: datetime) -> None:
    """Revoke a user's API tokens for publications that the user does not manage any more.

    Only those for the publication with this id are checked; None checks all tokens.
    """
    active = user.tokens.filter(revoked_at=None)
    if publication_id is not None:
        active = active.filter(publication_id=publication_id)
    for token in active:
        if not has_right(user, Right.MANAGE, token.publication_id):
            tokens.revoke(token, now)


def _revoke_invitations(user: User, publication_id: int | None, now: datetime) -> None:
    """Revoke a user's open invitations to publications that the user does not manage any more.

    Only those to the publication with this id are checked; None checks all of them.
    """
    pending = Invitation.objects.filter(invited_by=user, accepted_at=None, revoked_at=None)
    if publication_id is not None:
        pending = pending.filter(publication=publication_id)
    for invitation in pending:
        if not has_right(user, Right.MANAGE, invitation.publication_id):
            invitation.revoked_at = now
            invitation.save(update_fields=["revoked_at"])


def _revoke_management(user: User, publication_id: int | None, now: datetime) -> None:
    """Revoke what only those who manage a publication may give: API tokens and invitations."""
    revoke_tokens(user, publication_id, now)
    _revoke_invitations(user, publication_id, now)


def _memberships(user: User) -> list[Member]:
    """Return a user's memberships, queried once for each instance (one request's user)."""
    memberships: list[Member] | None = getattr(user, "_digest_memberships", None)
    if memberships is None:
        memberships = list(Member.objects.filter(user=user))
        user._digest_memberships = memberships  # type: ignore[attr-defined]  # noqa: SLF001
    return memberships
