"""`digest stripe …`: who pays for a publication, as Stripe reports it."""

from pathlib import Path
from typing import Any

from digest.core import clock
from digest.core.terminal import ActionCommand, Screen, details_table
from digest.entitlements import reading, registry
from digest.entitlements.describing import describe
from digest.entitlements.errors import EntitlementError
from digest.entitlements.models import StripeAccount
from digest.newsletters import setup

Values = dict[str, Any]


class Command(ActionCommand):
    """Memberships by Stripe."""

    help = "Memberships by Stripe: connect a publication, show, set a tier, disconnect."

    def add_actions(self) -> None:
        """Name the actions."""
        connect = self.changing("connect", "give Stripe an address to report to")
        connect.add_argument("--attribute", default="", metavar="KEY", help="that holds the tier")
        secret = self.changing("secret", "enter the signing secret of the endpoint")
        secret.add_argument("file", type=Path, metavar="FILE", help="holds whsec_…")
        tier = self.changing("tier", "say which tier a price or a product gives")
        tier.add_argument("reference", metavar="ID", help="price_… or prod_…")
        tier.add_argument("tier", help="a choice of the attribute; none: no tier")
        for action in (
            *(connect, secret, tier),
            self.reading("show", "address, tiers, and how many people have them"),
            self.changing("disconnect", "forget the account and its tiers"),
        ):
            action.add_argument("--publication", metavar="SLUG", required=True)

    def do_connect(self, options: dict[str, Any]) -> None:
        """Connect a publication."""
        publication = setup.find_publication(options["publication"])
        attribute = None
        if key := options["attribute"]:
            attribute = publication.attributes.filter(key=key).first()
            if attribute is None:
                raise EntitlementError(f"{publication} has no attribute {key!r}.")
        account = registry.connect(publication, clock.now(), attribute)
        values = _values(account)
        self.answer(
            values,
            f"Address: {values['address']}\nEvents:  {', '.join(reading.KINDS)}\n\n"
            "Add an endpoint with both in Stripe, then enter its signing secret: "
            f"digest stripe secret FILE --publication {publication.slug}",
        )

    def do_secret(self, options: dict[str, Any]) -> None:
        """Enter the secret."""
        account, path = _find(options), options["file"]
        try:
            secret = path.read_text()
        except (OSError, UnicodeDecodeError) as cause:
            raise EntitlementError(f"{path} cannot be read.") from cause
        registry.change(account, secret=secret)
        self.answer(_values(_find(options)), "The signing secret was saved.")

    def do_tier(self, options: dict[str, Any]) -> None:
        """Set the tier of a price."""
        account, tier = _find(options), options["tier"]
        rules = dict(account.rules.values_list("reference", "tier"))
        rules[options["reference"]] = "" if tier == "none" else tier
        registry.change(account, rules=rules)
        gives = "no tier" if tier == "none" else tier
        values = _values(_find(options))
        later = "" if values["is_settled"] else " A worker sets the tiers of everybody who pays."
        self.answer(values, f"{options['reference']} gives {gives}.{later}")

    def do_show(self, options: dict[str, Any]) -> None:
        """Show an account."""
        values = _values(_find(options))
        self.answer(values, lambda out: _print(out, values))

    def do_disconnect(self, options: dict[str, Any]) -> None:
        """Disconnect a publication."""
        account = _find(options)
        is_gone, slug = registry.disconnect(account), options["publication"]
        outcome = "was" if is_gone else "is being"
        values = {"disconnected": slug, "is_settled": is_gone}
        self.answer(values, f"Stripe {outcome} disconnected from {slug}.")


def _find(options: dict[str, Any]) -> StripeAccount:
    publication = setup.find_publication(options["publication"])
    rows = StripeAccount.objects.select_related("publication", "attribute")
    if account := rows.filter(publication=publication).first():
        return account
    raise EntitlementError(
        f"Stripe is not connected to {publication}. To connect it: "
        f"digest stripe connect --publication {publication.slug}"
    )


def _values(account: StripeAccount) -> Values:
    status = registry.status_of(account)
    return {
        "publication": account.publication.slug,
        **describe(account),
        "references": registry.references_of(account),
        "tiers": {tier: {"people": a, "subscribers": b} for tier, a, b in status.tiers},
        "without_address": status.without_address,
        "failing": status.failing,
    }


def _progress(values: Values) -> str:
    if values["is_ending"]:
        return "being ended by a worker: Stripe is being disconnected"
    return "set" if values["is_settled"] else "being set by a worker"


def _print(out: Screen, values: Values) -> None:
    received_at = values["received_at"]
    out.print(
        details_table(
            [
                ("Address", values["address"]),
                ("Secret", "entered" if values["has_secret"] else "missing"),
                ("Last call", clock.format_moment(received_at) if received_at else "none yet"),
                ("Attribute", values["attribute"]),
                ("Tiers", _progress(values)),
                ("Who left", values["tier_without"] or "no tier"),
                *(
                    (tier, f"{row['people']:,} pay, {row['subscribers']:,} of them subscribe")
                    for tier, row in values["tiers"].items()
                ),
            ]
        )
    )
    rows = [(reference, tier or "-") for reference, tier in values["references"].items()]
    out.print_table(("Price or product", "Tier"), rows, empty="No price has a tier yet.")
