"""The team: members, roles, invitations, and the audit log."""

from typing import Any

from allauth.account.utils import perform_login
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from digest.accounts import audit
from digest.accounts.models import AuditEntry, User
from digest.console.access import parse_id, record_action, require_right, scope_of, user_of
from digest.console.pages import action_view, done, page_view, problems_on, render_page
from digest.console.tables import Column, build_table
from digest.console.team.newsletters import (
    newsletter_choices,
    newsletter_ids_of,
    reached_names,
    require_choice,
)
from digest.core import addresses, client_ip, clock
from digest.core.errors import DigestError, LinkError
from digest.newsletters import invitations, members
from digest.newsletters.members import MemberRole, Right
from digest.newsletters.models import Invitation, Member, Publication, Role
from digest.notices.models import Notice
from digest.notices.queue import queue_notice


@page_view(Right.MANAGE)
def team(request: HttpRequest) -> HttpResponse:
    """List the members and the pending invitations."""
    return _page(request)


def _page(request: HttpRequest, entered: QueryDict | None = None) -> HttpResponse:
    """Return the page; with what was `entered` for an invitation that cannot be."""
    scope, now = scope_of(request, Right.MANAGE), clock.now()
    memberships = scope.filter(Member.objects.select_related("user", "publication"))
    pending = scope.filter(Invitation.objects.filter(accepted_at=None, revoked_at=None))
    fresh = pending.filter(created_at__gt=now - invitations.VALID_FOR).select_related("publication")
    context = {
        "members": memberships.order_by("publication__name", "user__email"),
        "superusers": User.objects.filter(is_superuser=True, is_active=True).order_by("email"),
        "invitations": [(row, *_mail_status(row)) for row in fresh.order_by("-created_at")],
        "publications": scope.publications().order_by("name"),
        "everywhere": scope.is_everything,
        "newsletters": newsletter_choices(scope),
        "roles": Role.choices,
        "rights": [(role, _description(role)) for role in Role],
        "entered": entered,
        "proposal": {name: entered[name] for name in entered} if entered is not None else None,
        "ticked": list(map(parse_id, entered.getlist("newsletter"))) if entered is not None else [],
    }
    status = 200 if entered is None else 422
    return render_page(request, "console/team/team.html", "Team", context, status=status)


@action_view(Right.MANAGE)
def invite(request: HttpRequest) -> HttpResponse:
    """Invite a member by mail."""
    with problems_on(request):
        role = _role(request)
        require_right(request, Right.MANAGE, role.publication.pk if role.publication else None)
        invitation = invitations.invite(
            request.POST.get("email", ""), role, user_of(request), clock.now()
        )
        limit = reached_names(invitation.newsletter_ids)
        action = f"invited as {invitation.get_role_display()}{f' of {limit}' if limit else ''}"
        record_action(request, action, invitation.email, invitation.publication_id)
        sender = _sender(invitation)
        if sender and not _mails(invitation).exists():
            context = {"invitation": invitation.pk}
            queue_notice(
                Notice.Kind.ACCOUNT,
                sender,
                email=invitation.email,
                now=clock.now(),
                context=context,
            )
        return done(request, f"Invitation sent to {invitation.email}.", "team")
    return _page(request, request.POST)


@action_view(Right.MANAGE)
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a member's role or rights."""
    member = _member(request, pk)
    with problems_on(request):
        require_choice(request, member)
        rights = ", ".join(sorted(members.change_role(member, _role(request, member), clock.now())))
        limit = reached_names(member.newsletter_ids)
        action = (
            f"changed to {member.get_role_display()}{f' of {limit}' if limit else ''}: {rights}"
        )
        record_action(request, action, member.user, _of(member))
        return done(request, f"{member.user} is now {member.get_role_display()}.", "team")
    return redirect("team")


