"""A subscriber's name as strangers enter it, made safe for header fields and pages."""

import unicodedata

LONGEST = 200


def clean_name(text: str) -> str:
    """Return the name on one line, without control or format characters, at most LONGEST long.

    Line ends would start a new header (RFC 5322 §2.2); bidirectional overrides and zero-width
    characters would let a name pretend to be something else.
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip(" ")[:LONGEST].rstrip()
    spaced = "".join(" " if character.isspace() else character for character in text)
    printable = "".join(
        c for c in spaced if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"}
    )
    return " ".join(printable.split())[:LONGEST].rstrip()
