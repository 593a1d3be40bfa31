"""Stripe accounts: connected, set up, shown, disconnected; and what is stored of people."""

from datetime import timedelta

import pytest

from digest.entitlements import personal_data, reading, receiving, registry, settling
from digest.entitlements.errors import EntitlementError, SignatureError
from digest.entitlements.models import Customer, PaidSubscription, StripeAccount, StripeEvent
from digest.newsletters.models import Newsletter
from digest.selfservice import data_export, erasure
from digest.subscribers import attributes, profiles
from digest.subscribers.errors import SubscriberError
from digest.subscribers.models import Subscriber
from tests.cast import NOON, make_newsletter, make_subscriber
from tests.entitlements.stripe_calls import ANA, checkout, subscription

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(account: StripeAccount) -> StripeAccount:
    """Stripe for its publication; Ana pays."""
    for event in (checkout(), subscription()):
        receiving.apply(account, reading.read(event), NOON)
    return account


def tier(subscriber: Subscriber, newsletter: Newsletter) -> object:
    """What the publication has as the tier of a subscriber."""
    return profiles.profile_of(subscriber.pk, newsletter.publication_id).attributes.get("tier")


def test_connecting_defines_a_tier(tide: Newsletter) -> None:
    """Or uses an attribute that is there; a publication has one account."""
    account = registry.connect(tide.publication, NOON)
    assert (account.attribute.key, account.attribute.choices) == ("tier", ["free", "paid"])
    assert account.tier_without == "free"
    with pytest.raises(EntitlementError, match="already"):
        registry.connect(tide.publication, NOON, account.attribute)
    other = make_newsletter().publication
    text = attributes.define(other, label="Level", kind="text", now=NOON)
    for attribute in (text, account.attribute):
        with pytest.raises(EntitlementError, match="type choice"):
            registry.connect(other, NOON, attribute)


@pytest.mark.parametrize("access", ["change", "sign-up"])
def test_subscribers_never_set_their_tier(tide: Newsletter, access: str) -> None:
    """An attribute that they change is no tier, and a tier is none that they may change."""
    publication, choices = tide.publication, ["free", "paid"]
    level = attributes.define(
        publication, label="Level", kind="choice", choices=choices, access=access, now=NOON
    )
    with pytest.raises(EntitlementError, match="themselves"):
        registry.connect(publication, NOON, level)
    attributes.change(level, access="see")
    registry.connect(publication, NOON, level)
    with pytest.raises(SubscriberError, match="set by Stripe"):
        attributes.change(level, access=access)
    level.refresh_from_db()
    assert level.access == "see"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"secret": "sk_live_123456789"}, "not a signing secret"),
        ({"tier_without": "gold"}, "not a choice"),
        ({"rules": {"price_1": "gold"}}, "not a choice"),
        ({"rules": {"a price": "paid"}}, "not the id"),
        ({"rules": {f"price_{n}": "paid" for n in range(201)}}, "at most"),
    ],
)
def test_what_cannot_be_says_why(account: StripeAccount, changes: object, message: str) -> None:
    """And changes nothing."""
    with pytest.raises(EntitlementError, match=message):
        registry.change(account, **changes)  # type: ignore[arg-type]
    assert dict(account.rules.values_list("reference", "tier")) == {"price_month": "paid"}


def test_rules_apply_to_everybody_at_once(account: StripeAccount, tide: Newsletter) -> None:
    """Prices without a rule are listed, and give a tier as soon as they have one."""
    ana = make_subscriber(tide, email=ANA)
    registry.change(account, rules={})
    assert registry.references_of(account) == {"price_month": ""}
    assert registry.status_of(account).unmapped == ("price_month",)
    assert tier(ana, tide) == "free"
    registry.change(account, rules={"prod_of_price_month": "Patron"})
    assert tier(ana, tide) == "patron"
    status = registry.status_of(account)
    assert status.unmapped == ()
    assert status.tiers == (("free", 0, 0), ("paid", 0, 0), ("patron", 1, 1))


