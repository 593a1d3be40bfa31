"""Who is in the newsroom and what they may do; invitations; the audit log."""

from typing import Any

from allauth.account.utils import perform_login
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from digest.accounts.models import AuditEntry, User
from digest.console.access import record_action, require_right, right_required, scope_of, user_of
from digest.core import clock
from digest.core.errors import DigestError, LinkError
from digest.newsletters import invitations, members
from digest.newsletters.members import MemberRole, Right
from digest.newsletters.models import Invitation, Member, Publication, Role
from digest.notices.models import Notice
from digest.notices.queue import queue_notice

PAGE = 100


@require_safe
@right_required(Right.MANAGE)
def people(request: HttpRequest) -> HttpResponse:
    """List who is in, and who is asked to be."""
    scope, now = scope_of(request, Right.MANAGE), clock.now()
    memberships = scope.filter(Member.objects.select_related("user", "publication"))
    pending = scope.filter(Invitation.objects.filter(accepted_at=None, revoked_at=None))
    fresh = pending.filter(created_at__gt=now - invitations.VALID_FOR).select_related("publication")
    context = {
        "title": "People",
        "members": memberships.order_by("publication__name", "user__email"),
        "superusers": User.objects.filter(is_superuser=True, is_active=True).order_by("email"),
        "invitations": [(one, *_mailed(one)) for one in fresh.order_by("-created_at")],
        "publications": scope.publications().order_by("name"),
        "everywhere": scope.is_everything,
        "roles": Role.choices,
        "rights": [(role, _in_words(role)) for role in Role],
    }
    return _page(request, "team", context)


@require_POST
@right_required(Right.MANAGE)
def invite(request: HttpRequest) -> HttpResponse:
    """Ask somebody to join, by mail."""
    try:
        role = _terms(request)
        require_right(request, Right.MANAGE, role.publication.pk if role.publication else None)
        made = invitations.invite(
            request.POST.get("email", ""), role, user_of(request), clock.now()
        )
    except DigestError as problem:
        messages.error(request, str(problem))
        return redirect("team")
    record_action(request, f"invited as {made.get_role_display()}", made.email, made.publication_id)
    sender = _sender(made)
    if sender and not _mails(made).exists():
        context = {"invitation": made.pk}
        queue_notice(
            Notice.Kind.ACCOUNT, sender, email=made.email, now=clock.now(), context=context
        )
    messages.success(request, f"{made.email} is asked.")
    return redirect("team")


@require_POST
@right_required(Right.MANAGE)
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Give somebody another role, or other rights."""
    member = _member(request, pk)
    try:
        role = _terms(request)
    except DigestError as problem:
        messages.error(request, str(problem))
        return redirect("team")
    rights = ", ".join(sorted(members.change_role(member, role, clock.now())))
    record_action(
        request, f"changed to {member.get_role_display()}: {rights}", member.user, _of(member)
    )
    messages.success(request, f"{member.user} may now: {rights}.")
    return redirect("team")


@require_POST
@right_required(Right.MANAGE)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a member; whose last membership it was can't sign in any more."""
    member = _member(request, pk)
    user = member.user
    members.remove(member, clock.now())
    record_action(request, "removed", user, _of(member))
    messages.success(request, f"{user} is out.")
    return redirect("team")


@require_POST
@right_required(Right.MANAGE)
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an invitation back."""
    invitations_in_scope = scope_of(request, Right.MANAGE).filter(Invitation.objects.all())
    found = get_object_or_404(invitations_in_scope, pk=pk)
    invitations.revoke(found, clock.now())
    record_action(request, "took the invitation back", found.email, found.publication_id)
    messages.success(request, f"The link of {found.email} does nothing any more.")
    return redirect("team")


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Let somebody who was asked choose a password, and in."""
    now, problem = clock.now(), ""
    try:
        invitation = invitations.get_pending(token, now)
    except LinkError as gone:
        return _plain(request, {"gone": str(gone)}, status=410)
    signed_in = request.user if isinstance(request.user, User) else None
    if request.method == "POST":
        try:
            user = invitations.accept(token, request.POST.get("password", ""), now, signed_in)
        except DigestError as wrong:
            problem = str(wrong)
        else:
            return _welcomed(request, user, signed_in)
    known = User.objects.filter(email__iexact=invitation.email, is_active=True).exists()
    context = {
        "invitation": invitation,
        "problem": problem,
        "signs_in": known and signed_in is None,
        "signed_in": signed_in,
        "rights": _in_words(Role(invitation.role)),
    }
    return _plain(request, context, status=422 if problem else 200)


