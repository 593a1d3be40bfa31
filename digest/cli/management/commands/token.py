"""`digest token …`: what programs may call the API with."""

from datetime import timedelta
from typing import Any

from rich.console import Console

from digest.accounts import tokens
from digest.accounts.models import Token, User
from digest.accounts.scopes import Scope
from digest.cli import lookup, numbers
from digest.cli.errors import AskedError
from digest.core import clock
from digest.core.terminal import ActionCommand, table
from digest.newsletters.models import Publication


class Command(ActionCommand):
    """Tokens."""

    help = "Tokens for the API: add, list, revoke."

    def add_actions(self) -> None:
        """Name the actions."""
        add = self.changing("add", "make a token; its secret is shown this once")
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
        add.add_argument("--expires", type=numbers.some, metavar="DAYS", help="(never)")
        self.reading("list", "every token, and when it was last used")
        revoke = self.changing("revoke", "let a token be used no more")
        revoke.add_argument("name", metavar="NAME", help="its name, or how it begins")

    def do_add(self, options: dict[str, Any]) -> None:
        """Make a token."""
        now, days = clock.now(), options["expires"]
        slug = options["publication"]
        token, secret = tokens.create(
            options["name"],
            _owner(options["owner"]),
            list(Scope) if "all" in options["scope"] else options["scope"],
            publication_id=lookup.publication(slug).pk if slug else None,
            expires_at=now + timedelta(days=days) if days else None,
            now=now,
        )
        self.answer(
            _facts(token, {}) | {"publication": slug, "secret": secret},
            f"{secret}\n\nKeep it now: it is stored nowhere and never shown again.\n"
            f'Try it: curl -H "Authorization: Bearer …" BASE_URL/api/v1/newsletters',
        )

    def do_list(self, _options: dict[str, Any]) -> None:
        """List tokens."""
        slugs = dict(Publication.objects.values_list("pk", "slug"))
        known = [
            _facts(token, slugs) for token in Token.objects.select_related("owner").order_by("pk")
        ]
        self.answer(known, lambda out: _say_list(out, known))

    def do_revoke(self, options: dict[str, Any]) -> None:
        """Revoke a token."""
        token = tokens.get_active(options["name"])
        tokens.revoke(token, clock.now())
        self.answer(_facts(token, {}), f"{token} is refused from now on.")


def _owner(email: str | None) -> User:
    """Return who was named; without a name, the only one there is."""
    editors = User.objects.filter(is_active=True)
    if email:
        if found := editors.filter(email__iexact=email).first():
            return found
        raise AskedError(f"Nobody who may log in has the address {email}.")
    some = list(editors.order_by("pk")[:2])
    if len(some) == 1:
        return some[0]
    if some:
        raise AskedError("Say with --owner ADDRESS who answers for it.")
    raise AskedError("There is no account yet that could own it: digest createsuperuser")


def _facts(token: Token, slugs: dict[int, str]) -> dict[str, Any]:
    return {
        "name": token.name,
        "prefix": token.prefix,
        "owner": token.owner.email,
        "scopes": token.scopes,
        "publication": slugs.get(token.publication_id or 0),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
        "revoked_at": token.revoked_at,
    }


def _say_list(out: Console, known: list[dict[str, Any]]) -> None:
    if not known:
        out.print("There is no token yet. Make one: digest token add NAME --scope SCOPE")
        return
    rows = [
        (
            one["name"],
            f"{one['prefix']}…",
            one["owner"],
            one["publication"] or "all",
            clock.format_moment(one["last_used_at"]) if one["last_used_at"] else "never",
            _state(one),
            ", ".join(one["scopes"]),
        )
        for one in known
    ]
    columns = ("Token", "Begins", "Owner", "Publication", "Last used", "State", "Scopes")
    out.print(table(columns, rows))


def _state(one: dict[str, Any]) -> str:
    if one["revoked_at"]:
        return "revoked"
    if one["expires_at"]:
        over = one["expires_at"] <= clock.now()
        return "expired" if over else f"until {clock.format_moment(one['expires_at'])}"
    return "good"
