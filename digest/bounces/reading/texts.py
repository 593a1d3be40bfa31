"""Texts of strangers: decoded, on one line, without markup. Each function takes linear time."""

import re
from email.errors import HeaderParseError
from email.header import decode_header
from html import unescape

from digest.bounces.reading.charsets import text_of

LONGEST = 500  # characters of a text that is stored or shown
MOST_WORDS = 100  # encoded words of a field that are decoded

_CONTROLS = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_SPACES = re.compile(r"\s+")
_BLOCK = re.compile(r"<(?:br|p|div|tr|li|h[1-6]|pre|hr)\b[^<>]{0,2000}>", re.IGNORECASE)
# Not an address that nobody escaped.
_TAG = re.compile(r"<(?![^<>\s]{1,320}@)[/!]?[a-zA-Z-][^<>]{0,2000}>")
_INVISIBLE = re.compile(r"<(style|script|head)\b.*?</\1>", re.IGNORECASE | re.DOTALL)
_OPENING = re.compile(r"<(?:style|script|head)\b", re.IGNORECASE)


def one_line(text: str) -> str:
    """Return a text on one line: control characters and runs of spaces are a space."""
    return _SPACES.sub(" ", _CONTROLS.sub(" ", text)).strip()


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return a text on one line, cut after `longest` characters."""
    line = one_line(text[: longest * 4])
    return line if len(line) <= longest else line[: longest - 1] + "…"


def decoded(value: str) -> str:
    """Return a field's value with its encoded words (RFC 2047) decoded, where that can be."""
    value = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if len(value) > 4_000:
        return value
    if "\x1b$" in value:  # ISO-2022-JP as it is, in reports of Japanese servers
        return value.encode("latin-1", "replace").decode("iso2022_jp", "replace")
    if not 0 < value.count("=?") <= MOST_WORDS:  # each that does not end takes time by the length
        return value
    try:
        pieces = decode_header(value)
        return "".join(_piece(piece, charset) for piece, charset in pieces)
    except (HeaderParseError, LookupError, ValueError):
        return value


def _piece(piece: bytes | str, charset: str | None) -> str:
    return piece if isinstance(piece, str) else text_of(piece, charset or "utf-8")


def text_of_html(markup: str) -> str:
    """Return the text of HTML, a line for each block."""
    bounded = markup[:100_000]
    if sum(1 for _ in _OPENING.finditer(bounded)) < 20:  # each looks for its end
        bounded = _INVISIBLE.sub(" ", bounded)
    lines = _BLOCK.sub("\n", bounded)
    return unescape(_TAG.sub(" ", lines))
