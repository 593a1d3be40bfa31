"""Fixtures that every test may use."""

from collections.abc import Iterator

import pytest
from django.test.utils import override_settings


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Django hashes passwords slowly on purpose; a thousand accounts would take minutes here."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield
