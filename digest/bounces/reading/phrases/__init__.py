"""Sentences about an address that is gone, whatever their wording: a noun and what is said of it.

Servers put the same few words together in thousands of ways, so after the rules for known replies
(`reading.rules`) comes one for all others. A sentence has its meaning where

    a predicate says that something is gone, or closed, or that there is none,
    the noun nearest to it is the one who gets the mail: not the sender, a domain or a header,
    and nothing in it speaks of what passes (a full mailbox) or of us (a policy).

"Kim has no account" and "no longer works here" say the same of somebody whom no noun names; so does
"does not exist" where nothing else stands. The words are data, by language: `families`. Pure, and
linear in the length of a bounded text.
"""

import re
from collections.abc import Iterator
from itertools import islice

from digest.bounces.reading.phrases.families import Families, read_families, without_marks
from digest.bounces.reading.phrases.nouns import MOST, Noun, nouns_of
from digest.bounces.reading.reasons import Reason

AFTER = 45  # characters from the noun to what is said of it
BEFORE = 25  # from what is said to the noun
_DOMAIN = 60  # characters before what is said of a domain
ADJACENT = 12  # from somebody to what they lack

_SENTENCE = re.compile(r"[.!?;](?=\s|$)|[\u3002\uff01\uff1f\uff1b]")
# Postfix; Google; Sendmail, who names who asked it; Exim, whose list of addresses was asked
_STAGE = re.compile(
    r"\((?:in reply to [^()]{0,40}|state \d{1,3})\)|\brelay=\S+|\brcpt-verify-fail\w{0,3}\b"
)
_NOT_HERE = re.compile(
    r"resol|local|host|serv|handl|list|our\b|\bm[ey]\b|\bin\b|\bon\b|\bat\b|configur|here|belong"
    r"|part of|longer$|gone|mapp|rout"
)
_LINK = re.compile(r"\bhttps?://\S+")
_COPULA = re.compile(r"\W*(?:is|are|was|were)\W*")
_AUXILIARY = re.compile(r"\W*(?:does|do|did)?\W*(?:n't)?\W*")
_PRONOUN = re.compile(r"\b(?:we|you|i|wir|nous|nosotros)\b")


def reason_in(text: str) -> Reason | None:
    """Return the reason that a normalized text gives in words of its own, or None."""
    families = read_families()
    for sentence in _SENTENCE.split(_plain(text)):
        if reason := _reason_of(sentence, families):
            return reason
    return None


def is_bare_refusal(text: str) -> bool:
    """Return whether a normalized text says no more than that a recipient is refused.

    "Recipient rejected" has a code to say why, if anything has. It is not believed where the server
    goes on, which most often is a reason of its own.
    """
    families = read_families()
    sentences = [row for row in _SENTENCE.split(_LINK.sub("", _plain(text))) if row.strip(" )")]
    return len(sentences) == 1 and bool(families.refusal.match(sentences[0]))


def _plain(text: str) -> str:
    plain = without_marks(_STAGE.sub("", text).replace("_", " "))
    families = read_families()
    return families.misspelled.sub(lambda match: families.spelling[match[0]], plain)


def _reason_of(sentence: str, families: Families) -> Reason | None:
    if families.guards.search(sentence):
        return None
    condition = families.conditions.search(sentence)
    end = condition.start() if condition else len(sentence)
    if families.clauses.search(sentence, 0, end) and "sender" not in sentence:
        return Reason.USER_UNKNOWN
    if any(_is_of_domain(row, families) for row in _absences(sentence, end, families)):
        return Reason.HOST_UNKNOWN
    nouns = nouns_of(sentence, families)
    if not nouns and families.absence_alone.match(sentence, 0, end):
        return Reason.USER_UNKNOWN
    for family, is_meant, reason in (
        (families.absence, _is_about_recipient, Reason.USER_UNKNOWN),
        (families.denial, _is_recipient_denied, Reason.USER_UNKNOWN),
        (families.denial_alone, _is_recipient_denied, Reason.USER_UNKNOWN),
        (families.closure, _is_about_recipient, Reason.SUSPENDED),
        (families.lack, _is_lacked_by_recipient, Reason.USER_UNKNOWN),
    ):
        predicates = islice(family.finditer(sentence, 0, end), MOST)
        if any(is_meant(predicate, nouns) for predicate in predicates):
            return reason
    return None


def _absences(sentence: str, end: int, families: Families) -> Iterator[re.Match[str]]:
    return islice(families.absence.finditer(sentence, 0, end), MOST)


def _is_of_domain(predicate: re.Match[str], families: Families) -> bool:
    """Return whether "does not exist" is said of the recipient's domain.

    What cannot be resolved may be a fault of DNS, and what is not hosted here one of a relay.
    """
    if _NOT_HERE.search(predicate[0]):
        return False
    before = predicate.string[max(predicate.start() - _DOMAIN, 0) : predicate.start()]
    is_behind = families.domains_behind.match(predicate.string, predicate.end())
    return bool(families.domains_before.search(before) or is_behind)


def _is_about_recipient(predicate: re.Match[str], nouns: list[Noun]) -> bool:
    """Return whether the noun nearest to a predicate is the one who gets the mail.

    "The parameter is not a valid address" is about the parameter.
    """
    separate_nouns = [
        noun for noun in nouns if noun.end <= predicate.start() or noun.begin >= predicate.end()
    ]
    if not separate_nouns or _has_other_subject(predicate, separate_nouns, _COPULA):
        return False
    nearest = min(separate_nouns, key=lambda noun: noun.remoteness(predicate))
    farthest = AFTER if nearest.end <= predicate.start() else BEFORE
    return nearest.is_recipient and nearest.distance(predicate) <= farthest


def _is_recipient_denied(predicate: re.Match[str], nouns: list[Noun]) -> bool:
    """Return whether "no mailbox here" is about the one who gets the mail."""
    within = (noun for noun in nouns if predicate.start() < noun.begin < predicate.end())
    return any(noun.is_recipient for noun in within)


def _is_lacked_by_recipient(predicate: re.Match[str], nouns: list[Noun]) -> bool:
    """Return whether somebody lacks what gets mail: not the sender, and not the server ("we")."""
    is_lacked = any(
        noun.is_recipient and 0 <= noun.begin - predicate.end() <= BEFORE for noun in nouns
    )
    before = predicate.string[max(predicate.start() - ADJACENT, 0) : predicate.start()]
    is_other = _PRONOUN.search(before) or _has_other_subject(predicate, nouns, _AUXILIARY)
    return is_lacked and not is_other


def _has_other_subject(predicate: re.Match[str], nouns: list[Noun], link: re.Pattern[str]) -> bool:
    """Return whether another noun stands before a predicate, with no more than a link between."""
    before = [noun for noun in nouns if noun.end <= predicate.start()]
    if not before:
        return False
    subject = max(before, key=lambda noun: noun.end)
    between = predicate.string[subject.end : predicate.start()]
    return not subject.is_recipient and bool(link.fullmatch(between))
