"""From bytes to text, whatever the publisher declares.

Declarations are often wrong: servers add `charset=utf-8` to everything, templates keep the
`encoding="ISO-8859-1"` of a former life. What the bytes themselves prove comes first.
"""

import codecs
import re

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
# As browsers read them (WHATWG Encoding Standard §4.2): the narrower name means the wider set.
_WIDER = {
    "ascii": "windows-1252",
    "us-ascii": "windows-1252",
    "iso-8859-1": "windows-1252",
    "iso8859-1": "windows-1252",
    "latin1": "windows-1252",
    "latin-1": "windows-1252",
    "iso-8859-9": "windows-1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
}
# Not for a declaration written in ASCII, or not for text from strangers.
_NEVER = ("utf-16", "utf-32", "utf-7", "idna", "punycode", "unicode-escape", "raw-unicode-escape")
_ESCAPED = {"iso2022-jp", "iso2022-kr", "hz"}  # ASCII bytes that mean more
_HEAD = 2048


def decode(body: bytes, charset: str | None = None) -> str:
    """Return the text of a document; `charset` is what the HTTP header said. Never fails.

    A byte order mark decides. Then bytes above ASCII that are valid UTF-8 are UTF-8: in no other
    encoding does ordinary text happen to be. Then the document's own declaration, the header's,
    and windows-1252. UTF-8 with a few broken bytes stays UTF-8, with U+FFFD for those.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    declared = [name for name in (_declared(body), _known(charset)) if name]
    return body.decode(_wide(body) or _encoding(body, declared), "replace")


def _encoding(body: bytes, declared: list[str]) -> str:
    if body.isascii():
        return next((name for name in declared if name in _ESCAPED), "ascii")
    if _is_utf8(body):
        return "utf-8"
    fitting = (name for name in declared if name != "utf-8" and _fits(body, name))
    damaged = "utf-8" if "utf-8" in declared and _mostly_utf8(body) else "windows-1252"
    return next(fitting, damaged)


def _wide(body: bytes) -> str:
    """Tell UTF-16 without a byte order mark by the zeros beside the first `<` or `{`."""
    head = body.lstrip(b" \t\r\n")[:4]
    if len(head) == 4 and head[1] == 0 == head[3] and head[0] and head[2]:
        return "utf-16-le"
    if len(head) == 4 and head[0] == 0 == head[2] and head[1] and head[3]:
        return "utf-16-be"
    return ""


def _declared(body: bytes) -> str:
    found = _DECLARED.search(body, 0, _HEAD)
    return _known((found[1] or found[2]).decode("ascii")) if found else ""


def _known(name: str | None) -> str:
    """Return the codec that a declared name stands for, or "" if Python has none for text."""
    wider = _WIDER.get((name or "").lower(), name or "")
    try:
        b"".decode(wider)  # LookupError also for codecs that are no character sets, like zip
        plain = codecs.lookup(wider).name.replace("_", "-")
    except (LookupError, ValueError):
        return ""
    return "" if plain.startswith(_NEVER) else plain


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