@require_safe
@right_required(Right.MANAGE)
def log(request: HttpRequest) -> HttpResponse:
    """Show who did what, the latest first."""
    scope = scope_of(request, Right.MANAGE)
    rows = scope.filter(AuditEntry.objects.order_by("-id"), "publication_id")
    typed, after = request.GET.get("who", "").strip()[:254], request.GET.get("after", "")
    if typed:
        rows = rows.filter(actor__istartswith=typed)
    if after.isdecimal():
        rows = rows.filter(id__lt=int(after[:18]))
    found = list(rows[: PAGE + 1])
    context = {
        "title": "Audit log",
        "entries": [(one, clock.format_moment(one.at)) for one in found[:PAGE]],
        "who": typed,
        "next": found[PAGE - 1].pk if len(found) > PAGE else "",
    }
    return _page(request, "audit", context)


def _terms(request: HttpRequest) -> MemberRole:
    said, slug = request.POST, request.POST.get("publication", "")
    publication = Publication.objects.filter(slug=slug).first() if slug else None
    if slug and publication is None:
        raise DigestError("This publication is gone. Look at the page again.")
    if said.get("role") not in Role.values:
        raise DigestError("Choose a role.")
    return MemberRole(
        Role(said["role"]),
        publication,
        may_send="may_send" in said,
        may_export="may_export" in said,
        may_erase="may_erase" in said,
    )


def _member(request: HttpRequest, pk: int) -> Member:
    """Return a member whom they manage, who is not themself."""
    members_in_scope = scope_of(request, Right.MANAGE).filter(Member.objects.select_related("user"))
    found: Member = get_object_or_404(members_in_scope, pk=pk)
    if found.user_id == request.user.pk:
        raise Http404
    return found


def _of(member: Member) -> int | None:
    return member.publication_id


def _sender(invitation: Invitation) -> Publication | None:
    return invitation.publication or Publication.objects.order_by("pk").first()


def _mailed(invitation: Invitation) -> tuple[str, str]:
    """Return what became of the mail, and the link where there is nobody to send it.

    Else the link is for the mailbox alone: who sees it can become whom they ask, and approve twice.
    """
    if _sender(invitation) is None:
        return "", invitations.accept_url(invitation)
    if (mail := _mails(invitation).first()) is None:
        return "Nothing is known of the mail any more. Invite again.", ""
    return f"The mail: {mail.get_state_display()}. {mail.reply}".strip(), ""


def _mails(invitation: Invitation) -> QuerySet[Notice]:
    return Notice.objects.filter(kind=Notice.Kind.ACCOUNT, context__invitation=invitation.pk)


def _in_words(role: Role) -> str:
    return {
        Role.OWNER: "may do everything, and invites others",
        Role.EDITOR: "sets up, changes, approves and stops issues, sees subscribers",
        Role.ANALYST: "sees issues and numbers, no subscriber's address",
    }[role]


def _welcomed(request: HttpRequest, user: User, signed_in: User | None) -> HttpResponse:
    if signed_in is None:
        messages.success(request, "Welcome. A passkey makes signing in quick and safe: add one.")
        response: HttpResponse = perform_login(
            request, user, email_verification="none", redirect_url=reverse("mfa_index")
        )
        return response
    messages.success(request, "Good to have you here as well.")
    return redirect("home")


def _plain(request: HttpRequest, context: dict[str, Any], status: int) -> HttpResponse:
    return render(request, "console/team/accept.html", context, status=status)


def _page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    whole = admin.site.each_context(request) | context
    return render(request, f"console/team/{name}.html", whole)
