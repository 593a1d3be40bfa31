"""A subscriber's name as strangers type it, made safe to stand in a header and on a page."""

import unicodedata

LONGEST = 200


def tidy(typed: str) -> str:
    """Return the name on one line, without control or format characters, at most LONGEST long.

    Line ends would start a new header (RFC 5322 §2.2); bidirectional overrides and zero-width
    characters would let a name pretend to be something else.
    """
    if typed.isascii() and typed.isprintable() and "  " not in typed:
        return typed.strip(" ")[:LONGEST].rstrip()
    spaced = "".join(" " if character.isspace() else character for character in typed)
    kept = "".join(c for c in spaced if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"})
    return " ".join(kept.split())[:LONGEST].rstrip()
