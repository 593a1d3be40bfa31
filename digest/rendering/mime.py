"""Bytes as mail wants them: quoted-printable pieces, and header fields folded by our own rules.

Python's own header folding encodes what must stay plain (List-Unsubscribe, cpython#85725), so every
field here is written by hand. Nothing that comes in can start a line of its own: text goes through
`one_line` or an encoded-word, and addresses, links and ids are checked against a strict pattern.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

from digest.core import addresses
from digest.core.languages import is_tag
from digest.rendering.errors import RenderingError

CRLF = b"\r\n"
ONE_CLICK = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"  # verbatim, RFC 8058 §3.1
_PREFERRED = 78  # RFC 5322 §2.1.1, without CRLF
_WORD = 64  # of an encoded-word, so that it stands on one line with any field name of ours
_LONGEST_NAME = 200

# A line of 73 leaves room for the soft break and for `_guarded`, within 76 (RFC 2045 §6.7).
_QP_LINE = 73
_QP_PLAIN = re.compile(r"[!-<>-~]+")  # what stands for itself
_QP = [
    chr(octet) if 33 <= octet <= 126 and octet != 61 else f"={octet:02X}" for octet in range(256)
]
_QP[9], _QP[32] = "\t", " "
# RFC 2047 §5 (3): the strictest alphabet, good in a phrase too.
_Q = [chr(o) if re.match(rb"[A-Za-z0-9!*+/-]", bytes([o])) else f"={o:02X}" for o in range(256)]
_Q[32] = "_"
_Q_COST = [len(each) for each in _Q]

_BREAKS = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_PLAIN = re.compile(r"[\x20-\x7e]*")
_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")  # atoms, RFC 5322 §3.2.3
_ASCII_MAILBOX = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
_MAILBOX = re.compile(r"[^\s\x00-\x20\x7f-\x9f()<>@,;:\\\"\[\]\u2028\u2029]+@[A-Za-z0-9.-]+")
_MESSAGE_ID = re.compile(r"[\x21-\x3b=?A-Z\[\]^-~]+@[\x21-\x3b=?A-Z\[\]^-~]+")
_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_MAILTO = re.compile(r"mailto:[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,253}(\?subject=[A-Za-z]+)?")
_LIST_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)+")


def is_smtp_safe(octets: bytes) -> bool:
    """Say whether CRLF alone ends lines, and none starts with a dot: SMTP can take it as it is."""
    ends = octets.count(CRLF)
    return (
        octets.count(b"\n") == ends == octets.count(b"\r")
        and b"\r\n." not in octets
        and not octets.startswith(b".")
    )


def one_line(text: str) -> str:
    """Return text as one line: control characters and line ends become single spaces."""
    return _BREAKS.sub(" ", text).strip(" ")


def quoted(text: str) -> bytes:
    r"""Return text as a piece of quoted-printable (RFC 2045 §6.7) in UTF-8.

    Pieces concatenate freely: each starts at the start of a line, and ends with a line break, a
    soft one where the text does not end with one. `\n` becomes CRLF.
    """
    if _QP_PLAIN.fullmatch(text):  # as links and most addresses are
        pieces = [_guarded(text[at : at + _QP_LINE]) for at in range(0, len(text), _QP_LINE)]
        return "".join([f"{piece}=\r\n" for piece in pieces]).encode("ascii")
    *lines, rest = text.split("\n")
    out = [line for each in lines for line in _hard_line(each)]
    out += [line + "=\r\n" for line in _cut(_escaped(rest))]
    return "".join(out).encode("ascii")


def text_field(name: str, value: str) -> bytes:
    """Return an unstructured field such as Subject; an encoded-word in the text stays text."""
    line = one_line(value)
    if _PLAIN.fullmatch(line) and "=?" not in line:
        words = line.split(" ")
        if max(map(len, words)) < _WORD:
            return _folded(name, words)
    return _folded(name, _encoded_words(line))


def mailbox_field(name: str, display: str, email: str) -> bytes:
    """Return From, To or Reply-To; the domain in A-labels.

    A non-ASCII local part stands as raw UTF-8, which needs SMTPUTF8 (RFC 6532). Raises
    RenderingError for what is no address.
    """
    shown = one_line(display)[:_LONGEST_NAME].strip(" ")
    mailbox = _mailbox(email)
    words = [*_phrase(shown), f"<{mailbox}>"] if shown else [mailbox]
    return _folded(name, words)


def url_field(name: str, url: str) -> bytes:
    """Return a List-* field with one link, never encoded nor broken (RFC 2369 §2, RFC 8058 §3.1).

    Raises RenderingError for what is no http or https address in ASCII.
    """
    if not _URL.fullmatch(url) or len(url) > 900:
        raise RenderingError(f"{name} cannot hold {url[:200]!r}: it is no web address in ASCII.")
    return f"{name}: <{url}>\r\n".encode("ascii")


def unsubscribe_field(url: str, mailto: str = "") -> bytes:
    """Return List-Unsubscribe: the https link first, then the mail address (RFC 2369 §3.2).

    Raises RenderingError for what is no web address or no plain mailto link.
    """
    field = url_field("List-Unsubscribe", url)
    if not mailto:
        return field
    if not _MAILTO.fullmatch(mailto):
        raise RenderingError(f"List-Unsubscribe cannot hold {mailto[:200]!r}.")
    return field.removesuffix(CRLF) + f",\r\n <{mailto}>\r\n".encode("ascii")


def list_id_field(title: str, list_id: str) -> bytes:
    """Return List-Id (RFC 2919 §3): the name only if it is plain ASCII, never an encoded-word."""
    if not _LIST_ID.fullmatch(list_id) or len(list_id) > 255:
        raise RenderingError(f"{list_id!r} is no list id; it must look like name.domain.example.")
    shown = one_line(title)[:_LONGEST_NAME].strip(" ")
    plain = shown and _PLAIN.fullmatch(shown) and "=?" not in shown
    words = [_bare_or_quoted(shown)] if plain else []
    return _folded("List-Id", [*words, f"<{list_id}>"])


def one_click_fields(url: str, mailto: str = "") -> bytes:
    """Return both fields of RFC 8058 §3.1, or nothing without a link."""
    return unsubscribe_field(url, mailto) + ONE_CLICK if url else b""


@lru_cache(maxsize=8)  # a sender writes thousands within a second
def date_field(moment: datetime) -> bytes:
    """Return Date; raise RenderingError for a moment without a zone."""
    if moment.tzinfo is None:
        raise RenderingError(f"{moment} has no time zone; a mail's date needs one.")
    return f"Date: {format_datetime(moment)}\r\n".encode("ascii")


def message_id_field(message_id: str) -> bytes:
    """Return Message-ID; raise RenderingError for what is none (RFC 5322 §3.6.4)."""
    bare = message_id.removeprefix("<").removesuffix(">")
    if not _MESSAGE_ID.fullmatch(bare) or len(bare) > 900:
        raise RenderingError(f"{message_id[:200]!r} is no Message-ID; it must look like a@b.")
    return f"Message-ID: <{bare}>\r\n".encode("ascii")


def language_field(language: str) -> bytes:
    """Return Content-Language, or nothing for a text that is not a language tag (RFC 5646)."""
    return f"Content-Language: {language}\r\n".encode("ascii") if is_tag(language) else b""


def _hard_line(line: str) -> list[str]:
    encoded = _escaped(line)
    if encoded.endswith((" ", "\t")):  # white space may not end a line
        encoded = f"{encoded[:-1]}={ord(encoded[-1]):02X}"
    *soft, last = _cut(encoded) or [""]
    return [each + "=\r\n" for each in soft] + [last + "\r\n"]


def _escaped(text: str) -> str:
    return "".join([_QP[octet] for octet in text.encode("utf-8", "replace")])


def _cut(encoded: str) -> list[str]:
    """Cut escaped text into lines, never inside an escape."""
    lines, at = [], 0
    while at < len(encoded):
        end = at + _QP_LINE
        escape = encoded.rfind("=", end - 2, end) if end < len(encoded) else -1
        end = escape if escape >= 0 else end
        lines.append(_guarded(encoded[at:end]))
        at = end
    return lines


def _guarded(line: str) -> str:
    """Escape a first dot and a first `From `, which careless relays mangle (RFC 2049 §3)."""
    if line.startswith("."):
        return "=2E" + line[1:]
    if line.startswith("From "):
        return "=46" + line[1:]
    return line


def _folded(name: str, words: list[str]) -> bytes:
    """Join words with spaces, folding before the one that would pass the preferred length."""
    lines, line = [], f"{name}:"
    for word in words:
        if len(line) + 1 + len(word) > _PREFERRED and not line.endswith(":"):
            lines.append(line)
            line = ""
        line += " " + word
    return ("\r\n".join([*lines, line]) + "\r\n").encode()


def _phrase(shown: str) -> list[str]:
    if len(shown) < _WORD and _PLAIN.fullmatch(shown) and "=?" not in shown:
        return [_bare_or_quoted(shown)]
    return _encoded_words(shown)


def _bare_or_quoted(shown: str) -> str:
    if _PHRASE.fullmatch(shown):
        return shown
    return '"' + re.sub(r'(["\\])', r"\\\1", shown) + '"'


def _encoded_words(text: str) -> list[str]:
    """Return encoded-words (RFC 2047 §5), each made of whole characters."""
    octets = text.encode()
    if sum(_Q_COST[octet] for octet in octets) <= 4 / 3 * len(octets):  # base64's own growth
        return [f"=?utf-8?q?{_q(run)}?=" for run in _chunks(text, _Q_COST, _WORD - 12)]
    runs = _chunks(text, [1] * 256, (_WORD - 12) // 4 * 3)
    return [f"=?utf-8?b?{b64encode(run.encode()).decode()}?=" for run in runs]


def _chunks(text: str, cost: Sequence[float], room: float) -> Iterator[str]:
    """Yield runs of whole characters whose octets cost no more than `room`."""
    run, used = "", 0.0
    for character in text:
        price = sum(cost[octet] for octet in character.encode())
        if run and used + price > room:
            yield run
            run, used = "", 0.0
        run += character
        used += price
    yield run


def _q(text: str) -> str:
    return "".join([_Q[octet] for octet in text.encode()])


def _mailbox(email: str) -> str:
    if _ASCII_MAILBOX.fullmatch(email):
        return email
    try:
        found = addresses.envelope(email)
    except ValueError as cause:
        raise RenderingError(f"{email!r} is no address that mail could carry.") from cause
    if not _MAILBOX.fullmatch(found):
        raise RenderingError(f"{email!r} is no address that mail could carry.")
    return found
