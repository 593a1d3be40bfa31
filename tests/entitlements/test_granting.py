"""What a payment changes of a tier that an import, an editor or the API gave: it only raises it."""

import pytest

from digest.core import addresses
from digest.entitlements import registry
from digest.entitlements.granting import Claim, Granted, Ranks, decide
from digest.entitlements.models import Grant, StripeAccount
from digest.newsletters.models import Newsletter
from digest.selfservice import data_export
from digest.subscribers import consent, profiles
from digest.subscribers.models import Subscriber
from tests.cast import NOON, make_subscriber
from tests.entitlements.stripe_calls import ANA, checkout, subscription
from tests.entitlements.test_persons import changed
from tests.entitlements.test_receiving import apply, tier

pytestmark = pytest.mark.django_db
RANKS = Ranks(["free", "paid", "patron"], "free")
MALLORY = "mallory@x.example"


def give(subscriber: Subscriber, newsletter: Newsletter, tier: str) -> None:
    """An editor gives a tier."""
    profiles.set_attributes(subscriber.pk, newsletter.publication_id, {"tier": tier})


def test_a_stranger_cannot_lower_a_tier(
    account: StripeAccount, ana: Subscriber, tide: Newsletter
) -> None:
    """Who pays less in another's name, and cancels, changes nothing."""
    give(ana, tide, "patron")
    for event in (checkout(), subscription(at=2), subscription("deleted", "canceled", at=9)):
        apply(account, event)
        assert tier(ana, tide) == "patron"
    assert not Grant.objects.exists()


def test_an_address_that_comes_and_goes_takes_nothing_along(
    account: StripeAccount, ana: Subscriber, tide: Newsletter
) -> None:
    """Whoever pays may enter another's address at Stripe, and their own again."""
    give(ana, tide, "patron")
    mallory = make_subscriber(tide, email=MALLORY)
    apply(account, checkout(MALLORY, customer="cus_m"), subscription(customer="cus_m"))
    assert tier(mallory, tide) == "paid"
    for email, of_mallory in ((ANA, "free"), (MALLORY, "paid")):
        at = 20 if email == ANA else 30
        apply(account, changed(email, customer="cus_m", at=at))
        assert (tier(ana, tide), tier(mallory, tide)) == ("patron", of_mallory)


def test_a_payment_raises_a_tier_and_gives_the_former_one_back(
    account: StripeAccount, ana: Subscriber, tide: Newsletter
) -> None:
    """Through all that they pay for meanwhile; their data export says so."""
    registry.change(account, rules={"price_month": "paid", "price_gold": "patron"})
    give(ana, tide, "paid")
    apply(account, checkout(), subscription(price="price_gold", at=2))
    assert tier(ana, tide) == "patron"
    (row,) = data_export.export_subscriber(ana)["memberships"]
    assert row["former_tier"] == "paid"
    apply(account, subscription("deleted", "canceled", "price_gold", at=9))
    assert tier(ana, tide) == "paid"
    assert not Grant.objects.exists()


def test_an_imported_member_who_cancels_is_none_any_more(
    account: StripeAccount, ana: Subscriber, tide: Newsletter
) -> None:
    """The tier that a list brought is the one that Stripe reports: it is Stripe's from then on."""
    give(ana, tide, "paid")
    apply(account, checkout(), subscription("updated", at=2))
    apply(account, subscription("deleted", "canceled", at=9))
    assert tier(ana, tide) == "free"


def test_what_an_editor_gave_meanwhile_stays(
    account: StripeAccount, ana: Subscriber, tide: Newsletter
) -> None:
    """Neither the end of the payments nor of the connection takes it."""
    apply(account, checkout(), subscription(at=2))
    give(ana, tide, "patron")
    apply(account, subscription("deleted", "canceled", at=9))
    assert tier(ana, tide) == "patron"
    apply(account, subscription(subscription_id="sub_two", at=12))
    registry.disconnect(account)
    assert tier(ana, tide) == "patron"


@pytest.mark.parametrize(
    ("present", "expected", "later"),
    [
        (None, "paid", "free"),
        ("free", "paid", "free"),
        ("paid", "paid", "free"),
        ("patron", "patron", "patron"),
    ],
)
def test_who_confirms_later_keeps_a_higher_tier(
    account: StripeAccount, tide: Newsletter, present: str | None, expected: str, later: str
) -> None:
    """The tier that waits with an address only raises what is there."""
    apply(account, checkout(), subscription(at=2))
    subscriber = Subscriber.objects.create(email=ANA, address_key=ANA, created_at=NOON)
    if present:
        give(subscriber, tide, present)
    consent.subscribe(
        addresses.parse(ANA), tide, via="import", confirmed=True, wording="", now=NOON
    )
    assert tier(subscriber, tide) == expected
    apply(account, subscription("deleted", "canceled", at=9))
    assert tier(subscriber, tide) == later


@pytest.mark.parametrize(
    ("present", "granted", "claim", "expected"),
    [
        ("", None, Claim("", has_paid=False), ("", None)),
        ("", None, Claim("", has_paid=True), ("free", None)),
        ("", None, Claim("paid", has_paid=True), ("paid", Granted("paid", ""))),
        ("gone", None, Claim("paid", has_paid=True), ("paid", Granted("paid", "gone"))),
        ("paid", Granted("paid", ""), Claim("patron", has_paid=True), ("patron", ("patron", ""))),
        (
            "patron",
            Granted("patron", "paid"),
            Claim("paid", has_paid=True),
            ("paid", ("paid", "paid")),
        ),
        ("Paid", Granted("paid", "FREE"), Claim("", has_paid=True), ("free", None)),
        ("free", Granted("paid", ""), Claim("paid", has_paid=True), ("paid", ("paid", "free"))),
    ],
)
def test_what_is_decided(
    present: str, granted: Granted | None, claim: Claim, expected: tuple[str, Granted | None]
) -> None:
    """Of what a subscriber has, what Stripe gave last, and what they pay for now."""
    assert decide(present, granted, claim, RANKS) == expected
