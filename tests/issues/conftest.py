"""Fixtures of the tests of issues."""

import pytest

from digest.accounts.models import User


@pytest.fixture
def ada() -> User:
    """An editor."""
    return User.objects.create_user("ada@courier.example")


@pytest.fixture
def ben() -> User:
    """Another editor."""
    return User.objects.create_user("ben@courier.example")
