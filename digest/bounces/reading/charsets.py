"""Octets of strangers as text, by the charset that a message names."""

import re
from encodings import normalize_encoding
from encodings.aliases import aliases

_LONGEST_NAME = 40  # characters
# Codecs of Python's own. "punycode" takes quadratic time, and a few are not from octets to text.
_NO_CHARSETS = {
    *("punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"),
    *("rot_13", "base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "uu_codec"),
    "zlib_codec",
}
_WITHOUT_ALIASES = {"koi8_u", "koi8_t", "cp874", "utf_8_sig"}
_CHARSETS = {*aliases, *aliases.values(), *_WITHOUT_ALIASES} - {
    name for name in {*aliases, *_NO_CHARSETS} if aliases.get(name, name) in _NO_CHARSETS
}
_OTHER_NAMES = {
    "windows_874": "cp874",
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
    "x_sjis": "shift_jis",
    "x_gbk": "gbk",
    "x_euc_jp": "euc_jp",
    "x_mac_roman": "mac_roman",
}
_PLAIN = {"utf_8", "us_ascii", "ascii"}
_JAPANESE = re.compile(rb"\x1b\$[@B]")
_SURROGATES = re.compile("[\ud800-\udfff]")


def text_of(octets: bytes, charset: str = "utf-8") -> str:
    """Return octets as text, without lone surrogates, which no database stores.

    Only charsets of mail are looked up: Python remembers each name that it does not know. Octets in
    any other are UTF-8 where they can be, else Latin-1. Japanese in seven bits (RFC 1468) says by
    itself that it is.
    """
    name = normalize_encoding(charset[:_LONGEST_NAME].lower())
    name = _OTHER_NAMES.get(name, name)
    if name in _PLAIN and _JAPANESE.search(octets):
        name = "iso2022_jp"
    if name not in _CHARSETS:
        try:
            return octets.decode()
        except UnicodeDecodeError:
            return octets.decode("latin-1")
    return _SURROGATES.sub("\ufffd", octets.decode(name, "replace"))
