"""Text from strangers as it may stand in a header, a mail, a page and the database."""

import json
import re
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import idna

LONGEST_LINE = 2000  # characters, like the other
LONGEST_URL = 2000
WEB_SCHEMES = frozenset({"http", "https"})

# Controls, surrogates, bidi overrides, invisible operators and shaping, annotations of ruby, and
# what is not a character (Unicode §23.7).
_HIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff\u202a-\u202e\ufdd0-\ufdef"
    "\u2061-\u2064\u206a-\u206f\ufff9-\ufffb\U0001d173-\U0001d17a"
    + "".join(
        f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
    )
    + "]"
)
# Tag characters spell the flag of a region (UTS 51 §4.4); elsewhere they are text that nobody sees.
_TAGS = re.compile("(\U0001f3f4[\U000e0030-\U000e007a]{3,6}\U000e007f)|[\U000e0000-\U000e007f]")
_USER = "%:!$&'()*+,;=~"
_SAFE = ("/%:@!$&'()*+,;=~", "/?%:@!$&'()*+,;=~", "/?%:@!$&'()*+,;=~#")  # path, query, fragment
_STRAY_PERCENT = re.compile(r"%(?![\da-fA-F]{2})")
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff]"
)
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?\.?")


def one_line(value: str, longest: int = LONGEST_LINE) -> str:
    """Return plain text on one line, safe in a header: no CR, LF, U+2028 or control character."""
    if value.isascii() and value.isprintable() and "  " not in value:
        return value.strip(" ")[:longest].rstrip(" ")
    return " ".join(printable(value).split())[:longest].rstrip()


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return `1 story` or `3,000 stories`; `plural` where it is not the noun with an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def percent(value: float | None, digits: int = 1) -> str:
    """Write a share as `3.4 %`; a dash for None."""
    return "—" if value is None else f"{value * 100:.{digits}f} %"


def web_url(url: str) -> str:
    """Return an absolute http or https URL as a browser would request it, or "" for anything else.

    What may not stand in a URL (blanks, brackets, quotes, backslashes, letters beyond ASCII) is
    percent-encoded (RFC 3986 §2), and the host is in A-labels (RFC 5891); what is encoded already
    stays as it is.
    """
    url = _UNSEEN.sub("", url.strip())
    try:
        parts = urlsplit(url)
        scheme, place = parts.scheme.lower(), _place(parts.netloc, parts.port)
    except ValueError:
        return ""
    if scheme not in WEB_SCHEMES or not place:
        return ""
    rest = [_encode(part, safe) for part, safe in zip(parts[2:], _SAFE, strict=True)]
    address = urlunsplit((scheme, place, *rest))
    return address if len(address) <= LONGEST_URL else ""


def _place(netloc: str, port: int | None) -> str:
    """Return host and port, with the user name if there is one, or "" if the host is not valid."""
    user, at, address = netloc.rpartition("@")
    host = address.removesuffix(f":{port}").rstrip(":") if port is not None else address.rstrip(":")
    if host.startswith("["):
        return netloc
    host = host.lower()
    if not host.isascii():
        host = idna.encode(host, uts46=True).decode("ascii")  # IDNAError is a ValueError
    if not _HOST.fullmatch(host):
        return ""
    return f"{_encode(user, _USER)}{at}{host}" + (f":{port}" if port is not None else "")


def _encode(part: str, safe: str) -> str:
    return _STRAY_PERCENT.sub("%25", quote(part, safe=safe, errors="replace"))


def printable(value: str) -> str:
    """Turn separators into line feeds and drop what cannot be seen or stored.

    U+2028, U+0085 and their kin start a new line in some mail programs; bidi overrides can make a
    link or a name read as another; PostgreSQL refuses NUL. ZWJ, ZWNJ and bidi marks stay: Persian,
    Hindi and emoji need them.
    """
    if value.isascii() and value.isprintable():
        return value
    value = re.sub(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]", "\n", value).replace("\t", " ")
    return _TAGS.sub(r"\1", _HIDDEN.sub("", value))


def read_json(content: str | bytes, refusal: Exception) -> Any:
    """Return a JSON document; raise `refusal` for what is not one, or is nested too deep."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as cause:
        raise refusal from cause
