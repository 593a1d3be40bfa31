"""From bytes to text, whatever the publisher declares.

Declarations are often wrong: servers add `charset=utf-8` to everything, templates keep the
`encoding="ISO-8859-1"` of a former life. What the bytes themselves prove comes first.
"""

import codecs
import re
from itertools import islice

import webencodings
from charset_normalizer import from_bytes

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
# A declaration that was read as ASCII is not in UTF-16; the others are not in Python, or not text.
_IGNORED = {"utf-16le", "utf-16be", "replacement", "x-user-defined"}
_ESCAPED = "iso2022_jp"  # ASCII bytes that mean more
_HEAD = 16_384  # bytes in which a declaration is looked for; some templates write it late
_LATIN_END = "\u024f"  # last letter of Latin Extended-B
_SAMPLE = 2000  # letters that are enough to tell a script


def decode(body: bytes, charset: str | None = None) -> str:
    """Return the text of a document; `charset` is what the HTTP header said. Never fails.

    A byte order mark decides. Then bytes above ASCII that are valid UTF-8 are UTF-8: in no other
    encoding does ordinary text happen to be. Then the document's own declaration, the header's,
    what the bytes look like, and windows-1252. UTF-8 with a few broken bytes stays UTF-8, with
    U+FFFD for those.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    declared = [name for name in (_declared(body), _codec(charset)) if name]
    return body.decode(_wide(body) or _encoding(body, declared), "replace")


def _encoding(body: bytes, declared: list[str]) -> str:
    if body.isascii():
        return _ESCAPED if _ESCAPED in declared else "ascii"
    if _is_utf8(body):
        return "utf-8"
    fitting = (name for name in declared if name != "utf-8" and _fits(body, name))
    return next(fitting, "") or _guess(body, declared)


def _guess(body: bytes, declared: list[str]) -> str:
    """Return the codec of bytes that are in none of the declared encodings.

    Statistics tell Cyrillic, Greek and East Asian encodings apart, but take one Latin encoding for
    another as often as not; windows-1252 is the likeliest of those.
    """
    if "utf-8" in declared and _mostly_utf8(body):
        return "utf-8"
    guess = from_bytes(body).best()
    return guess.encoding if guess and not _is_latin(str(guess)) else "windows-1252"


def _is_latin(text: str) -> bool:
    """Say whether most letters beyond ASCII are Latin ones."""
    letters = list(islice((c for c in text if c > "\x7f" and c.isalpha()), _SAMPLE))
    return sum(c <= _LATIN_END for c in letters) * 2 >= len(letters)


def _wide(body: bytes) -> str:
    """Tell UTF-16 without a byte order mark by the zeros beside the first `<` or `{`."""
    head = body.lstrip(b" \t\r\n")[:4]
    if len(head) == 4 and head[1] == 0 == head[3] and head[0] and head[2]:
        return "utf-16-le"
    if len(head) == 4 and head[0] == 0 == head[2] and head[1] and head[3]:
        return "utf-16-be"
    return ""


def _declared(body: bytes) -> str:
    match = _DECLARED.search(body, 0, _HEAD)
    return _codec((match[1] or match[2]).decode("ascii")) if match else ""


def _codec(label: str | None) -> str:
    """Return Python's codec for a declared encoding as browsers read it, or "" for none of theirs.

    By the WHATWG Encoding Standard §4.2 ISO-8859-1 means windows-1252, and GB2312 means GB18030.
    What is not a character set (zip, rot13, base64) has no label there.
    """
    encoding = webencodings.lookup(label or "")
    if encoding is None or encoding.name in _IGNORED:
        return ""
    return "gb18030" if encoding.name == "gbk" else encoding.codec_info.name


def _is_utf8(body: bytes) -> bool:
    """Say whether the bytes are valid UTF-8; a character cut off at the very end is forgiven."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(body)
    except UnicodeDecodeError:
        return False
    return True


def _fits(body: bytes, name: str) -> bool:
    """Say whether the bytes are text in that encoding, but for stray errors."""
    return body.decode(name, "replace").count("\ufffd") <= len(body) // 200


def _mostly_utf8(body: bytes) -> bool:
    text = body.decode("utf-8", "replace")
    whole = sum(1 for c in text if c > "\x7f" and c != "\ufffd")
    return whole > text.count("\ufffd")
