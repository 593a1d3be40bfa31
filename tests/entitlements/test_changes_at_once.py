"""What changes beside Stripe: the choices of the attribute, and consent at the same moment."""

import threading

import pytest
from django.db import connection, transaction

from digest.core import addresses
from digest.entitlements.models import StripeAccount
from digest.newsletters.models import Newsletter
from digest.subscribers import attributes, consent
from digest.subscribers.models import Subscription
from tests.cast import NOON, make_subscriber
from tests.entitlements.stripe_calls import ANA, checkout, subscription
from tests.entitlements.test_receiving import apply, tier

pytestmark = pytest.mark.django_db


def confirm(tide: Newsletter) -> Subscription:
    """Ana subscribes."""
    address = addresses.parse(ANA)
    return consent.subscribe(address, tide, via="import", confirmed=True, wording="", now=NOON)


@pytest.mark.parametrize(
    ("choices", "expected"),
    [(["Free", "Paid"], "Paid"), (["free", "patron"], None)],
)
def test_who_waits_gets_the_present_spelling(
    account: StripeAccount, tide: Newsletter, choices: list[str], expected: str | None
) -> None:
    """A choice was spelled differently, or removed, before they confirm."""
    apply(account, checkout(), subscription())
    attributes.change(account.attribute, choices=choices)
    assert tier(confirm(tide).subscriber, tide) == expected


def test_another_order_ranks_the_tiers_again(account: StripeAccount, tide: Newsletter) -> None:
    """Whoever pays for two gets the one that is the highest now."""
    ana = make_subscriber(tide, email=ANA)
    account.rules.create(reference="price_gold", tier="patron")
    apply(account, checkout(), subscription())
    apply(account, subscription(price="price_gold", subscription_id="sub_two"))
    assert tier(ana, tide) == "patron"
    attributes.change(account.attribute, choices=["free", "patron", "paid"])
    assert tier(ana, tide) == "paid"


@pytest.mark.django_db(transaction=True)
def test_a_confirmation_waits_for_an_event(account: StripeAccount, tide: Newsletter) -> None:
    """Otherwise neither would see the other, and the payer would have no tier."""
    done = threading.Event()

    def subscribe() -> None:
        try:
            confirm(tide)
        finally:
            connection.close()
            done.set()

    with transaction.atomic():
        apply(account, checkout(), subscription())
        other = threading.Thread(target=subscribe)
        other.start()
        done.wait(1)
    other.join(20)
    assert tier(Subscription.objects.get().subscriber, tide) == "paid"
