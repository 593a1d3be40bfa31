"""The languages that Digest itself speaks, in pages and notices, and how writing runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import translation

# Each under its own name; the catalogs are in digest/locale.
NAMES = {"en": "English", "es": "Español", "he": "עברית"}
DEFAULT = "en"
_RIGHT_TO_LEFT = frozenset(
    {"ar", "arc", "ckb", "dv", "fa", "he", "iw", "ps", "sd", "ug", "ur", "yi"}
)


def ours(*wishes: str) -> str:
    """Return the first of the wished-for language tags that we speak (`he` for `he-IL`)."""
    for wish in wishes:
        if primary(wish) in NAMES:
            return primary(wish)
    return DEFAULT


def direction(language: str) -> str:
    """Return `rtl` for languages written from right to left, otherwise `ltr`."""
    return "rtl" if primary(language) in _RIGHT_TO_LEFT else "ltr"


def primary(language: str) -> str:
    """Return the first subtag of a tag (RFC 5646 §2.1), Hebrew under its present code."""
    found = language.replace("_", "-").partition("-")[0].lower()
    return "he" if found == "iw" else found


@contextmanager
def spoken(language: str) -> Iterator[str]:
    """Let gettext answer in a language that we have; give its tag."""
    tag = ours(language)
    with translation.override(tag):
        yield tag
