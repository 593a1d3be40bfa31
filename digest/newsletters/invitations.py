"""Invitations: somebody is invited to the team by mail, and accepts with a link that works once.

invite > (a mail with the link) > get_pending > accept: creates the account, if needed, and a member
"""

from dataclasses import fields
from datetime import datetime, timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse

from digest.accounts.models import User
from digest.core import addresses, links
from digest.core.errors import LinkError, LinkExpiredError
from digest.newsletters import members
from digest.newsletters.errors import NewsletterError
from digest.newsletters.members import MemberRole
from digest.newsletters.models import Invitation, Member

VALID_FOR = timedelta(days=7)
DUPLICATE_WINDOW = timedelta(minutes=1)
NOT_PENDING = "This invitation was withdrawn, or is used already. Ask for another."


def invite(email: str, role: MemberRole, invited_by: User, now: datetime) -> Invitation:
    """Create an invitation; an earlier one to the same address and publication is withdrawn.

    The same invitation within a minute is a button pressed twice: it returns the first one.
    Raises InvalidAddressError for an invalid address, NewsletterError for a member and for a role
    that cannot be.
    """
    address = addresses.parse(email).email
    members.check_role(role)
    team = Member.objects.filter(publication=role.publication)
    if team.filter(user__in=User.objects.with_address(address)).exists():
        raise NewsletterError(f"{address} is a member already.")
    with transaction.atomic():
        pending = Invitation.objects.filter(accepted_at=None, revoked_at=None)
        earlier = pending.filter(email__iexact=address, publication=role.publication)
        values = {field.name: getattr(role, field.name) for field in fields(role)}
        values["newsletter_ids"] = sorted(set(role.newsletter_ids))
        values["invited_by"] = invited_by
        if duplicate := earlier.filter(created_at__gt=now - DUPLICATE_WINDOW, **values).first():
            return duplicate
        earlier.update(revoked_at=now)
        return Invitation.objects.create(email=address, created_at=now, **values)


def accept_url(invitation: Invitation) -> str:
    """Return the address of the page that accepts an invitation."""
    token = links.sign_rows_until("invitation", invitation.created_at + VALID_FOR, invitation)
    return links.absolute(reverse("invitation", args=[token]))


def get_pending(token: str, now: datetime) -> Invitation:
    """Return the invitation of a link; raise LinkError if the link is not valid any more."""
    link, _until = links.read_rows_until("invitation", token, now, count=1)
    if link.expired:
        raise LinkExpiredError(links.EXPIRED)
    pending = Invitation.objects.filter(accepted_at=None, revoked_at=None)
    invitation = pending.select_related("publication", "invited_by").filter(pk=link.ids[0]).first()
    if invitation is None:
        raise LinkError(NOT_PENDING)
    link.require(invitation)
    return invitation


def accept(token: str, password: str, now: datetime, signed_in: User | None = None) -> User:
    """Add the user who is `signed_in`, or else a new user, to the team; return the user.

    Raises LinkError for a link that is not valid any more, NewsletterError for a password that is
    easy to guess, and if an account with the invited address has to sign in first.
    """
    with transaction.atomic():
        invitation = Invitation.objects.select_for_update().get(pk=get_pending(token, now).pk)
        if invitation.accepted_at or invitation.revoked_at:
            raise LinkError(NOT_PENDING)
        user = signed_in or _create_user(invitation.email, password, now)
        if user.email.lower() != invitation.email.lower():
            raise NewsletterError(
                f"This invitation is for {invitation.email}. Sign in with that address."
            )
        _join_team(invitation, user, now)
        invitation.accepted_at = now
        invitation.save(update_fields=["accepted_at"])
    return user


def revoke(invitation: Invitation, now: datetime) -> None:
    """Withdraw an invitation; its link stops working."""
    Invitation.objects.filter(pk=invitation.pk, accepted_at=None).update(revoked_at=now)


def _create_user(email: str, password: str, now: datetime) -> User:
    """Return a user with this password; a deactivated account is activated again."""
    existing = User.objects.with_address(email).first()
    if existing and existing.is_active:
        raise NewsletterError(
            "There is an account with this address. Sign in, then open the link again."
        )
    user = existing or User(email=email)
    try:
        validate_password(password, user)
    except ValidationError as problem:
        raise NewsletterError(" ".join(problem.messages)) from problem
    if existing:
        _remove_rights(existing, now)
    user.is_active = True
    user.set_password(password)
    user.save()
    return user


def _remove_rights(user: User, now: datetime) -> None:
    """Remove every right that a deactivated account had: this invitation does not restore them."""
    user.is_superuser = False
    user.memberships.all().delete()
    members.revoke_tokens(user, None, now)


def _join_team(invitation: Invitation, user: User, now: datetime) -> None:
    names = ("role", "may_send", "may_export", "may_erase", "newsletter_ids")
    values = {name: getattr(invitation, name) for name in names}
    Member.objects.update_or_create(
        user=user,
        publication=invitation.publication,
        defaults=values,
        create_defaults=values | {"created_at": now},
    )
    if not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
