"""The forms of memberships. The rules are checked where the values are saved."""

from typing import Any

from django import forms

from digest.console.fields import KeyField, offer_rows
from digest.entitlements.models import StripeAccount
from digest.newsletters.audiences.models import Attribute
from digest.newsletters.models import Publication


class ConnectForm(forms.Form):
    """Stripe, for a publication that has no account of it yet."""

    publication = forms.ModelChoiceField(Publication.objects.none(), empty_label=None)
    attribute = forms.ModelChoiceField(
        Attribute.objects.none(),
        label="Attribute that holds the tier",
        required=False,
        empty_label="New attribute “Tier”: free, paid",
        help_text="Its choices from the lowest tier up. Subscribers must not be able to change it.",
    )

    def __init__(self, publications: Any, data: Any = None) -> None:
        super().__init__(data)
        offered = publications.filter(stripe_account=None).order_by("name")
        offer_rows(self, "publication", offered)
        choices = Attribute.objects.filter(kind=Attribute.Kind.CHOICE)
        access = [access for access in Attribute.Access if not access.is_editable]
        offered_choices = choices.filter(publication__in=offered, access__in=access)
        offer_rows(self, "attribute", offered_choices)


class SecretForm(forms.Form):
    """The signing secret of the endpoint, which Stripe shows."""

    secret = KeyField(label="Signing secret", max_length=300, example="whsec_…")

    def __init__(self, account: StripeAccount, data: Any = None) -> None:
        super().__init__(data, auto_id=f"id_{account.pk}_%s")  # a page has one for each account


class TiersForm(forms.Form):
    """The tier of each price; further prices and products by their ids."""

    tier_without = forms.ChoiceField(label="People who no longer pay", required=False)
    has_grace = forms.BooleanField(
        label="Keep the tier while Stripe tries again to collect a payment", required=False
    )
    reference = KeyField(
        label="Another price or product",
        required=False,
        max_length=120,
        example="price_… or prod_…",
    )
    reference_tier = forms.ChoiceField(label="Its tier", required=False)

    def __init__(self, account: StripeAccount, data: Any = None) -> None:
        initial = {"tier_without": account.tier_without, "has_grace": account.has_grace}
        super().__init__(data, initial=initial, prefix=f"account-{account.pk}")
        tiers = [(tier, tier) for tier in account.attribute.choices]
        for name, empty_label in (("tier_without", "Has no tier"), ("reference_tier", "No tier")):
            field: Any = self.fields[name]
            field.choices = [("", empty_label), *tiers]
