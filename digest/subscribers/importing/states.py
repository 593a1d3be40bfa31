"""What a list says about whether a person may be mailed: words, yes or no, dates. Pure.

Every system writes this in words of its own and in the language of its user. In a column of states
only a word that is known to mean "active" lets a row in, so a word that nobody foresaw lets in
nobody; the words for the other states only name the reason.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from digest.subscribers.importing import terms
from digest.subscribers.importing.causes import STATES, Cause


class Reading(StrEnum):
    """How a column says whether a person may be mailed."""

    STATE = "state"  # a word: subscribed, unsubscribed, bounced ...
    ALLOWED = "allowed"  # no, or nothing: must not be mailed
    STOPPED = "stopped"  # yes, a date or a reason: must not be mailed
    OTHER = "other"  # about something else; only unmistakable words count


class Verdict(NamedTuple):
    """Why a person must not be mailed, and the cell that says so."""

    cause: Cause
    cell: str


def plain(text: str) -> str:
    """Return a word as it is compared: no case, accents, quotation marks or separators."""
    text = "".join(
        " " if character in _SEPARATORS else character
        for character in unicodedata.normalize("NFKD", text).casefold()
        if unicodedata.category(character) not in {"Mn", "Cf"}
    )
    return " ".join(text.split())


_SEPARATORS = frozenset("_-.\"'`\u00b4\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb\u2013\u2014\0")

# What systems write where there is no date: zeros, and the first moment that they can write.
_EMPTY_DATE = re.compile(
    r"(0{2,4}[-/.]0{1,2}[-/.]0{2,4}|0001-01-01|1900-01-0[01]|1970-01-01)([ t]00:00.*)?"
)
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?!\d).*|\d{10,13}|.*\b(19|20)\d\d\b.*")


def _terms(text: str) -> frozenset[str]:
    return frozenset(plain(part) for part in text.split(";")) - {""}


ACTIVE = _terms(terms.ACTIVE)
CAUSES: Mapping[str, Cause] = {
    term: cause for cause in reversed(terms.TERMS) for term in _terms(terms.TERMS[cause])
}
# They make a column one of states wherever they stand, and mean it in any other column too.
UNMISTAKABLE = frozenset(
    term
    for term, cause in CAUSES.items()
    if cause in {Cause.UNSUBSCRIBED, Cause.BOUNCED, Cause.COMPLAINED, Cause.UNCONFIRMED}
) - _terms(terms.AMBIGUOUS) | _terms("blocklisted; blacklisted; email disabled; suppressed")
_MATCHES = {cause: re.compile(parts) for cause, parts in terms.PARTS.items()}


def says_state(cell: str) -> bool:
    """Return whether a cell is a term for a state of subscription, other than a plan's name."""
    term = plain(cell)
    return (term in ACTIVE and term not in terms.PLANS) or term in CAUSES


def is_yes_or_no(cell: str) -> bool:
    """Return whether a cell says yes or no, in some language."""
    return _lowered(cell) in terms.YES or _lowered(cell) in terms.NO


def judge(reading: Reading, cell: str, otherwise: Cause) -> Verdict | None:
    """Return why the person in a row must not be mailed, as one cell says it; None if they may.

    `otherwise` is the cause where the cell only says yes or no, or gives a date: what the column's
    heading is about.
    """
    cause = _JUDGES[reading](cell, otherwise)
    return Verdict(cause, cell) if cause else None


def worst(verdicts: list[Verdict]) -> Verdict:
    """Return the gravest of several verdicts on one row."""
    return max(verdicts, key=lambda verdict: STATES.index(verdict.cause))


@lru_cache(maxsize=4096)
def _judge_state(cell: str, _otherwise: Cause) -> Cause | None:
    term = plain(cell)
    if term in ACTIVE:
        return None
    parts = [plain(part) for part in re.split(r"[,;/|+&]", cell)]
    if all(part in ACTIVE for part in parts if part) and any(parts):
        return None
    return named_cause(cell) or Cause.UNKNOWN


@lru_cache(maxsize=4096)
def _judge_allowed(cell: str, otherwise: Cause) -> Cause | None:
    text = _lowered(cell)
    if text in terms.NO or not text or _EMPTY_DATE.fullmatch(text):
        return otherwise
    if text in terms.YES or plain(cell) in ACTIVE:
        return None
    if cause := named_cause(cell):
        return cause
    return None if _DATE.fullmatch(text) else Cause.UNKNOWN


@lru_cache(maxsize=4096)
def _judge_stopped(cell: str, otherwise: Cause) -> Cause | None:
    text = _lowered(cell)
    if not plain(cell) or text in terms.NO or _EMPTY_DATE.fullmatch(text):
        return None
    if plain(cell) in ACTIVE or text.startswith(("http:", "https:")):
        return None
    named = named_cause(cell)
    return named if named and STATES.index(named) > STATES.index(otherwise) else otherwise


def _judge_other(cell: str, _otherwise: Cause) -> Cause | None:
    """Judge quickly: lists of a million rows have many such cells, and hardly any says a state."""
    if not cell or len(cell) > _LONGEST_WORD or cell[0].isdigit():
        return None
    term = cell.lower() if cell.isascii() and cell.isalpha() else _plain(cell)
    return CAUSES[term] if term in UNMISTAKABLE else None


def named_cause(text: str) -> Cause | None:
    """Return the cause that a text names, as a whole or in a part of it."""
    term = plain(text)
    if cause := CAUSES.get(term) or CAUSES.get(term.replace(" ", "")):
        return cause
    return next((cause for cause, parts in _MATCHES.items() if parts.search(term)), None)


def _lowered(cell: str) -> str:
    return cell.strip(" \t\r\n\"'\u00a0").lower()


_LONGEST_WORD = 30
_plain = lru_cache(maxsize=4096)(plain)
_JUDGES: Mapping[Reading, Callable[[str, Cause], Cause | None]] = {
    Reading.STATE: _judge_state,
    Reading.ALLOWED: _judge_allowed,
    Reading.STOPPED: _judge_stopped,
    Reading.OTHER: _judge_other,
}
