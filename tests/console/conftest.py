"""Fixtures of the console's tests."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from digest.accounts.models import User
from digest.newsletters.models import Publication
from tests.cast import make_member, make_publication
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
def owner(client: Client, courier: Publication) -> Client:
    """The browser of its owner."""
    client.force_login(make_member(courier))
    return client


@pytest.fixture
def live_url(live_server: LiveServer, settings: Settings) -> str:
    """The address of a server for browsers, to which links lead."""
    settings.DIGEST_BASE_URL = live_server.url
    return live_server.url
