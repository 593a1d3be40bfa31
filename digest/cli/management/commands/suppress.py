"""`digest suppress ADDRESS`: stop all mail to an address, or take that back."""

from typing import Any

from django.core.management.base import CommandParser

from digest.cli import lookup
from digest.core import addresses, clock
from digest.core.addresses import Address
from digest.core.terminal import DigestCommand, add_flag
from digest.newsletters.models import Newsletter
from digest.subscribers import suppression


class Command(DigestCommand):
    """Suppress an address."""

    audited = True
    help = "Stop all mail to an address, by one newsletter or by all."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take an address and why."""
        super().add_arguments(parser)
        parser.add_argument("address")
        parser.add_argument("--newsletter", metavar="SLUG", help="only this one; without it, all")
        parser.add_argument(
            "--reason", required=True, help="why, in a few words: complaint, bounce, asked by phone"
        )
        add_flag(parser, "--lift", "lift the suppression")
        parser.add_argument("--evidence", default="", help="what shows it, kept with the reason")

    def run(self, options: dict[str, Any]) -> None:
        """Suppress, or lift."""
        address = addresses.parse(options["address"])
        slug = options["newsletter"]
        newsletter = lookup.newsletter(slug) if slug else None
        changed = (
            self._lift(address, newsletter)
            if options["lift"]
            else self._suppress(address, newsletter, options)
        )
        values = {
            "email": address.email,
            "newsletter": slug,
            "suppressed": not options["lift"],
            "changed": changed,
        }
        scope = slug or "every newsletter"
        outcome = "may be mailed again by" if options["lift"] else "is suppressed for"
        unchanged = "" if changed else " Nothing changed: it was so before."
        self.answer(values, f"{address.email} {outcome} {scope}.{unchanged}")

    def _suppress(
        self, address: Address, newsletter: Newsletter | None, options: dict[str, Any]
    ) -> bool:
        suppression.require_reason(options["reason"])
        return suppression.suppress(
            address.key,
            reason=options["reason"][:64],
            evidence=options["evidence"],
            newsletter=newsletter,
            now=clock.now(),
        )

    def _lift(self, address: Address, newsletter: Newsletter | None) -> bool:
        return suppression.lift(address.key, newsletter=newsletter)
