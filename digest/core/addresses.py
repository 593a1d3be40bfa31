"""Email addresses: what a person typed, and the one key under which we know it."""

import unicodedata
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from digest.core.errors import InvalidAddressError

LONGEST = 254  # RFC 5321 §4.5.3.1.3, less the angle brackets


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address."""

    email: str  # as it is shown and written in To:, NFC, domain in Unicode
    key: str  # lower case; equal for equal mailboxes, the unique key in the database
    domain: str  # in A-labels, as SMTP needs it


def parse(typed: str) -> Address:
    """Check an address as typed and return it, or raise InvalidAddressError saying what is wrong.

    Syntax only (RFC 5321, IDNA 2008, NFC), no look-up. Control characters, line ends and display
    names are refused, so what comes back is safe in a header and in an SMTP command.
    """
    text = typed.strip(" \t\r\n\ufeff")
    if len(text) > LONGEST + 64:
        raise InvalidAddressError("This is too long to be an email address.")
    try:
        found = validate_email(text, check_deliverability=False)
    except EmailNotValidError as cause:
        shown = "".join(c if c.isprintable() else "\ufffd" for c in text)
        raise InvalidAddressError(f"{shown!r} is no valid email address: {cause}") from cause
    return Address(
        email=found.normalized,
        # Not casefold(): it would make ß and ss one, and they are two domains.
        key=unicodedata.normalize("NFC", found.normalized.lower()),
        domain=found.ascii_domain,
    )


def envelope(email: str) -> str:
    """Return a stored address as SMTP wants it: domain in A-labels (RFC 5891).

    Raises InvalidAddressError where that cannot be.
    """
    local, _, domain = email.rpartition("@")
    if domain.isascii():
        return email
    return f"{local}@{parse(email).domain}"
