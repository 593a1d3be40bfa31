"""Language tags, the languages that Digest has catalogs for, and the direction of writing.

Every text that Digest itself writes for subscribers (issues, notices, pages) comes from gettext. A
language is available once it has a folder in digest/locale and a name here.
"""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import translation

# Each under its own name. The source texts are English, so English needs no catalog.
NAMES = {
    "de": "Deutsch",
    "en": "English",
    "es": "Español",
    "fr": "Français",
    "it": "Italiano",
    "nl": "Nederlands",
    "pt": "Português",
    "ar": "العربية",
    "he": "עברית",
}
DEFAULT = "en"
TAG = r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*"  # RFC 5646 §2.1, without its registry
LONGEST_TAG = 35  # characters (RFC 5646 §4.4.1), and the width of the columns that store one
_TAG = re.compile(TAG)
_STRONG = {"L": "ltr", "R": "rtl", "AL": "rtl"}
_RIGHT_TO_LEFT = frozenset(
    {"ar", "arc", "ckb", "dv", "fa", "he", "iw", "ps", "sd", "ug", "ur", "yi"}
)


def is_tag(text: str) -> bool:
    """Return whether a text has the form of a language tag such as `en` or `pt-BR`."""
    return len(text) <= LONGEST_TAG and _TAG.fullmatch(text) is not None


def best_match(*tags: str) -> str:
    """Return the first available language of these tags (`he` for `he-IL`), or English."""
    for tag in tags:
        if primary(tag) in NAMES:
            return primary(tag)
    return DEFAULT


def direction(tag: str) -> str:
    """Return `rtl` for languages written from right to left, otherwise `ltr`."""
    return "rtl" if primary(tag) in _RIGHT_TO_LEFT else "ltr"


def text_direction(text: str, default: str = "ltr") -> str:
    """Return the direction in which a text is set, `rtl` or `ltr`; `default` without any letter.

    It is that of most of its letters (the strong characters of UAX #9 §3.2), so that a Hebrew
    headline that begins with a name in Latin letters is Hebrew; the first letter decides a tie.
    """
    kinds = [_STRONG[kind] for kind in map(unicodedata.bidirectional, text) if kind in _STRONG]
    if not kinds:
        return default
    balance = 2 * kinds.count("rtl") - len(kinds)
    if balance == 0:
        return kinds[0]
    return "rtl" if balance > 0 else "ltr"


def primary(tag: str) -> str:
    """Return the first subtag of a tag (RFC 5646 §2.1), Hebrew under its current code."""
    subtag = tag.replace("_", "-").partition("-")[0].lower()
    return "he" if subtag == "iw" else subtag


@contextmanager
def override(tag: str) -> Iterator[str]:
    """Make gettext answer in the best available language for a tag; yield that language."""
    language = best_match(tag)
    with translation.override(language):
        yield language
