"""Addresses: checked, keyed, folded for limits, and looked at for tricks."""

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from digest.core import addresses
from digest.core.errors import InvalidAddressError

letters = st.sampled_from("abcXYZ019_.+-'~é@ ")
locals_ = st.text(letters, min_size=1, max_size=70)
labels = st.text(st.sampled_from("abz09-X_é"), min_size=1, max_size=66)
ends = st.sampled_from(
    ["com", "example", "test", "local", "arpa", "onion", "c", "museum", "xn--p1ai", "c0m"]
)


@given(locals_, st.lists(labels, max_size=5), ends)
def test_the_short_cut_says_what_the_validator_says(local: str, parts: list[str], end: str) -> None:
    """Whatever passes without the validator would have passed it, unchanged."""
    text = f"{local}@{'.'.join([*parts, end])}"
    if not addresses._is_plain(text):
        return
    validated = validate_email(text, check_deliverability=False)
    assert addresses.parse(text) == addresses.Address(
        validated.normalized, validated.normalized.lower(), validated.ascii_domain or ""
    )


@given(st.text(max_size=80))
def test_anything_is_an_address_or_a_clear_error(text: str) -> None:
    """Never another exception."""
    try:
        address = addresses.parse(text)
    except InvalidAddressError:
        return
    assert validate_email(address.email, check_deliverability=False).normalized == address.email


@pytest.mark.parametrize(
    "text", ["a@b.test", "a@b.local", "a@localhost", "a@x.invalid", "a@1.2.3.4"]
)
def test_names_that_are_not_for_mail_are_refused(text: str) -> None:
    """RFC 6761 and kin."""
    with pytest.raises(EmailNotValidError):
        validate_email(text, check_deliverability=False)
    with pytest.raises(InvalidAddressError):
        addresses.parse(text)


@pytest.mark.parametrize(
    ("key", "folded"),
    [
        ("n.a.dia+news@gmail.com", "nadia@gmail.com"),
        ("nadia@googlemail.com", "nadia@gmail.com"),
        ("n.adia+x@reader.example", "n.adia@reader.example"),
        ("+x@reader.example", "+x@reader.example"),
    ],
)
def test_spellings_of_one_mailbox_fold_together(key: str, folded: str) -> None:
    """Plus-tags everywhere, dots at Gmail."""
    assert addresses.folded(key) == folded


@pytest.mark.parametrize(
    ("email", "odd"),
    [
        ("p\u0430ypal@reader.example", "p\u0430ypal"),
        ("nadia@p\u0430ypal.example", "p\u0430ypal"),
        ("\u03c0aul@reader.example", "\u03c0aul"),
        ("иван@почта.рф", ""),
        ("ivan@почта.рф", ""),
        ("日本tokyo@reader.example", ""),
        ("josé@reader.example", ""),
        ("a1b2@reader.example", ""),
    ],
)
def test_mixed_alphabets_are_named(email: str, odd: str) -> None:
    """A label that mixes Latin with Cyrillic or Greek; honest mixtures are left alone."""
    assert addresses.mixed_scripts(email) == odd
