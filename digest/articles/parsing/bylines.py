"""Reads who wrote an article: a name, or nothing. An address or a placeholder is not a name."""

import html
import re
from collections.abc import Iterable

from digest.articles.plain_text import text
from digest.core.text import one_line

_LONGEST = 1000  # characters of an author element that are read
_ADDRESS = re.compile(
    r"(?:mailto:)?[^\s@<>()\[\],;:\"]{1,64}@[^\s@<>()\[\],;:\"]{1,255}"
    r"|\[email[\s\xa0]protected\]"  # what a content network writes in place of an address
    r"|[\w.+-]{1,64}\s?[\[(]\s?at\s?[\])]\s?[\w.-]{1,100}(?:\s?[\[(]\s?dot\s?[\])]\s?\w{1,20})*",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?:(?<=\s)|\A)[(\[]?@\w{1,50}[)\]]?(?!\w)")
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_AROUND = ' \t\r\n;|/-–—:<>"“”„«»\u200b\u200c\u200d\u200e\u200f\u2060'  # noqa: RUF001  marks that writers use
_BRACKETED = re.compile(r"[(\[<]\s*[)\]>]")
_INTRODUCTION = re.compile(
    r"\A(?:(?:words|written|posted|reported|reporting|story|text|report|article)?\s*by\s*:?"
    r"|authors?\s*:|autor(?:a|en)?\s*:|auteurs?\s*:|text\s*:|par|por|door|przez|av|von(?=\s+(?!der\b|dem\b|den\b|und\b|zu\b)\S+\s))\s+(?=\S)",
    re.IGNORECASE,
)
_NOT_A_NAME = re.compile(
    r"\W*(?:by|un-?known(?:\s+author)?|author\s+unknown|no\s+author|admin(?:istrator)?s?|super\s?(?:user|admin)"
    r"|site\s?admin|web\s?admin|root|user\s?\d*|guest|default|wordpress|no-?\s?reply|do-?\s?not-?\s?reply"
    r"|(?:web|post|host)master|nobody|none|null|nil|undefined|n/?a|tba|tbd|not\s+set|anonymous|info|test)\W*"
    r"|unbekannt(?:er\s+autor)?|inconnu|desconocid[oa]|sconosciuto|desconhecido|onbekend|nieznany",
    re.IGNORECASE,
)


def read_byline(authors: Iterable[str]) -> str:
    """Return the names among what a document gives as authors, each once, in order."""
    names = (clean_byline(author) for author in authors)
    return ", ".join(dict.fromkeys(name for name in names if name))


def clean_byline(markup: str) -> str:
    """Return the name in a byline, HTML or text, or "" if it holds none.

    Without addresses, handles, links and the "By" that templates add themselves. In RSS 2.0 the
    name stands in brackets behind the address.
    """
    plain = html.unescape(markup[:_LONGEST])
    plain = _LINK.sub(" ", _ADDRESS.sub(" ", plain))
    name = _without_brackets(one_line(text(_BRACKETED.sub(" ", plain))))
    name = _INTRODUCTION.sub("", _HANDLE.sub(" ", name).strip())
    names = (_without_brackets(part) for part in name.split(","))
    return ", ".join(part for part in names if _is_name(part))


def _is_name(name: str) -> bool:
    return any(c.isalpha() for c in name) and not _NOT_A_NAME.fullmatch(name)


def _without_brackets(name: str) -> str:
    """Return a name without empty, enclosing and unmatched brackets, and loose marks around it."""
    name = _BRACKETED.sub(" ", name).strip(_AROUND)
    if name.startswith("(") and _matching(name) in {len(name) - 1, -1}:
        return _without_brackets(name[1:].removesuffix(")") if _matching(name) > 0 else name[1:])
    if name.count("(") > name.count(")"):
        return name.rpartition("(")[0].strip()
    return name


def _matching(name: str) -> int:
    """Return the place of the bracket that closes the first character, or -1."""
    depth = 0
    for place, character in enumerate(name):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return place
    return -1
