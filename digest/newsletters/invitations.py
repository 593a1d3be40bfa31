"""Invitations: somebody is asked to join, and does, by a link that works once.

invite > (a mail with the link) > read > accept: an account, if there was none, and a standing
"""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from digest.accounts.models import User
from digest.core import addresses, links
from digest.core.errors import LinkError
from digest.newsletters import members
from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import Invitation, Member, Publication, Role

LASTS = timedelta(days=7)
MOMENT = timedelta(minutes=1)
GONE = "This invitation was taken back, or is used already. Ask for another."


@dataclass(frozen=True, slots=True)
class Terms:
    """What somebody is asked to be."""

    role: Role
    publication: Publication | None  # none: of every one
    may_send: bool = True
    may_export: bool = False
    may_erase: bool = False


def invite(email: str, terms: Terms, by: User, now: datetime) -> Invitation:
    """Ask somebody to join; an earlier invitation to the same is taken back.

    Asking just the same twice within a minute is one press of a button: it asks once.
    Raises InvalidAddressError for no address, NewsletterError for a member.
    """
    address = addresses.parse(email).email
    members_of = Member.objects.filter(publication=terms.publication)
    if members_of.filter(user__email__iexact=address).exists():
        raise NewsletterError(f"{address} is a member already.")
    with transaction.atomic():
        open_ones = Invitation.objects.filter(accepted_at=None, revoked_at=None)
        to_them = open_ones.filter(email__iexact=address, publication=terms.publication)
        wanted = {one.name: getattr(terms, one.name) for one in fields(terms)} | {"invited_by": by}
        if there := to_them.filter(created_at__gt=now - MOMENT, **wanted).first():
            return there
        to_them.update(revoked_at=now)
        return Invitation.objects.create(email=address, created_at=now, **wanted)


def link(invitation: Invitation) -> str:
    """Return the address that accepts."""
    token = links.sign_until("invitation", invitation.created_at + LASTS, invitation.pk)
    return links.absolute(f"/admin/invitation/{token}/")


def read(token: str, now: datetime) -> Invitation:
    """Return the invitation of a link; raise LinkError if it is good no more."""
    ids = links.read_until("invitation", token, now)
    open_ones = Invitation.objects.filter(accepted_at=None, revoked_at=None)
    found = open_ones.select_related("publication", "invited_by").filter(pk=ids[0]).first()
    if found is None:
        raise LinkError(GONE)
    return found


def accept(token: str, password: str, now: datetime, signed_in: User | None = None) -> User:
    """Make the account, or take the one that is `signed_in`, and the standing; return the user.

    Raises LinkError for a link that is good no more, NewsletterError for a password that is too
    easy to guess, or where an account of that address has to sign in first.
    """
    with transaction.atomic():
        invitation = Invitation.objects.select_for_update().get(pk=read(token, now).pk)
        if invitation.accepted_at:
            raise LinkError(GONE)
        user = signed_in or _new_user(invitation.email, password, now)
        if user.email.lower() != invitation.email.lower():
            raise NewsletterError(f"This invitation is for {invitation.email}. Sign in as them.")
        _join(invitation, user, now)
        invitation.accepted_at = now
        invitation.save(update_fields=["accepted_at"])
    return user


def revoke(invitation: Invitation, now: datetime) -> None:
    """Take an invitation back; its link does nothing any more."""
    Invitation.objects.filter(pk=invitation.pk, accepted_at=None).update(revoked_at=now)


def _new_user(email: str, password: str, now: datetime) -> User:
    """Return a user with this password; one who was taken out comes back."""
    there = User.objects.filter(email__iexact=email).first()
    if there and there.is_active:
        raise NewsletterError("There is an account of this address. Sign in, then open the link.")
    user = there or User(email=email)
    try:
        validate_password(password, user)
    except ValidationError as problem:
        raise NewsletterError(" ".join(problem.messages)) from problem
    if there:
        _forget(there, now)
    user.is_active = True
    user.set_password(password)
    user.save()
    return user


def _forget(user: User, now: datetime) -> None:
    """Let an old account come back as nobody; what it was is not for this invitation to give."""
    user.is_superuser = False
    user.memberships.all().delete()
    members.revoke_tokens(user, None, now)


def _join(invitation: Invitation, user: User, now: datetime) -> None:
    names = ("role", "may_send", "may_export", "may_erase")
    terms = {name: getattr(invitation, name) for name in names}
    Member.objects.update_or_create(
        user=user,
        publication=invitation.publication,
        defaults=terms,
        create_defaults=terms | {"created_at": now},
    )
    if not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
