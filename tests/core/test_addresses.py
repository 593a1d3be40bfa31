"""Addresses: checked, keyed, folded for limits, and looked at for tricks."""

import contextlib

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
    ("typed_text", "email"),
    [
        ("ana\uff20odd.example", "ana@odd.example"),
        ("\uff41\uff4e\uff41\uff20odd\uff0eexample", "ana@odd.example"),
        ("ana@odd\u3002example", "ana@odd.example"),
        ("\u3000ana@odd.example\u3000", "ana@odd.example"),
        ("MAILTO:ana@odd.example", "ana@odd.example"),
        ("mailto:ana%2Bnews@odd.example?subject=Hi%0D%0ABcc:x@y.example", "ana+news@odd.example"),
        ("Ben Odd <ben@odd.example>", "ben@odd.example"),
        ("<ben@odd.example>", "ben@odd.example"),
        ("<mailto:ben@odd.example>", "ben@odd.example"),
        ('"Odd, Ben" <ben@odd.example>', "ben@odd.example"),
        ("cid@odd.example\u00a0", "cid@odd.example"),
        ("\u200bdee@odd.example", "dee@odd.example"),
        ("dee@\u200bodd.ex\u00adample\ufeff", "dee@odd.example"),
        ("\u202ddee@odd.example\u202c", "dee@odd.example"),
        ("\u200e\u2068dee@odd.example\u2069", "dee@odd.example"),
        ("ida@odd.example.", "ida@odd.example"),
        ("ida@odd.example,", "ida@odd.example"),
        ("\u201cmia@odd.example\u201d", "mia@odd.example"),
        ("'mia@odd.example'", "mia@odd.example"),
        ("gus@z\u00fcrich.example", "gus@z\u00fcrich.example"),
        ("gus@\uff5a\u00fcrich.example", "gus@z\u00fcrich.example"),
        ("gus@xn--zrich-kva.example", "gus@z\u00fcrich.example"),
        ("j\u00f6rg@odd.example", "j\u00f6rg@odd.example"),
        ("j\u006f\u0308rg@odd.example", "j\u00f6rg@odd.example"),
        ("o\u2019hara@odd.example", "o\u2019hara@odd.example"),
    ],
)
def test_what_surrounds_an_address_is_left_out(typed_text: str, email: str) -> None:
    """As people copy and type them; the domain comes in A-labels for SMTP."""
    address = addresses.parse(typed_text)
    assert address.email == email
    assert address.domain.isascii()


@pytest.mark.parametrize(
    ("typed_text", "advice"),
    [
        ("eve@odd.example, eve2@odd.example", "more than one address"),
        ("eve@odd.example;eve2@odd.example", "more than one address"),
        ("kim@odd,example", "Did you mean a dot"),
        ("leo@gmail.con", "Did you mean “.com”"),
        ("Ben <ben@odd.example> <eve@odd.example>", ""),
        ("ben@odd.example>\r\nBcc: <eve@odd.example", ""),
        ("Ben\r\nBcc: x <ben@odd.example>", ""),
        ("a@b\u202eelpmaxe.example", ""),
        ("a b@odd.example", ""),
        ("a\u00b2\n@odd.example", ""),
        ("<>", ""),
        ("mailto:", ""),
        ("\uff20", ""),
        ("<" * 5000 + "a@b.example", "too long"),
    ],
)
def test_what_is_wrong_is_said(typed_text: str, advice: str) -> None:
    """And what to do, where that is clear."""
    with pytest.raises(InvalidAddressError) as problem:
        addresses.parse(typed_text)
    assert advice in str(problem.value)


def test_another_mailbox_is_not_guessed() -> None:
    """A superscript two is not a two: that is somebody else's address."""
    with contextlib.suppress(InvalidAddressError):
        assert addresses.parse("ana\u00b2@odd.example").key != "ana2@odd.example"


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
