"""Addresses of relays that speak SMTP."""

import pytest

from digest.core.errors import ConfigurationError
from digest.relays.transports.smtp import StartTls, parse_address


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", ("mail.example", 25, False, StartTls.REQUIRED)),
        ("smtp://localhost:1025", ("localhost", 1025, False, StartTls.OPTIONAL)),
        ("smtps://mail.example", ("mail.example", 465, True, StartTls.NEVER)),
        ("smtp://mailpit:1025?starttls=never", ("mailpit", 1025, False, StartTls.NEVER)),
    ],
)
def test_an_address_is_read(url: str, expected: tuple[object, ...]) -> None:
    """Encryption is required beyond this machine unless the URL says otherwise."""
    address = parse_address(url)
    assert (address.host, address.port, address.tls, address.starttls) == expected


def test_secrets_are_unquoted_and_not_shown() -> None:
    """A password may hold any character, and stays out of logs."""
    address = parse_address("smtp://me%40x:p%40%3Ass@mail.example:587")
    assert (address.user, address.password) == ("me@x", "p@:ss")
    assert "p@:ss" not in repr(address)


def test_an_address_that_cannot_be_read_is_not_repeated() -> None:
    """A slash in a password looks like the end of the host, and what precedes it like a port."""
    with pytest.raises(ConfigurationError) as caught:
        parse_address("smtp://user:hunter2/x@mail.example:25")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "url",
    [
        *("mail.example", "http://mail.example", "smtp://", "smtp://h:port", "smtp://h?tls=1"),
        "smtp://me:pässword@h",
        *("smtp://h?connections=0", "smtp://h?connections=x", "smtp://h?auth=magic"),
    ],
)
def test_an_invalid_address_is_refused(url: str) -> None:
    """The error shows what an address looks like."""
    with pytest.raises(ConfigurationError, match="relay"):
        parse_address(url)
