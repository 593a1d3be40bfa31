"""One person may be several customers at Stripe, whose addresses change; few are not payers."""

from typing import Any

import pytest

from digest.core import addresses
from digest.entitlements import registry
from digest.entitlements.models import Customer, PaidSubscription, StripeAccount
from digest.newsletters.models import Newsletter
from digest.subscribers import attributes, consent, profiles
from digest.subscribers.models import Subscriber
from tests.cast import NOON
from tests.entitlements.stripe_calls import ANA, call, checkout, invoice, make_event, subscription
from tests.entitlements.test_receiving import apply, tier

pytestmark = pytest.mark.django_db
TWO: dict[str, Any] = {"customer": "cus_two", "subscription_id": "sub_two"}


def changed(email: str, *, customer: str = "cus_ana", verb: str = "updated", at: int = 9) -> Any:
    """An event of the customer itself, with the address that it has at Stripe."""
    thing = {"id": customer, "object": "customer", "email": email}
    return make_event(f"customer.{verb}", thing, at=at, key=f"{customer}{verb}{email}")


@pytest.mark.parametrize("event", [changed("b@x.example"), changed(ANA, verb="deleted")])
def test_a_tier_that_ended_stays_with_nobody(
    account: StripeAccount, tide: Newsletter, event: Any
) -> None:
    """Two customers shared an address: once one of them has left it, the other has no tier."""
    apply(account, checkout(), subscription(), checkout(customer="cus_two", key="two"))
    apply(account, event)
    assert Customer.objects.get(customer_id="cus_two").tier == ""
    row = consent.subscribe(
        addresses.parse(ANA), tide, via="import", confirmed=True, wording="", now=NOON
    )
    assert tier(row.subscriber, tide) is None


def test_all_customers_of_a_subscriber_count(
    account: StripeAccount, ana: Subscriber, tide: Newsletter
) -> None:
    """Also one whose address at Stripe is another by now."""
    apply(account, checkout(), subscription(), changed("work@x.example"))
    assert tier(ana, tide) == "paid"
    apply(account, subscription("deleted", "canceled", at=20, **TWO))  # nobody knows whose yet
    apply(account, checkout(customer="cus_two", key="two", at=21))
    assert tier(ana, tide) == "paid"
    apply(account, subscription("deleted", "canceled", at=30))
    assert tier(ana, tide) == "free"


@pytest.mark.parametrize("late", [invoice("paid", at=20), checkout(at=20)])
def test_a_late_payment_brings_no_former_address_back(account: StripeAccount, late: Any) -> None:
    """An invoice has the address that it was made with."""
    apply(account, changed("new@x.example"), late)
    assert Customer.objects.get().email == "new@x.example"
    apply(account, changed("newer@x.example", at=15))
    assert Customer.objects.get().email == "newer@x.example"


def test_the_address_of_a_payment_counts_until_the_customer_has_one(account: StripeAccount) -> None:
    """Whichever comes first, and though the payment is later."""
    apply(account, checkout(at=20))
    assert Customer.objects.get().email == ANA
    apply(account, changed("new@x.example"))
    assert Customer.objects.get().email == "new@x.example"


@pytest.mark.parametrize(
    "events",
    [
        [invoice()],
        [subscription(status="incomplete")],
        [subscription(status="incomplete"), subscription("updated", "incomplete_expired", at=2)],
        [subscription(status="incomplete"), subscription("deleted", "incomplete_expired", at=2)],
        [subscription(status="incomplete"), changed(ANA, verb="deleted")],
        [subscription(price="price_of_a_mug")],
    ],
)
def test_who_never_paid_for_a_tier_keeps_theirs(
    account: StripeAccount, ana: Subscriber, tide: Newsletter, events: list[Any]
) -> None:
    """A card that was refused, a checkout in another's name, or something else that was bought."""
    profiles.set_attributes(ana.pk, tide.publication_id, {"tier": "patron"})
    apply(account, checkout(), *events)
    assert tier(ana, tide) == "patron"


def test_leaving_an_attribute_of_ones_own_gives_no_tier(tide: Newsletter) -> None:
    """Its first choice may be one that people pay for."""
    publication, choices = tide.publication, ["paid", "free"]
    level = attributes.define(publication, label="Level", kind="choice", choices=choices, now=NOON)
    assert registry.connect(publication, NOON, level).tier_without == ""


def test_what_cannot_be_stored_is_left_out(account: StripeAccount) -> None:
    """Stripe would repeat for days what ends in an error."""
    event = subscription(status="active\ud800", price="price_\ud800", key="odd")
    further = [{"price": {"id": f"price_{n}"}} for n in range(300)]
    event["data"]["object"]["items"]["data"] += further
    assert call(account, event) == 200
    row = PaidSubscription.objects.get()
    assert row.status == ""
    assert len(row.items) == 99
