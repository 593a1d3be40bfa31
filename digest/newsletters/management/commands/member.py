"""`digest member …`: who is on the team, and what each member reaches."""

from typing import Any

from digest.accounts.models import User
from digest.core import clock
from digest.core.terminal import ActionCommand, add_flag
from digest.newsletters import members
from digest.newsletters.errors import NewsletterError
from digest.newsletters.members import MemberRole
from digest.newsletters.models import Member, Newsletter, Role
from digest.newsletters.setup import find_publication


class Command(ActionCommand):
    """Members."""

    help = "Members of the team: list, change. Owners invite them in the console."

    def add_actions(self) -> None:
        """Name the actions."""
        self.reading("list", "every member with their role")
        change = self.changing("set", "change a member's role in a publication")
        change.add_argument("email")
        change.add_argument("--publication", metavar="SLUG", required=True)
        change.add_argument("--role", choices=Role.values, help="(stays)")
        reached = change.add_mutually_exclusive_group()
        reached.add_argument(
            "--newsletter",
            action="append",
            metavar="SLUG",
            help="nothing beyond these newsletters (repeatable)",
        )
        add_flag(reached, "--all-newsletters", "every newsletter of the publication")

    def do_list(self, _options: dict[str, Any]) -> None:
        """List members."""
        rows = Member.objects.select_related("user", "publication").order_by("user__email", "pk")
        values = [_values(row) for row in rows]
        cells = [
            (
                row["email"],
                row["role"],
                row["publication"] or "all",
                ", ".join(row["newsletters"]) or "all",
            )
            for row in values
        ]
        columns = ("Email", "Role", "Publication", "Newsletters")
        empty = "No members yet."
        self.answer(values, lambda out: out.print_table(columns, cells, empty=empty))

    def do_set(self, options: dict[str, Any]) -> None:
        """Change a role."""
        publication = find_publication(options["publication"])
        rows = Member.objects.select_related("user", "publication").filter(publication=publication)
        member = rows.filter(user__in=User.objects.with_address(options["email"])).first()
        if member is None:
            raise NewsletterError(f"{options['email']} is not a member of {publication}.")
        newsletter_ids = member.newsletter_ids
        if options["newsletter"] or options["all_newsletters"]:
            newsletter_ids = [
                _newsletter(slug, publication.pk) for slug in options["newsletter"] or ()
            ]
        role = MemberRole(
            Role(options["role"] or member.role),
            publication,
            may_send=member.may_send,
            may_export=member.may_export,
            may_erase=member.may_erase,
            newsletter_ids=newsletter_ids,
        )
        members.change_role(member, role, clock.now())
        values = _values(member)
        limit = f" of {', '.join(values['newsletters'])}" if values["newsletters"] else ""
        self.answer(values, f"{member.user} is {member.get_role_display()}{limit} now.")


def _newsletter(slug: str, publication_id: int) -> int:
    row = Newsletter.objects.filter(slug=slug, publication=publication_id).first()
    if row is None:
        raise NewsletterError(f"There is no newsletter {slug!r} in this publication.")
    return row.pk


def _values(row: Member) -> dict[str, Any]:
    newsletters = Newsletter.objects.filter(pk__in=row.newsletter_ids).order_by("slug")
    return {
        "email": row.user.email,
        "role": row.role,
        "publication": row.publication.slug if row.publication else None,
        "newsletters": list(newsletters.values_list("slug", flat=True)),
    }
