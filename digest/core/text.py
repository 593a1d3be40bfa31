"""Text from strangers as it may stand in a header, a mail, a page and the database."""

import re
import unicodedata
from urllib.parse import urlsplit

LONGEST_LINE = 2000  # characters, like the other
LONGEST_URL = 2000
WEB_SCHEMES = frozenset({"http", "https"})


def one_line(value: str, longest: int = LONGEST_LINE) -> str:
    """Return plain text on one line, safe in a header: no CR, LF, U+2028 or control character."""
    return " ".join(printable(value).split())[:longest].rstrip()


def web_url(url: str) -> str:
    """Return an absolute http or https URL, or "" for anything else."""
    url = url.strip()
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    is_web = parts.scheme.lower() in WEB_SCHEMES and parts.netloc and len(url) <= LONGEST_URL
    return url if is_web and url.isprintable() and " " not in url else ""


def printable(value: str) -> str:
    """Turn separators into line feeds and drop what cannot be seen or stored.

    U+2028, U+0085 and their kin start a new line in some mail programs; bidi overrides can make a
    link or a name read as another; PostgreSQL refuses NUL. ZWJ, ZWNJ and bidi marks stay: Persian,
    Hindi and emoji need them.
    """
    if value.isascii() and value.isprintable():
        return value
    value = re.sub(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]", "\n", value).replace("\t", " ")
    return "".join(c for c in value if c == "\n" or not _hidden(c))


def _hidden(c: str) -> bool:
    return unicodedata.category(c) in {"Cc", "Cs"} or c in "\ufeff\u202a\u202b\u202c\u202d\u202e"
