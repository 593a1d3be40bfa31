"""The bytes of a mail: pieces of quoted-printable, and folded header fields.

Python's header folding encodes fields that must stay plain (List-Unsubscribe, cpython#85725), so
every field is composed here. No value can start a line of its own: text goes through `one_line` or
an encoded-word, and addresses, links and ids are checked against a strict pattern.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

from digest.core import addresses
from digest.core.languages import is_tag
from digest.core.text import one_line
from digest.rendering.errors import RenderingError

CRLF = b"\r\n"
ONE_CLICK = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"  # verbatim, RFC 8058 §3.1
_PREFERRED = 78  # RFC 5322 §2.1.1, without CRLF
_TOKEN = 64  # octets, so that an encoded-word fits on one line with any field name of ours
_LONGEST_NAME = 200

# A line of 73 leaves room for the soft break and for `_escape_start`, within 76 (RFC 2045 §6.7).
_QP_LINE = 73
_QP_PLAIN = re.compile(r"[!-<>-~]+")  # needs no escape
_QP = [
    chr(octet) if 33 <= octet <= 126 and octet != 61 else f"={octet:02X}" for octet in range(256)
]
_QP[9], _QP[32] = "\t", " "
# RFC 2047 §5 (3): the strictest alphabet, allowed in a phrase too.
_Q = [chr(o) if re.match(rb"[A-Za-z0-9!*+/-]", bytes([o])) else f"={o:02X}" for o in range(256)]
_Q[32] = "_"
_Q_COST = [len(code) for code in _Q]

_PLAIN = re.compile(r"[\x20-\x7e]*")
_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")  # atoms, RFC 5322 §3.2.3
_ASCII_MAILBOX = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
_MAILBOX = re.compile(r"[^\s\x00-\x20\x7f-\x9f()<>@,;:\\\"\[\]\u2028\u2029]+@[A-Za-z0-9.-]+")
_MESSAGE_ID = re.compile(r"[\x21-\x3b=?A-Z\[\]^-~]+@[\x21-\x3b=?A-Z\[\]^-~]+")
_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_MAILTO = re.compile(r"mailto:[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,253}(\?subject=[A-Za-z]+)?")
_LIST_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)+")


def is_smtp_safe(octets: bytes) -> bool:
    """Return whether all lines end in CRLF and none starts with a dot, as SMTP requires."""
    line_ends = octets.count(CRLF)
    return (
        octets.count(b"\n") == line_ends == octets.count(b"\r")
        and b"\r\n." not in octets
        and not octets.startswith(b".")
    )


def quoted(text: str) -> bytes:
    r"""Return text as a piece of quoted-printable (RFC 2045 §6.7) in UTF-8.

    Pieces can be concatenated: each starts at the beginning of a line and ends with a line break, a
    soft one if the text does not end with one. `\n` becomes CRLF.
    """
    if _QP_PLAIN.fullmatch(text):  # links and most addresses
        if len(text) <= _QP_LINE:
            return f"{_escape_start(text)}=\r\n".encode("ascii")
        pieces = [_escape_start(text[at : at + _QP_LINE]) for at in range(0, len(text), _QP_LINE)]
        return ("=\r\n".join(pieces) + "=\r\n").encode("ascii")
    *lines, rest = text.split("\n")
    encoded = [piece for line in lines for piece in _hard_line(line)]
    encoded += [piece + "=\r\n" for piece in _cut(_escape(rest))]
    return "".join(encoded).encode("ascii")


def text_field(name: str, value: str) -> bytes:
    """Return an unstructured field such as Subject; an encoded-word in the text stays text."""
    line = one_line(value)
    if _PLAIN.fullmatch(line) and "=?" not in line:
        tokens = line.split(" ")
        if max(map(len, tokens)) < _TOKEN:
            return _fold(name, tokens)
    return _fold(name, _encoded_words(line))


def mailbox_field(name: str, display: str, email: str) -> bytes:
    """Return From, To or Reply-To; the domain in A-labels.

    A non-ASCII local part is raw UTF-8, which needs SMTPUTF8 (RFC 6532). Raises RenderingError for
    an invalid address.
    """
    display_name = one_line(display)[:_LONGEST_NAME].strip(" ")
    mailbox = _mailbox(email)
    tokens = [*_phrase(display_name), f"<{mailbox}>"] if display_name else [mailbox]
    return _fold(name, tokens)


def url_field(name: str, url: str) -> bytes:
    """Return a List-* field with one link, never encoded nor broken (RFC 2369 §2, RFC 8058 §3.1).

    Raises RenderingError for anything but an http or https URL in ASCII.
    """
    if not _URL.fullmatch(url) or len(url) > 900:
        raise RenderingError(
            f"{name} cannot contain {url[:200]!r}: it is not a web address in ASCII."
        )
    return f"{name}: <{url}>\r\n".encode("ascii")


def unsubscribe_field(url: str, mailto: str = "") -> bytes:
    """Return List-Unsubscribe: the https link first, then the mail address (RFC 2369 §3.2).

    Raises RenderingError for an invalid web address or mailto link.
    """
    field = url_field("List-Unsubscribe", url)
    if not mailto:
        return field
    if not _MAILTO.fullmatch(mailto):
        raise RenderingError(
            f"List-Unsubscribe cannot contain {mailto[:200]!r}: it is not a plain mailto link."
        )
    return field.removesuffix(CRLF) + f",\r\n <{mailto}>\r\n".encode("ascii")


def list_id_field(title: str, list_id: str) -> bytes:
    """Return List-Id (RFC 2919 §3): the name only if it is plain ASCII, never an encoded-word."""
    if not _LIST_ID.fullmatch(list_id) or len(list_id) > 255:
        raise RenderingError(f"{list_id!r} is not a list id. Use one such as name.domain.example.")
    name = one_line(title)[:_LONGEST_NAME].strip(" ")
    is_plain = name and _PLAIN.fullmatch(name) and "=?" not in name
    tokens = _foldable(name) if is_plain else []
    return _fold("List-Id", [*tokens, f"<{list_id}>"])


def one_click_fields(url: str, mailto: str = "") -> bytes:
    """Return both fields of RFC 8058 §3.1, or nothing without a link."""
    return unsubscribe_field(url, mailto) + ONE_CLICK if url else b""


@lru_cache(maxsize=8)  # a sender composes thousands within a second
def date_field(moment: datetime) -> bytes:
    """Return Date; raise RenderingError for a moment without a zone."""
    if moment.tzinfo is None:
        raise RenderingError(f"{moment} has no time zone. The date of a mail needs one.")
    return f"Date: {format_datetime(moment)}\r\n".encode("ascii")


def message_id_field(message_id: str) -> bytes:
    """Return Message-ID (RFC 5322 §3.6.4); raise RenderingError for an invalid one."""
    bare = message_id.removeprefix("<").removesuffix(">")
    if not _MESSAGE_ID.fullmatch(bare) or len(bare) > 900:
        raise RenderingError(f"{message_id[:200]!r} is not a Message-ID. It must look like a@b.")
    return f"Message-ID: <{bare}>\r\n".encode("ascii")


def feedback_id_field(newsletter: str, publication: str) -> bytes:
    """Return Feedback-ID: `a:b:c:SenderId`, which Gmail's reports of complaints are grouped by.

    No value may stand in two fields, hence the prefixes; SenderId has 5 to 15 characters
    (support.google.com/mail/answer/6254652). Characters beside letters, digits and `-` are dropped.
    """
    names = [re.sub(r"[^A-Za-z0-9-]", "", name)[:50] for name in (newsletter, publication)]
    return f"Feedback-ID: n-{names[0]}:p-{names[1]}:issue:digest\r\n".encode("ascii")


def language_field(language: str) -> bytes:
    """Return Content-Language, or nothing for a text that is not a language tag (RFC 5646)."""
    return f"Content-Language: {language}\r\n".encode("ascii") if is_tag(language) else b""


def _hard_line(line: str) -> list[str]:
    encoded = _escape(line)
    if encoded.endswith((" ", "\t")):  # a line must not end with white space
        encoded = f"{encoded[:-1]}={ord(encoded[-1]):02X}"
    *soft, last = _cut(encoded) or [""]
    return [piece + "=\r\n" for piece in soft] + [last + "\r\n"]


def _escape(text: str) -> str:
    return "".join([_QP[octet] for octet in text.encode("utf-8", "replace")])


def _cut(encoded: str) -> list[str]:
    """Cut escaped text into lines, never inside an escape."""
    lines, start = [], 0
    while start < len(encoded):
        end = start + _QP_LINE
        escape = encoded.rfind("=", end - 2, end) if end < len(encoded) else -1
        end = escape if escape >= 0 else end
        lines.append(_escape_start(encoded[start:end]))
        start = end
    return lines


def _escape_start(line: str) -> str:
    """Escape a first dot and a first `From `, which careless relays mangle (RFC 2049 §3)."""
    if line.startswith("."):
        return "=2E" + line[1:]
    if line.startswith("From "):
        return "=46" + line[1:]
    return line


def _fold(name: str, tokens: list[str]) -> bytes:
    """Join tokens with spaces, folding before one that would exceed the preferred length."""
    lines, line = [], f"{name}:"
    for token in tokens:
        if len(line) + 1 + len(token) > _PREFERRED and not line.endswith(":"):
            lines.append(line)
            line = ""
        line += " " + token
    return ("\r\n".join([*lines, line]) + "\r\n").encode()


def _phrase(name: str) -> list[str]:
    tokens = _foldable(name)
    if _PLAIN.fullmatch(name) and "=?" not in name and max(map(len, tokens)) < _TOKEN:
        return tokens
    return _encoded_words(name)


def _foldable(name: str) -> list[str]:
    """Return a name in ASCII as tokens, bare or in quotes; both may be folded at a space.

    At two spaces a line could end in white space, so such a name is a single token.
    """
    is_bare = _PHRASE.fullmatch(name)
    text = name if is_bare else '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return [text] if "  " in text else text.split(" ")


def _encoded_words(text: str) -> list[str]:
    """Return encoded-words (RFC 2047 §5), each made of whole characters."""
    octets = text.encode()
    if sum(_Q_COST[octet] for octet in octets) <= 4 / 3 * len(octets):  # base64's own growth
        return [f"=?utf-8?q?{_q(run)}?=" for run in _chunks(text, _Q_COST, _TOKEN - 12)]
    runs = _chunks(text, [1] * 256, (_TOKEN - 12) // 4 * 3)
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
        mailbox = addresses.envelope(email)
    except ValueError as cause:
        raise RenderingError(f"{email!r} is not a valid email address.") from cause
    if not _MAILBOX.fullmatch(mailbox):
        raise RenderingError(f"{email!r} is not a valid email address.")
    return mailbox
