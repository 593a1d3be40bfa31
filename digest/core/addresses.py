"""Email addresses: what a person typed, and the one key under which we know it."""

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote

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

    Syntax only (RFC 5321, IDNA 2008, NFC), no look-up. What surrounds an address where people copy
    it is left out: blanks, quotation marks, `mailto:`, a name before angle brackets, characters
    that nobody sees; and full-width characters count as the ASCII that they stand for. Control
    characters and line ends are refused: the result is safe in a header and an SMTP command.
    """
    text = raw.strip(" \t\r\n\ufeff")
    if _is_plain(text):
        return Address(text, text.lower(), text.rpartition("@")[2])
    if len(text) > LONGEST + 64 and len(text := _bare(text[: 4 * LONGEST])) > LONGEST + 64:
        raise InvalidAddressError("This is too long to be an email address.")
    text = _bare(text)
    try:
        validated = validate_email(text, check_deliverability=False)
    except EmailNotValidError as cause:
        printable = "".join(c if c.isprintable() else "\ufffd" for c in text)
        raise InvalidAddressError(
            f"{printable!r} is not a valid email address: {_advice(text) or cause}"
        ) from cause
    if (ending := validated.ascii_domain.rpartition(".")[2]) in _TYPING_ERRORS:
        raise InvalidAddressError(
            f"{validated.normalized!r} is not a valid email address: no domain ends in "
            f"“.{ending}”. Did you mean “.{_TYPING_ERRORS[ending]}”?"
        )
    return Address(
        email=validated.normalized,
        # Not casefold(): it would make ß and ss one, and they are two domains.
        key=unicodedata.normalize("NFC", validated.normalized.lower()),
        domain=validated.ascii_domain,
    )


def _bare(text: str) -> str:
    """Return an address without what surrounds it where people copy it from.

    Full-width forms have one ASCII character each (NFKC, Unicode TR 15). Other compatibility
    characters are left to the validator: "\u00b2" made a "2" would be somebody else's mailbox.
    """
    text = text.translate(_FULL_WIDTH).translate(_INVISIBLE)
    text = text.strip().strip(_EDGES).strip()
    if match := _MAILTO.match(text):
        text = unquote(text[match.end() :].partition("?")[0])
    if match := _IN_BRACKETS.fullmatch(text):
        text = match[1].strip()
        text = text[7:] if _MAILTO.match(text) else text
    while len(text) > 2 and text[0] in _QUOTES and text[-1] in _QUOTES:
        text = text[1:-1].strip()
    return text[:-1].rstrip() if text.endswith((".", ",", ";")) else text


_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    ord(character): replacement
    for character, replacement in {
        **dict.fromkeys("\u3002\uff61\ufe52", "."),  # IDNA 2003 §3.1 has the first two
        "\ufe6b": "@",
        "\u3000": " ",
    }.items()
}
# Never part of an address: soft hyphen, zero-width space, word joiner, marks of direction.
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u061c\u200b\u200e\u200f\u2060\ufeff"))
# Part of one at its ends never: joiners, embeddings, overrides and isolates.
_EDGES = "\u200c\u200d\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069 \t\r\n"
_QUOTES = "\"'`\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb"
_MAILTO = re.compile(r"mailto:\s*", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"[^<>\r\n\0]*<([^<>]*)>")
# Domains end in none of these (IANA's root zone); people type them for those that exist.
_TYPING_ERRORS = {
    **dict.fromkeys(("con", "cpm", "ocm", "cmo", "vom", "xom", "comm", "coom", "cim"), "com"),
    **dict.fromkeys(("nte", "ner", "nett"), "net"),
    **dict.fromkeys(("ogr", "orgg", "prg"), "org"),
}


def _advice(text: str) -> str:
    """Return what to do about a mistake that the validator has no clear word for."""
    domain = text.rpartition("@")[2]
    if len(_ADDRESSES.findall(text)) > 1:
        return "there is more than one address here. Enter one."
    if "@" in text and "," in domain:
        return "there is a comma after the @-sign. Did you mean a dot?"
    return ""


_ADDRESSES = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;<>]+")


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
_SPECIAL_ENDS = frozenset(
    [*(name.rpartition(".")[2] for name in SPECIAL_USE_DOMAIN_NAMES), *_TYPING_ERRORS]
)


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