@action_view(Right.MANAGE)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a member; without a role anywhere, their account is disabled."""
    member = _member(request, pk)
    user = member.user
    members.remove(member, clock.now())
    record_action(request, "removed", user, _of(member))
    return done(request, f"{user} was removed.", "team")


@action_view(Right.MANAGE)
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke an invitation."""
    invitations_in_scope = scope_of(request, Right.MANAGE).filter(Invitation.objects.all())
    invitation = get_object_or_404(invitations_in_scope, pk=pk)
    invitations.revoke(invitation, clock.now())
    record_action(request, "revoked the invitation", invitation.email, invitation.publication_id)
    return done(request, f"The invitation of {invitation.email} was revoked.", "team")


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Let an invited person choose a password and sign in."""
    now, problem = clock.now(), ""
    try:
        invitation = invitations.get_pending(token, now)
    except LinkError as error:
        return _accept_page(request, {"gone": str(error)}, status=410)
    signed_in = request.user if isinstance(request.user, User) else None
    if request.method == "POST":
        try:
            user = invitations.accept(token, request.POST.get("password", ""), now, signed_in)
        except DigestError as wrong:
            problem = str(wrong)
        else:
            audit.record(
                user,
                f"accepted the invitation as {invitation.get_role_display()}",
                now,
                target=invitation.email,
                publication_id=invitation.publication_id,
                ip=client_ip.address(request),
            )
            return _sign_in(request, user, signed_in)
    has_account = User.objects.with_address(invitation.email).filter(is_active=True).exists()
    context = {
        "invitation": invitation,
        "problem": problem,
        "signs_in": has_account and signed_in is None,
        "signed_in": signed_in,
        "rights": _description(Role(invitation.role)),
    }
    return _accept_page(request, context, status=422 if problem else 200)


@page_view(Right.MANAGE)
def log(request: HttpRequest) -> HttpResponse:
    """Show the audit log, the newest entries first."""
    table = build_table(
        request,
        scope_of(request, Right.MANAGE).filter(AuditEntry.objects.all(), "publication_id"),
        (
            Column("User", lambda row: row.actor),
            Column("Action", lambda row: row.action),
            Column("Concerns", lambda row: row.target),
            Column("Time", lambda row: clock.format_moment(row.at)),
            Column("IP address", lambda row: row.ip or ""),
        ),
        label="Audit log",
        url=lambda _row: "",
        empty="No entries yet.",
        search=lambda rows, query: rows.filter(actor__istartswith=query[:254]),
        search_label="User (start of address)",
        keyset="-id",
    )
    return render_page(request, "console/list.html", "Audit log", {"table": table})


def _role(request: HttpRequest, member: Member | None = None) -> MemberRole:
    """Return the role in a form; a member's stays in their publication."""
    data, slug = request.POST, request.POST.get("publication", "")
    publication = Publication.objects.filter(slug=slug).first() if slug else None
    publication = member.publication if member else publication
    if slug and publication is None:
        raise DigestError("This publication no longer exists. Reload the page.")
    if data.get("role") not in Role.values:
        raise DigestError("Choose a role.")
    return MemberRole(
        Role(data["role"]),
        publication,
        may_send="may_send" in data,
        may_export="may_export" in data,
        may_erase="may_erase" in data,
        newsletter_ids=newsletter_ids_of(request, publication),
    )


def _member(request: HttpRequest, pk: int) -> Member:
    """Return another member whom the user manages, or raise Http404."""
    members_in_scope = scope_of(request, Right.MANAGE).filter(Member.objects.select_related("user"))
    member: Member = get_object_or_404(members_in_scope, pk=pk)
    if member.user_id == request.user.pk:
        raise Http404
    return member


def _of(member: Member) -> int | None:
    return member.publication_id


def _sender(invitation: Invitation) -> Publication | None:
    return invitation.publication or Publication.objects.order_by("pk").first()


def _mail_status(invitation: Invitation) -> tuple[str, str]:
    """Return the status of the invitation's mail, or its link if no mail can be sent.

    Otherwise the link is only in the mail: whoever has it can become the invited person.
    """
    if _sender(invitation) is None:
        return "", invitations.accept_url(invitation)
    if (mail := _mails(invitation).first()) is None:
        return "The mail has been deleted. Invite again.", ""
    return f"Mail {mail.get_state_display()}", ""


def _mails(invitation: Invitation) -> QuerySet[Notice]:
    """Return the mails of an invitation; those to its mailbox are found by an index."""
    rows = Notice.objects.filter(mailbox=addresses.folded(addresses.parse(invitation.email).key))
    return rows.filter(kind=Notice.Kind.ACCOUNT, context__invitation=invitation.pk)


def _description(role: Role) -> str:
    return {
        Role.OWNER: "Can do everything, and invite members.",
        Role.EDITOR: "Can create, edit, approve and cancel issues, and see subscribers.",
        Role.ANALYST: "Can see issues and statistics, but no subscriber's address.",
    }[role]


def _sign_in(request: HttpRequest, user: User, signed_in: User | None) -> HttpResponse:
    if signed_in is None:
        messages.success(request, "Welcome. Add a passkey to sign in quickly and safely.")
        response: HttpResponse = perform_login(
            request, user, email_verification="none", redirect_url=reverse("mfa_index")
        )
        return response
    return done(request, "Invitation accepted.", "home")


def _accept_page(request: HttpRequest, context: dict[str, Any], status: int) -> HttpResponse:
    return render(request, "console/team/accept.html", context, status=status)
