"""From a signed call of Stripe to the tier of a subscriber, in whatever order calls come."""

from collections.abc import Mapping
from itertools import permutations
from typing import Any

import pytest

from digest.core import addresses, clock
from digest.entitlements import reading, receiving, registry
from digest.entitlements.errors import UnreadableError
from digest.entitlements.models import Customer, PaidSubscription, StripeAccount, StripeEvent
from digest.newsletters.models import Newsletter
from digest.subscribers import consent, profiles
from digest.subscribers.models import ConsentEvent, Subscriber, Subscription
from digest.subscribers.profiles import profile_of
from tests.cast import NOON, make_newsletter
from tests.entitlements.stripe_calls import (
    ANA,
    SECRET,
    call,
    checkout,
    invoice,
    make_event,
    sign,
    subscription,
)

pytestmark = pytest.mark.django_db


def tier(subscriber: Subscriber, newsletter: Newsletter) -> object:
    """What the publication has as the tier of a subscriber."""
    return profile_of(subscriber.pk, newsletter.publication_id).attributes.get("tier")


def apply(account: StripeAccount, *events: Mapping[str, Any]) -> list[str]:
    """Apply events in this order; return their outcomes."""
    return [receiving.apply(account, reading.read(event), NOON) for event in events]


def test_a_subscriber_who_pays_gets_the_tier_and_loses_it(
    account: StripeAccount, ana: Subscriber, tide: Newsletter
) -> None:
    """Two calls say who and what; a third one ends it."""
    assert call(account, subscription(at=1)) == 200
    assert tier(ana, tide) is None
    assert call(account, checkout("Ana@Reader.example", at=2)) == 200
    assert tier(ana, tide) == "paid"
    assert call(account, subscription("deleted", "canceled", at=9)) == 200
    assert tier(ana, tide) == "free"
    assert StripeAccount.objects.get().received_at


def test_calls_that_are_not_signed_change_nothing(
    account: StripeAccount, ana: Subscriber, tide: Newsletter
) -> None:
    """Without a signature, with another secret, or with another body."""
    for signature in ("", sign(b"{}"), sign(b"{}", "whsec_another")):
        assert call(account, checkout(), signature) == 401
    assert not StripeEvent.objects.exists()
    assert tier(ana, tide) is None


def test_addresses_and_bodies_that_are_not_ours(account: StripeAccount) -> None:
    """404 for another address, 422 for a body that is not an event, 401 once disconnected."""
    for body in (
        {"hello": "world"},
        checkout() | {"created": 1 << 39},
        checkout() | {"id": "\ud800"},
        checkout() | {"type": "a\0"},
    ):
        assert call(account, body) == 422
    with pytest.raises(UnreadableError):
        reading.read([1])
    registry.disconnect(account)
    account.pk = 1_000_000
    assert call(account, checkout()) == 401


def test_an_account_without_a_secret_takes_no_calls(tide: Newsletter) -> None:
    """An empty secret is nobody's."""
    account = registry.connect(tide.publication, NOON)
    assert call(account, checkout(), sign(b"", "")) == 401


def test_a_repeated_event_changes_nothing(account: StripeAccount, ana: Subscriber) -> None:
    """Stripe repeats calls whose answer was lost."""
    assert apply(account, checkout(), checkout()) == ["applied", ""]
    assert Customer.objects.get().subscriber == ana


LIFE = (
    checkout(at=1),
    subscription("created", "incomplete", at=1),
    subscription("updated", "active", at=1),
    subscription("updated", "active", "price_year", at=5),
)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_order_of_calls_does_not_matter(
    account: StripeAccount, ana: Subscriber, tide: Newsletter, order: tuple[int, ...]
) -> None:
    """Created and updated may have the same second, and come the other way round."""
    registry.change(account, rules={"price_month": "paid", "price_year": "patron"})
    apply(account, *(LIFE[index] for index in order))
    assert tier(ana, tide) == "patron"


def test_an_older_event_never_overwrites_a_newer_one(
    account: StripeAccount, ana: Subscriber, tide: Newsletter
) -> None:
    """Neither of a subscription, nor of an address; and what has ended does not come back."""
    apply(account, checkout(at=50), subscription("updated", "canceled", at=40))
    outcomes = apply(account, subscription("updated", "active", at=30))
    assert outcomes == ["older"]
    assert tier(ana, tide) == "free"
    other = {"id": "cus_ana", "object": "customer", "email": "former@reader.example"}
    apply(account, make_event("customer.updated", other, at=60))
    assert Customer.objects.get().email == "former@reader.example"
    apply(account, make_event("customer.updated", other | {"email": ANA}, at=55))
    assert Customer.objects.get().email == "former@reader.example"
    assert apply(account, subscription("updated", "active", at=99)) == ["older"]


