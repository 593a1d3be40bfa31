"""Superusers, as `digest createsuperuser` creates them."""

import pytest

from digest.accounts.models import User
from tests.cli.conftest import Digest, digest  # noqa: F401  a fixture

pytestmark = pytest.mark.django_db


@pytest.fixture
def create(digest: Digest, monkeypatch: pytest.MonkeyPatch) -> Digest:  # noqa: F811
    """Create one without questions."""
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct-horse-battery")
    return lambda email: digest("createsuperuser", "--noinput", "--email", email)


def test_one_is_created(create: Digest) -> None:
    """Who owns everything."""
    assert create("ada@courier.example").status == 0
    assert User.objects.get(is_superuser=True).email == "ada@courier.example"


@pytest.mark.parametrize("address", ["admin@localhost", "ada@[127.0.0.1]"])
def test_an_address_that_cannot_be_mailed_is_refused(create: Digest, address: str) -> None:
    """With the reason in a line."""
    answer = create(address)
    assert (answer.status, "not a valid email address" in answer.err) == (1, True)
    assert not User.objects.exists()


def test_nobody_has_two_accounts(create: Digest) -> None:
    """However they are spelt."""
    create("ada@courier.example")
    answer = create("ADA@courier.example")
    assert (answer.status, "There is an account for ADA@courier.example" in answer.err) == (1, True)
    assert User.objects.count() == 1
