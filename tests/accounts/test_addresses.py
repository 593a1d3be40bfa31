"""Whose account an address is."""

import pytest

from digest.accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("email", "is_theirs"),
    [
        ("Ada@kita.example", True),
        ("ADA@KITA.EXAMPLE", True),
        (
            "ada@k\N{LATIN SMALL LETTER DOTLESS I}ta.example",
            False,
        ),  # its capitals are those of kita.example
        ("ada@\N{KELVIN SIGN}ita.example", False),  # so are its small letters
        ("ada@kita.example ", False),
        ("a%@kita.example", False),
    ],
)
def test_an_address_is_of_one_account_in_any_case(email: str, *, is_theirs: bool) -> None:
    """No other domain is taken for it."""
    ada = User.objects.create_user("ada@Kita.example")
    assert list(User.objects.with_address(email)) == [ada] * is_theirs
