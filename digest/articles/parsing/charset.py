"""Decodes documents, whatever encoding they declare.

Declarations are often wrong: servers add `charset=utf-8` to everything, and old templates still say
`encoding="ISO-8859-1"`. What the bytes themselves prove comes first.
"""

import codecs
import re
import zlib
from contextlib import suppress
from itertools import islice

import webencodings
from charset_normalizer import from_bytes

MAX_INFLATED = 5_000_000  # bytes, as of what is fetched
_GZIP = b"\x1f\x8b\x08"
_SURROGATES = re.compile(rb"(?:\xed[\xa0-\xbf][\x80-\xbf])+")
_CHUNK = 4096  # bytes; a fault loses no more than what this inflates to

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(
    rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]+)|<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]+)""",
    re.IGNORECASE,
)
# A declaration that could be read as ASCII is not UTF-16; Python has no codecs for the others.
_IGNORED = {"utf-16le", "utf-16be", "replacement", "x-user-defined"}
_ESCAPED = "iso2022_jp"  # its escape sequences are ASCII bytes
_HEAD = 65_536  # bytes that are searched for a declaration; some templates write it late
_LATIN_END = "\u024f"  # last letter of Latin Extended-B
_SAMPLE = 2000  # letters that are enough to recognise a script


def decode(body: bytes, charset: str | None = None) -> str:
    """Return the text of a document; `charset` is the one in the HTTP header. Never fails.

    A document that a server hands out as a gzip file, without saying so, is inflated first.

    In this order: a byte order mark; UTF-8 if the bytes are valid UTF-8 beyond ASCII, which text in
    another encoding never is; the encoding that the document declares; the one in the
    header; the one that the bytes look like; windows-1252. In a document that declares UTF-8, a few
    broken bytes become U+FFFD.
    """
    body = _mend_surrogates(_inflate(body))
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    declared = [name for name in (_declared(body), _codec(charset)) if name]
    return body.decode(_wide(body) or _encoding(body, declared), "replace")


def _inflate(body: bytes) -> bytes:
    """Return a gzip file inflated, at most MAX_INFLATED bytes of it; other bytes as they are."""
    if not body.startswith(_GZIP):
        return body
    inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
    whole = bytearray()
    with suppress(zlib.error):  # what came before the fault is read
        for start in range(0, len(body), _CHUNK):
            whole += inflater.decompress(body[start : start + _CHUNK], MAX_INFLATED)
            if len(whole) >= MAX_INFLATED or inflater.eof:
                break
    return bytes(whole[:MAX_INFLATED])


def _mend_surrogates(body: bytes) -> bytes:
    """Return UTF-8 in which an emoji's surrogates were each encoded as UTF-8 really is (CESU-8)."""
    mended = _SURROGATES.sub(
        lambda match: (
            match[0].decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass")
            .decode("utf-16", "ignore").encode()
        ),
        body,
    )  # fmt: skip
    return mended if mended != body and _is_utf8(mended) else body


def _encoding(body: bytes, declared: list[str]) -> str:
    if body.isascii():
        return _ESCAPED if _ESCAPED in declared else "ascii"
    if _is_utf8(body):
        return "utf-8"
    if _nearly_utf8(body):
        return "utf-8"
    fitting = (name for name in declared if name != "utf-8" and _fits(body, name))
    return next(fitting, "") or _guess(body, declared)


def _guess(body: bytes, declared: list[str]) -> str:
    """Return the codec of bytes that are in none of the declared encodings.

    Statistics recognise Cyrillic and East Asian encodings, but often mistake one Latin encoding for
    another. Of the Latin encodings windows-1252 is the most likely.
    """
    if ("utf-8" in declared or not declared) and _mostly_utf8(body):
        return "utf-8"
    guess = from_bytes(body).best()
    return guess.encoding if guess and not _is_latin(str(guess)) else "windows-1252"


def _is_latin(text: str) -> bool:
    """Return whether most letters beyond ASCII are Latin."""
    letters = list(islice((c for c in text if c > "\x7f" and c.isalpha()), _SAMPLE))
    return sum(c <= _LATIN_END for c in letters) * 2 >= len(letters)


def _wide(body: bytes) -> str:
    """Recognise UTF-16 and UTF-32 without a byte order mark by the zero bytes beside `<` or `{`."""
    head = body.lstrip(b" \t\r\n")[:4]
    if body[:3] == b"\0\0\0" and body[3:4] in {b"<", b"{"}:
        return "utf-32-be"
    if head[1:] == b"\0\0\0":
        return "utf-32-le"
    if len(head) == 4 and head[1] == 0 == head[3] and head[0] and head[2]:
        return "utf-16-le"
    if len(head) == 4 and head[0] == 0 == head[2] and head[1] and head[3]:
        return "utf-16-be"
    return ""


def _declared(body: bytes) -> str:
    match = _DECLARED.search(body, 0, _HEAD)
    return _codec((match[1] or match[2]).decode("ascii")) if match else ""


def _codec(label: str | None) -> str:
    """Return Python's codec for a label of the WHATWG Encoding Standard (§4.2), or "".

    As in browsers, ISO-8859-1 means windows-1252 and GB2312 means GB18030. Python's codecs that are
    not encodings of text (zip, rot13, base64) have no label.
    """
    encoding = webencodings.lookup(label or "")
    if encoding is None or encoding.name in _IGNORED:
        return ""
    return "gb18030" if encoding.name == "gbk" else encoding.codec_info.name


def _is_utf8(body: bytes) -> bool:
    """Return whether the bytes are valid UTF-8, except for a character cut off at the end."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(body)
    except UnicodeDecodeError:
        return False
    return True


def _fits(body: bytes, name: str) -> bool:
    """Return whether the bytes decode in that encoding with at most 0.5 % errors."""
    return body.decode(name, "replace").count("\ufffd") <= len(body) // 200


def _mostly_utf8(body: bytes) -> bool:
    valid, broken = _count_utf8(body)
    return valid > 0 and valid >= broken


def _nearly_utf8(body: bytes) -> bool:
    """Return whether a broken byte is the exception: whatever is declared, this is UTF-8."""
    valid, broken = _count_utf8(body)
    return valid >= 20 * broken


def _count_utf8(body: bytes) -> tuple[int, int]:
    """Return how many characters beyond ASCII are valid UTF-8, and how many bytes are not."""
    text = body.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    beyond = len(text) - len(text.encode("ascii", "ignore"))
    return beyond - broken, broken