def test_nobody_is_subscribed_by_paying(account: StripeAccount, tide: Newsletter) -> None:
    """The tier waits with the address until its owner has confirmed a subscription."""
    apply(account, checkout(), subscription())
    assert not Subscriber.objects.exists()
    assert not ConsentEvent.objects.exists()
    address = addresses.parse("ANA@reader.example")
    row = consent.subscribe(
        address, tide, via="page", confirmed=False, wording="I want it", now=clock.now()
    )
    assert row.state == Subscription.State.PENDING
    assert tier(row.subscriber, tide) is None
    consent.confirm(row.subscriber_id, tide.pk, via="page", ip=None, now=clock.now())
    assert tier(row.subscriber, tide) == "paid"
    assert Customer.objects.get().subscriber_id == row.subscriber_id


def test_a_tier_is_of_one_publication(account: StripeAccount, tide: Newsletter) -> None:
    """Who subscribes to another publication gives it nothing."""
    other = make_newsletter()
    apply(account, checkout(), subscription())
    address = addresses.parse(ANA)
    row = consent.subscribe(
        address, other, via="import", confirmed=True, wording="", now=clock.now()
    )
    assert profile_of(row.subscriber_id, other.publication_id).attributes == {}
    assert Customer.objects.get().subscriber is None
    assert tide.publication != other.publication


def test_the_highest_tier_of_a_person_counts(
    account: StripeAccount, ana: Subscriber, tide: Newsletter
) -> None:
    """Two customers of one address are one person; a price counts before its product."""
    rules = {"price_month": "paid", "prod_of_price_gold": "patron", "prod_of_price_month": "free"}
    registry.change(account, rules=rules)
    apply(account, checkout(), subscription())
    assert tier(ana, tide) == "paid"
    second = {"customer": "cus_two", "subscription_id": "sub_two"}
    apply(
        account,
        checkout(customer="cus_two", key="second"),
        subscription(price="price_gold", **second),
    )
    assert tier(ana, tide) == "patron"
    apply(account, subscription("deleted", "canceled", "price_gold", at=7, **second))
    assert tier(ana, tide) == "paid"


def test_a_failed_payment_keeps_the_tier_while_stripe_tries_again(
    account: StripeAccount, ana: Subscriber, tide: Newsletter
) -> None:
    """Unless the account says otherwise; the state that follows is Stripe's to say."""
    apply(account, invoice(at=8), checkout(), subscription(at=2))
    assert PaidSubscription.objects.get().payment_failed_at
    assert tier(ana, tide) == "paid"
    apply(account, subscription("updated", "past_due", at=9))
    assert tier(ana, tide) == "paid"
    assert registry.status_of(account).failing == 1
    registry.change(account, has_grace=False)
    assert tier(ana, tide) == "free"
    apply(account, invoice("paid", at=20), subscription("updated", "active", at=20))
    assert PaidSubscription.objects.get().payment_failed_at is None
    assert tier(ana, tide) == "paid"
    apply(account, invoice(at=15, key="late"))
    assert PaidSubscription.objects.get().payment_failed_at is None


def test_a_deleted_customer_is_forgotten(
    account: StripeAccount, ana: Subscriber, tide: Newsletter
) -> None:
    """The address goes, the tier ends, and no older event brings them back."""
    apply(account, checkout(), subscription())
    thing = {"id": "cus_ana", "object": "customer", "email": ANA}
    apply(account, make_event("customer.deleted", thing, at=30))
    customer = Customer.objects.get()
    assert (customer.email, customer.address_key) == ("", "")
    assert tier(ana, tide) == "free"
    apply(account, checkout(at=29), subscription(subscription_id="sub_late", at=29))
    assert Customer.objects.get().email == ""
    assert tier(ana, tide) == "free"


def test_other_events_are_ignored(account: StripeAccount) -> None:
    """Stripe sends what the endpoint asks for, and perhaps all it has."""
    event = make_event("charge.refunded", {"id": "ch_1", "customer": "cus_ana"})
    assert call(account, event) == 200
    assert StripeEvent.objects.get().outcome == "ignored"
    assert not Customer.objects.exists()


def test_a_tier_from_elsewhere_is_left_alone(
    account: StripeAccount, ana: Subscriber, tide: Newsletter
) -> None:
    """Who never paid by Stripe keeps what an import or the API said."""
    profiles.set_attributes(ana.pk, tide.publication_id, {"tier": "patron"})
    apply(account, checkout())
    assert tier(ana, tide) == "patron"


def test_secrets_are_sealed(account: StripeAccount) -> None:
    """The table is of no use to whoever copies it."""
    assert SECRET not in account.sealed_secret
