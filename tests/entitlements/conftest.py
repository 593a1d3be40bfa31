"""A publication that is connected to Stripe, and a subscriber."""

import pytest

from digest.entitlements.models import StripeAccount
from digest.newsletters.models import Newsletter
from digest.subscribers.models import Subscriber
from tests.cast import make_subscriber
from tests.entitlements.stripe_calls import ANA, make_account


@pytest.fixture
def account(tide: Newsletter) -> StripeAccount:
    """Stripe for its publication: price_month is paid."""
    return make_account(tide.publication)


@pytest.fixture
def ana(tide: Newsletter) -> Subscriber:
    """A subscriber."""
    return make_subscriber(tide, email=ANA)
