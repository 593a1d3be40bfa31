"""What the columns of a list are about, from their headings and the first cells below. Pure."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from digest.subscribers.importing import terms
from digest.subscribers.importing.causes import Cause
from digest.subscribers.importing.states import (
    UNMISTAKABLE,
    Reading,
    is_yes_or_no,
    named_cause,
    plain,
    says_state,
)


class Meaning(StrEnum):
    """What a column is about."""

    EMAIL = "email"
    NAME = "name"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    TAGS = "tags"  # a meaning may also be "attribute." with an attribute's key
    STATE = Reading.STATE.value
    ALLOWED = Reading.ALLOWED.value
    STOPPED = Reading.STOPPED.value
    OTHER = Reading.OTHER.value
    IGNORED = "ignored"  # not even unmistakable words count


PERSON = (Meaning.EMAIL, Meaning.NAME, Meaning.FIRST_NAME, Meaning.LAST_NAME)

# Of subscribers, where the cells say so; of their plans otherwise.
_TYPES = frozenset({"type", "subscriber type", "member type", "contact type"})
_POSTAL = frozenset({"state", "estado", "stato", "etat", "staat"})
_CAUSES = {
    Cause.UNCONFIRMED: re.compile(r"confirm|verif|opt ?in|bestatigt|conferm|bevestigd"),
    Cause.INACTIVE: re.compile(r"activ|aktiv|enabled|actif|attiv|actief|ativo"),
    Cause.NO_CONSENT: re.compile(
        r"accept|consent|permission|marketing|erlaubnis|einwillig|zustimm|acepta|accetta|gdpr|dsgvo"
    ),
}


_MOST = 0.8  # of the cells: the rest are states that nobody foresaw


def meanings_of(header: Sequence[str], body: Sequence[Sequence[str]], width: int) -> list[Meaning]:
    """Return what each column is about; of those with a person's data each comes once at most.

    Several columns may be about addresses: the one with the most of them counts (`layout`).
    """
    headings = [_spaced(header[index]) if index < len(header) else "" for index in range(width)]
    samples = [_cells(body, index) for index in range(width)]
    is_postal = any(_PLACES.search(heading) for heading in headings)
    return [
        _meaning(heading, cells, is_postal=is_postal)
        for heading, cells in zip(headings, samples, strict=True)
    ]


def cause_of(heading: str, meaning: Meaning) -> Cause:
    """Return what a yes (in a STOPPED column) or a no (in an ALLOWED one) means."""
    text = _spaced(heading)
    if meaning is Meaning.STOPPED:
        return named_cause(text) or Cause.UNSUBSCRIBED
    causes = (cause for cause, pattern in _CAUSES.items() if pattern.search(text))
    return next(causes, Cause.UNSUBSCRIBED)


def _meaning(heading: str, cells: list[str], *, is_postal: bool) -> Meaning:
    if person := _FIELDS.get(heading.replace(" ", "")):
        return person
    if _NOT_ABOUT_MAIL.search(heading):
        return Meaning.IGNORED
    states = [cell for cell in cells if says_state(cell)]
    answers = bool(cells) and all(is_yes_or_no(cell) for cell in cells)
    is_stop = bool(_STOP_HEADINGS.search(heading)) and not _NOT_AN_ANSWER.search(heading)
    if _is_about_state(heading, cells, states, is_postal=is_postal):
        # A yes below "Email status" is an answer, not a state; one below "Opt-out status" a no.
        if is_stop and not states:
            return Meaning.STOPPED
        return Meaning.ALLOWED if answers else Meaning.STATE
    return Meaning.STOPPED if is_stop else _answer(heading, cells, states, answers=answers)


def _answer(heading: str, cells: list[str], states: list[str], *, answers: bool) -> Meaning:
    """Return the meaning of a column that may hold yes or no, states, or what they agreed to."""
    if _ALLOWED.search(heading):
        if not _QUESTION.search(heading) or "subscribed" in heading or "accept" in heading:
            return Meaning.ALLOWED
        if states:
            return Meaning.STATE
        return Meaning.ALLOWED if any(map(is_yes_or_no, cells)) else Meaning.OTHER
    if answers and _QUESTION.search(heading):
        return Meaning.ALLOWED
    is_of_states = len(states) == len(cells) or (
        len(states) >= _MOST * len(cells) and any(plain(cell) in UNMISTAKABLE for cell in cells)
    )
    return Meaning.STATE if cells and is_of_states else Meaning.OTHER


def _is_about_state(heading: str, cells: list[str], states: list[str], *, is_postal: bool) -> bool:
    parts = heading.split() or [""]
    named = parts[-1] in _STATE_WORDS or parts[0] in _STATE_WORDS
    if heading in _TYPES:
        return bool(states)
    if not (named or _STATUS.search(heading)):
        return False
    if states:
        return True
    if heading in _POSTAL:
        return not (is_postal or (cells and all(_is_region(cell) for cell in cells)))
    return heading in _STATE_WORDS or bool(_ABOUT_MAIL.search(heading))


def _is_region(cell: str) -> bool:
    return len(cell) in {2, 3} and cell.isupper() and cell.isalpha()


def _cells(body: Sequence[Sequence[str]], index: int) -> list[str]:
    cells = (row[index].strip() for row in body if index < len(row))
    return [cell for cell in cells if cell]


def _spaced(heading: str) -> str:
    """Return a heading as it is compared, also one in camelCase: "hasOptedOut"."""
    return plain(re.sub(r"(?<=[a-z])(?=[A-Z])|[:*()?]+", " ", heading))


_STATUS = re.compile(r"\bstatus\b|\bstatut\b|status$")
_STOP_HEADINGS = re.compile(terms.STOPPED_HEADINGS)
_ABOUT_MAIL = re.compile(terms.ABOUT_MAIL)
_NOT_ABOUT_MAIL = re.compile(terms.NOT_ABOUT_MAIL)
_NOT_AN_ANSWER = re.compile(terms.NOT_AN_ANSWER)
_ALLOWED = re.compile(terms.ALLOWED_HEADINGS)
_QUESTION = re.compile(terms.QUESTIONS)
_PLACES = re.compile(terms.PLACES)
_STATE_WORDS = frozenset(plain(term) for term in terms.STATE_HEADINGS.split())
_FIELDS: Mapping[str, Meaning] = {
    plain(heading).replace(" ", ""): Meaning(field)
    for field, headings in terms.HEADINGS.items()
    for heading in headings.split()
}
