"""Sentences about an address that is gone, whatever their wording: a noun and what is said of it.

Servers put the same few words together in thousands of ways, so after the rules for known replies
(`reading.rules`) comes one for all others. A sentence has its meaning where

    a predicate says that something is gone, or closed, or that there is none,
    the noun nearest to it is the one who gets the mail: not the sender, a domain or a header,
    and nothing in it speaks of what passes (a full mailbox) or of us (a policy).

"Kim has no account" and "no longer works here" say the same of somebody whom no noun names. The
words are data, by language: `families.toml`. Pure, and linear in the length of a bounded text.
"""

import re
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

from digest.bounces.reading.reasons import Reason

AFTER = 45  # characters from the noun to what is said of it
BEFORE = 25  # from what is said to the noun
ADJACENT = 12  # from somebody to what they lack
MOST = 30  # words of a family in a sentence; more are not a sentence

_SENTENCE = re.compile(r"[.!?;](?=\s|$)|[\u3002\uff01\uff1f\uff1b]")
_IDEOGRAPH = re.compile(r"[\u0e00-\u0eff\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_STAGE = re.compile(r"\(in reply to [^()]{0,40}\)")  # Postfix names the command
# An address of ours is not the recipient's.
_OURS_BEFORE = re.compile(
    r"(?:\b(?:sender|from|return|reply|envelope|originator|your|our|client|source|ip|helo|host"
    r"|server|gateway|list|sending|submitting|absender|postmaster|abuse)(?:'s)?[\s:-]{1,2}"
    r"(?:<> ?|e-?mail ?)?)$"
)
_OURS_BEHIND = re.compile(
    r"^(?: <>)?(?: (?:of|for|in))?(?: the)?(?: mail)?[ -](?:sender|from\b|domain|originator|header)"
)
_COPULA = re.compile(r"\W*(?:is|are|was|were)\W*")
_AUXILIARY = re.compile(r"\W*(?:does|do|did)?\W*(?:n't)?\W*")
_PRONOUN = re.compile(r"\b(?:we|you|i|wir|nous|nosotros)\b")


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun of a sentence, and whether it is the one who gets the mail."""

    begin: int
    end: int
    is_recipient: bool

    def distance(self, predicate: re.Match[str]) -> int:
        """Return how many characters are between the noun and a predicate."""
        return max(predicate.start() - self.end, self.begin - predicate.end(), 0)


@dataclass(frozen=True, slots=True)
class Families:
    """The words, each family as one expression."""

    recipients: re.Pattern[str]
    bystanders: re.Pattern[str]
    absence: re.Pattern[str]
    closure: re.Pattern[str]
    lack: re.Pattern[str]
    clauses: re.Pattern[str]
    denial: re.Pattern[str]
    guards: re.Pattern[str]
    conditions: re.Pattern[str]


def reason_in(text: str) -> Reason | None:
    """Return the reason that a normalized text gives in words of its own, or None."""
    for sentence in _SENTENCE.split(_STAGE.sub("", text).replace("_", " ")):
        if reason := _reason_of(sentence):
            return reason
    return None


def _reason_of(sentence: str) -> Reason | None:
    families = read_families()
    if families.guards.search(sentence):
        return None
    condition = families.conditions.search(sentence)
    end = condition.start() if condition else len(sentence)
    if families.clauses.search(sentence, 0, end) and "sender" not in sentence:
        return Reason.USER_UNKNOWN
    nouns = _nouns(sentence, families)
    for family, is_meant, reason in (
        (families.absence, _is_about_recipient, Reason.USER_UNKNOWN),
        (families.denial, _is_recipient_denied, Reason.USER_UNKNOWN),
        (families.closure, _is_about_recipient, Reason.SUSPENDED),
        (families.lack, _is_lacked_by_recipient, Reason.USER_UNKNOWN),
    ):
        predicates = islice(family.finditer(sentence, 0, end), MOST)
        if any(is_meant(predicate, nouns) for predicate in predicates):
            return reason
    return None


def _nouns(sentence: str, families: Families) -> list[Noun]:
    """Return the nouns of a sentence."""
    recipients = [
        Noun(*match.span(), is_recipient=not _is_ours(sentence, match))
        for match in islice(families.recipients.finditer(sentence), MOST)
    ]
    bystanders = islice(families.bystanders.finditer(sentence), MOST)
    return recipients + [Noun(*match.span(), is_recipient=False) for match in bystanders]


def _is_ours(sentence: str, match: re.Match[str]) -> bool:
    before, behind = sentence[max(match.start() - 30, 0) : match.start()], sentence[match.end() :]
    return bool(_OURS_BEFORE.search(before) or _OURS_BEHIND.match(behind[:30]))


def _is_about_recipient(predicate: re.Match[str], nouns: list[Noun]) -> bool:
    """Return whether the noun nearest to a predicate is the one who gets the mail.

    "The parameter is not a valid address" is about the parameter.
    """
    apart = [
        noun for noun in nouns if noun.end <= predicate.start() or noun.begin >= predicate.end()
    ]
    if not apart or _has_other_subject(predicate, apart, _COPULA):
        return False
    nearest = min(apart, key=lambda noun: noun.distance(predicate))
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


@cache
def read_families() -> Families:
    """Return the families, read once."""
    file = tomllib.loads(Path(__file__).with_name("families.toml").read_text("utf-8"))
    denial = file.pop("denial")
    lists = {
        name: [entry for entries in languages.values() for entry in entries]
        for name, languages in file.items()
    }
    lists["recipients"].append("<>")  # an address, see `rules.normalized`
    recipients = _alternatives(lists["recipients"])
    before, behind = _alternatives(denial["before"]), _alternatives(denial["behind"])
    return Families(
        denial=re.compile(rf"{before} (?:\w+ )?{recipients}(?: \w+| <>)? {behind}"),
        **{name: re.compile(_alternatives(entries)) for name, entries in lists.items()},
    )


def _alternatives(entries: list[str]) -> str:
    """Return an expression for any of these words, the longest first.

    Those with the same first letter share a branch: the engine tries a few, not hundreds.
    """
    branches: dict[tuple[str, str], list[str]] = defaultdict(list)
    for entry in sorted(set(entries), key=len, reverse=True):
        bound = "" if _IDEOGRAPH.search(entry) or entry == "<>" else r"\b"
        before = "" if entry.startswith("n't") else bound
        branches[before, entry[0]].append(_expression(entry[1:]) + bound)
    return "|".join(
        f"{before}{_expression(first)}(?:{'|'.join(rest)})"
        for (before, first), rest in branches.items()
    ).join(("(?:", ")"))


def _expression(entry: str) -> str:
    return re.escape(entry).replace(r"\*", r"\w*").replace(r"\ ", r"\s")
