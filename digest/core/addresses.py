"""Email addresses: what a person typed, and the one key under which we know it."""

import re
import unicodedata
from dataclasses import dataclass

from email_validator import (
    SPECIAL_USE_DOMAIN_NAMES,
    EmailNotValidError,
    validate_email,
)

from digest.core.errors import InvalidAddressError

LONGEST = 254  # RFC 5321 §4.5.3.1.3, less the angle brackets


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address."""

    email: str  # as it is shown and written in To:, NFC, domain in Unicode
    key: str  # lower case; equal for equal mailboxes, the unique key in the database
    domain: str  # in A-labels, as SMTP needs it


def parse(raw: str) -> Address:
    """Check an address as typed and return it, or raise InvalidAddressError saying what is wrong.

    Syntax only (RFC 5321, IDNA 2008, NFC), no look-up. Control characters, line ends and display
    names are refused, so what comes back is safe in a header and in an SMTP command.
    """
    text = raw.strip(" \t\r\n\ufeff")
    if _is_plain(text):
        return Address(text, text.lower(), text.rpartition("@")[2])
    if len(text) > LONGEST + 64:
        raise InvalidAddressError("This is too long to be an email address.")
    try:
        validated = validate_email(text, check_deliverability=False)
    except EmailNotValidError as cause:
        printable = "".join(c if c.isprintable() else "\ufffd" for c in text)
        raise InvalidAddressError(f"{printable!r} is not a valid email address: {cause}") from cause
    return Address(
        email=validated.normalized,
        # Not casefold(): it would make ß and ss one, and they are two domains.
        key=unicodedata.normalize("NFC", validated.normalized.lower()),
        domain=validated.ascii_domain,
    )


def _is_plain(text: str) -> bool:
    """Say whether this is an address beyond doubt: most are, and lists have a million of them.

    Narrower than the validator on purpose; what it would change or may refuse goes to it.
    """
    match = _PLAIN.fullmatch(text)
    return (
        match is not None
        and len(match[1]) <= 64
        and len(text) <= LONGEST
        and match[2] not in _SPECIAL_ENDS
    )


_ATOMS = r"[A-Za-z0-9_]+(?:[.+-][A-Za-z0-9_]+)*"
_LABELS = r"(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+"  # never `--`, which A-labels have
_DOMAIN = rf"(?![^@]*[a-z0-9-]{{64}}){_LABELS}([a-z]{{2,24}})"  # a label has 63 octets at most
_PLAIN = re.compile(rf"({_ATOMS})@{_DOMAIN}")
# Last labels of names that are not for mail (RFC 6761 and kin).
_SPECIAL_ENDS = frozenset(name.rpartition(".")[2] for name in SPECIAL_USE_DOMAIN_NAMES)


def envelope(email: str) -> str:
    """Return a stored address as SMTP wants it: domain in A-labels (RFC 5891).

    Raises InvalidAddressError where that cannot be.
    """
    local, _, domain = email.rpartition("@")
    if domain.isascii():
        return email
    return f"{local}@{parse(email).domain}"


def folded(key: str) -> str:
    """Return one key for all spellings that reach one mailbox, as far as is commonly known.

    For limits only, never to identify a subscriber: `+tag` is cut off everywhere, and Gmail
    overlooks dots (support.google.com/mail/answer/7436150) and has a second name.
    """
    local, _, domain = key.rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _GMAIL:
        return f"{local.replace('.', '')}@gmail.com"
    return f"{local}@{domain}"


def mixed_scripts(email: str) -> str:
    """Return a label of the address that mixes alphabets to look like another one, or nothing.

    A label is what stands between dots, hyphens and the at sign. Han, kana, Hangul and Latin stand
    together in honest names (Unicode TS 39, "highly restrictive"); Latin with Cyrillic or Greek
    does not.
    """
    for label in _LABEL.split(email):
        if len(_alphabets(label) - _TOGETHER) + bool(_alphabets(label) & _TOGETHER) > 1:
            return label
    return ""


_GMAIL = frozenset({"gmail.com", "googlemail.com"})
_LABEL = re.compile(r"[@.+_-]")
_TOGETHER = frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"})


def _alphabets(label: str) -> set[str]:
    letters = (c for c in label if unicodedata.category(c) in {"Ll", "Lu", "Lt", "Lo"})
    return {unicodedata.name(letter, "?").partition(" ")[0] for letter in letters}
