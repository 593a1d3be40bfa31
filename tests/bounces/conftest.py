"""Fixtures of the tests of what comes back."""

import pytest

from digest.issues.models import Issue
from digest.subscribers.models import Subscriber
from tests.bounces import shapes
from tests.bounces.factories import make_sent
from tests.cast import make_newsletter, make_subscriber


@pytest.fixture
def subscriber() -> Subscriber:
    """Somebody who got an issue."""
    return make_subscriber(make_newsletter(), email=shapes.ADDRESS)


@pytest.fixture
def issue(subscriber: Subscriber) -> Issue:
    """The issue that they got."""
    return make_sent(subscriber)