@pytest.mark.usefixtures("tide")
def test_a_job_sets_the_tiers_of_many(
    account: StripeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batch after batch, and the account knows how far it is: a killed worker loses nothing."""
    pay_four_more(account)
    monkeypatch.setattr(settling, "BATCH", 2)
    registry.change(account, rules={"price_month": "patron"})
    assert tiers_in_order() == ["patron", "patron", "paid", "paid", "paid"]
    account.refresh_from_db()
    assert account.settled_to is not None
    settling.settle_due()
    assert tiers_in_order() == ["patron"] * 5
    account.refresh_from_db()
    assert account.settled_to is None


def pay_four_more(account: StripeAccount) -> None:
    """Four customers beside Ana pay monthly."""
    for number in range(4):
        of = {"customer": f"cus_{number}", "subscription_id": f"sub_{number}"}
        payment = checkout(f"p{number}@x.example", f"cus_{number}", key=f"c{number}")
        for event in (payment, subscription(**of)):
            receiving.apply(account, reading.read(event), NOON)


def tiers_in_order() -> list[str]:
    """The tiers of all customers."""
    return list(Customer.objects.order_by("pk").values_list("tier", flat=True))


def test_a_choice_that_is_spelled_differently_keeps_its_prices(
    account: StripeAccount, tide: Newsletter
) -> None:
    """The tiers follow the spelling of the attribute; a choice that was removed gives none."""
    ana = make_subscriber(tide, email=ANA)
    attributes.change(account.attribute, choices=["Free", "Paid", "Patron"])
    account = StripeAccount.objects.get()
    registry.change(account, has_grace=True)
    assert tier(ana, tide) == "Paid"
    attributes.change(account.attribute, choices=["Free", "Patron"])
    registry.change(StripeAccount.objects.get(), has_grace=True)
    assert tier(ana, tide) == "Free"


def test_disconnecting_ends_the_tiers(account: StripeAccount, tide: Newsletter) -> None:
    """Before that, the attribute cannot be deleted."""
    ana = make_subscriber(tide, email=ANA)
    registry.change(account, has_grace=True)
    with pytest.raises(SubscriberError, match="Disconnect Stripe"):
        attributes.delete(account.attribute)
    assert tier(ana, tide) == "paid"
    registry.disconnect(account)
    assert tier(ana, tide) == "free"
    assert not Customer.objects.exists()
    attributes.delete(account.attribute)


def test_a_job_ends_the_tiers_of_many(
    account: StripeAccount, tide: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meanwhile the account takes no calls and no changes, and another one has to wait."""
    pay_four_more(account)
    payers = [make_subscriber(tide, email=f"p{number}@x.example") for number in range(4)]
    payers.append(make_subscriber(tide, email=ANA))
    registry.change(account, has_grace=True)
    assert [tier(payer, tide) for payer in payers] == ["paid"] * 5
    monkeypatch.setattr(settling, "BATCH", 2)
    assert registry.disconnect(account) is False
    assert registry.disconnect(account) is False
    assert sorted(str(tier(payer, tide)) for payer in payers) == ["free"] * 2 + ["paid"] * 3
    token = receiving.address_of(account).rstrip("/").rpartition("/")[2]
    with pytest.raises(SignatureError, match="disconnected"):
        receiving.receive(token, "", b"{}", NOON)
    with pytest.raises(EntitlementError, match="being disconnected"):
        registry.change(account, has_grace=False)
    with pytest.raises(EntitlementError, match="being disconnected"):
        registry.connect(tide.publication, NOON, account.attribute)
    settling.settle_due()
    assert [tier(payer, tide) for payer in payers] == ["free"] * 5
    assert not StripeAccount.objects.exists()
    assert not Customer.objects.exists()


def test_what_is_stored_is_shown_to_its_subscriber_and_erased_with_them(
    account: StripeAccount, tide: Newsletter
) -> None:
    """Their customers, subscriptions and tier."""
    ana = make_subscriber(tide, email=ANA)
    registry.change(account, has_grace=True)
    (row,) = data_export.export_subscriber(ana)["memberships"]
    assert (row["customer"], row["tier"]) == ("cus_ana", "paid")
    assert row["subscriptions"][0]["status"] == "active"
    assert personal_data.export(make_subscriber(tide)) == []
    erasure.erase(ana.pk, NOON)
    assert_nobody_pays()


def assert_nobody_pays() -> None:
    """No customer and no paid subscription is stored."""
    assert not Customer.objects.exists()
    assert not PaidSubscription.objects.exists()


def test_what_is_old_is_deleted(account: StripeAccount, tide: Newsletter) -> None:
    """Events after a month; and customers who pay nothing and subscribe to nothing."""
    later = NOON + timedelta(days=31)
    registry.delete_old(later)
    assert not StripeEvent.objects.exists()
    assert Customer.objects.exists()
    event = reading.read(subscription("deleted", "canceled", at=5))
    receiving.apply(account, event, NOON)
    registry.delete_old(NOON + timedelta(days=29))
    assert Customer.objects.exists()
    registry.delete_old(later)
    assert_nobody_pays()


def test_a_subscriber_is_found_again_after_either_address_changes(
    account: StripeAccount, tide: Newsletter
) -> None:
    """They pay under one address and read under another."""
    ana = make_subscriber(tide, email=ANA)
    registry.change(account, has_grace=True)
    Subscriber.objects.filter(pk=ana.pk).update(email="a@x.example", address_key="a@x.example")
    event = subscription("updated", "active", "price_none", at=9)
    receiving.apply(account, reading.read(event), NOON)
    assert tier(ana, tide) == "free"
    assert Customer.objects.get().subscriber == ana
