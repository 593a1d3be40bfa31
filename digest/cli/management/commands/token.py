"""`digest token …`: what programs may call the API with."""

from datetime import timedelta
from typing import Any

from digest.accounts import tokens
from digest.accounts.models import Token, User
from digest.accounts.scopes import Scope
from digest.cli import lookup, numbers
from digest.cli.errors import UsageError
from digest.core import clock
from digest.core.terminal import ActionCommand, Screen
from digest.newsletters import setup
from digest.newsletters.models import Publication


class Command(ActionCommand):
    """Tokens."""

    help = "Tokens for the API: add, list, revoke."

    def add_actions(self) -> None:
        """Name the actions."""
        add = self.changing("add", "create a token; its secret is shown only once")
        add.add_argument("name", metavar="NAME", help="what it is for")
        add.add_argument(
            "--scope",
            action="append",
            required=True,
            choices=[*Scope, "all"],
            metavar="SCOPE",
            help=f"what it may do (repeatable): {', '.join(Scope)}, or all",
        )
        add.add_argument("--owner", metavar="ADDRESS", help="who answers for it (the only editor)")
        add.add_argument("--publication", metavar="SLUG", help="nothing beyond this one")
        add.add_argument(
            "--newsletter",
            action="append",
            default=[],
            metavar="SLUG",
            help="of the publication, nothing beyond these newsletters (repeatable)",
        )
        add.add_argument("--expires", type=numbers.positive, metavar="DAYS", help="(never)")
        self.reading("list", "every token, and when it was last used")
        revoke = self.changing("revoke", "revoke a token")
        revoke.add_argument("name", metavar="NAME", help="its name, or how it begins")

    def do_add(self, options: dict[str, Any]) -> None:
        """Make a token."""
        now, days = clock.now(), options["expires"]
        slug = options["publication"]
        publication = setup.find_publication(slug) if slug else None
        token, secret = tokens.create(
            options["name"],
            _owner(options["owner"]),
            list(Scope) if "all" in options["scope"] else options["scope"],
            publication_id=publication.pk if publication else None,
            newsletter_ids=lookup.newsletter_ids(publication, options["newsletter"]),
            expires_at=now + timedelta(days=days) if days else None,
            now=now,
        )
        self.answer(
            _token_values(token, {}) | {"publication": slug, "secret": secret},
            f"{secret}\n\nKeep it now: it is stored nowhere and never shown again.\n"
            f'Try it: curl -H "Authorization: Bearer …" BASE_URL/api/v1/newsletters',
        )

    def do_list(self, _options: dict[str, Any]) -> None:
        """List tokens."""
        slugs = dict(Publication.objects.values_list("pk", "slug"))
        tokens_listed = [
            _token_values(token, slugs)
            for token in Token.objects.select_related("owner").order_by("pk")
        ]
        self.answer(tokens_listed, lambda out: _print_list(out, tokens_listed))

    def do_revoke(self, options: dict[str, Any]) -> None:
        """Revoke a token."""
        token = tokens.get_active(options["name"])
        tokens.revoke(token, clock.now())
        self.answer(_token_values(token, {}), f"{token} is refused from now on.")


def _owner(email: str | None) -> User:
    """Return who was named; without a name, the only one there is."""
    if email:
        if owner := User.objects.with_address(email).filter(is_active=True).first():
            return owner
        raise UsageError(f"There is no active account for {email}.")
    accounts = list(User.objects.filter(is_active=True).order_by("pk")[:2])
    if len(accounts) == 1:
        return accounts[0]
    if accounts:
        raise UsageError("Say with --owner ADDRESS who answers for it.")
    raise UsageError("There is no account yet that could own it: digest createsuperuser")


def _token_values(token: Token, slugs: dict[int, str]) -> dict[str, Any]:
    return {
        "name": token.name,
        "prefix": token.prefix,
        "owner": token.owner.email,
        "scopes": token.scopes,
        "publication": slugs.get(token.publication_id or 0),
        "newsletters": len(token.newsletter_ids) or None,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
        "revoked_at": token.revoked_at,
    }


def _print_list(out: Screen, rows_listed: list[dict[str, Any]]) -> None:
    rows = [
        (
            row["name"],
            f"{row['prefix']}…",
            row["owner"],
            row["publication"] or "all",
            clock.format_moment(row["last_used_at"]) if row["last_used_at"] else "never",
            _state(row),
            ", ".join(row["scopes"]),
        )
        for row in rows_listed
    ]
    columns = ("Token", "Begins", "Owner", "Publication", "Last used", "State", "Scopes")
    out.print_table(
        columns,
        rows,
        empty="There are no tokens yet. To create one: digest token add NAME --scope SCOPE",
    )


def _state(values: dict[str, Any]) -> str:
    if values["revoked_at"]:
        return "revoked"
    if values["expires_at"]:
        over = values["expires_at"] <= clock.now()
        return "expired" if over else f"until {clock.format_moment(values['expires_at'])}"
    return "good"
