"""Fixtures of the console's tests."""

import pytest
from django.test import Client

from digest.accounts.models import User
from digest.newsletters.models import Newsletter, Publication
from tests.cast import make_member, make_newsletter, make_publication
from tests.console.houses import PASSWORD


@pytest.fixture
def ada() -> User:
    """The owner of everything."""
    return User.objects.create_superuser("ada@courier.example", PASSWORD)


@pytest.fixture
def ada_client(client: Client, ada: User) -> Client:
    """Her browser."""
    client.force_login(ada)
    return client


@pytest.fixture
def courier() -> Publication:
    """A publication."""
    return make_publication()


@pytest.fixture
def tide() -> Newsletter:
    """A newsletter."""
    return make_newsletter(slug="tide")


@pytest.fixture
def owner(client: Client, courier: Publication) -> Client:
    """The browser of its owner."""
    client.force_login(make_member(courier))
    return client
