"""The reason of a reply, by its words and codes. The rules are data: see the TOML files beside.

A rule has parts, which have to stand in the text in this order, whatever is between them. The first
rule that matches counts; the files are read by name, for what is about us comes first.
"""

import re
import tomllib
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from digest.bounces.reading import phrases
from digest.bounces.reading.reasons import UNREACHABLE, Reason
from digest.bounces.reading.rules.statuses import reason_of_status

_GRAM = 3  # characters by which rules are looked up
LONGEST = 4_000  # characters of a text that are compared with the rules
_SPACE = re.compile(r"\s+")
# Words of Chinese, Japanese and Korean stand beside an address without a space.
_CJK = "\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef"
_PART = rf"[^\s<>@:;,\"'{_CJK}]"
_ADDRESS = re.compile(
    rf"<[^<>\s]{{1,320}}>|{_PART}{{1,64}}@{_PART}{{1,255}}|[{_CJK}]{{1,64}}@[^\s<>@:;,\"']{{1,255}}"
)
# Where our mail returns to: whom servers ask about when they verify a sender.
_OUR_ADDRESS = re.compile(rf"<?\bbounce\+[a-z2-7]{{1,64}}@{_PART}{{1,255}}>?", re.IGNORECASE)
_YOUR = re.compile(
    r"\b(?:your|sender(?:'s)?|ihre?|votre|sua?|tua?|seu|uw|ваш[аи]?) (?:(?:e-?)?mail )?$"
)
_HOST = re.compile(r"[\w.-]{1,255}\[[\d.:a-fA-F]{3,45}\]")
# How Cisco begins each report, whatever the server said.
_HEADING = re.compile(r"unknown address error ?", re.IGNORECASE)
_REFUSES_OURSELVES = {530, 534, 535, 538}  # RFC 4954 §6: our login at a relay
_QUOTES = str.maketrans("\u2019\u02bc\u00a0", "'' ")


@dataclass(frozen=True, slots=True)
class Rule:
    """Words that give a reason."""

    reason: Reason
    parts: tuple[str, ...]  # lower case
    source: str  # the servers that say so
    example: str  # a reply that the rule is for
    yields: bool = False  # to a code that speaks of a policy (x.7.x)

    def matches(self, text: str) -> bool:
        """Return whether the parts stand in a text (see `normalized`) in their order."""
        position = 0
        for part in self.parts:
            position = text.find(part, position)
            if position < 0:
                return False
            position += len(part)
        return not _is_ours(text, self.parts[0]) if self.reason in UNREACHABLE else True


@cache
def rules() -> tuple[Rule, ...]:
    """Return all rules, in order."""
    files = sorted(Path(__file__).parent.glob("*.toml"))
    return tuple(
        Rule(
            Reason(row["reason"]),
            tuple(row["parts"]),
            row["source"],
            row["example"],
            row.get("yields", False),
        )
        for file in files
        for row in tomllib.loads(file.read_text("utf-8"))["rule"]
    )


def rule_for(text: str) -> Rule | None:
    """Return the first rule that matches a server's words."""
    return _matching(normalized(text))


def reason_in_words(text: str, status: str = "") -> Reason | None:
    """Return the reason that a server's words give: by a rule, else by their families.

    Words that some servers use for a policy too give way to an enhanced code that says so.
    """
    rule, reason = _read(normalized(text))
    return None if rule and rule.yields and status[1:].startswith(".7.") else reason


@lru_cache(maxsize=64)  # a report has one text, and may name many recipients
def _read(compared: str) -> tuple[Rule | None, Reason | None]:
    rule = _matching(compared)
    return rule, rule.reason if rule else phrases.reason_in(compared)


def _matching(compared: str) -> Rule | None:
    index, every = _index(), rules()
    places = sorted(place for gram in index.keys() & _grams(compared) for place in index[gram])
    return next((every[place] for place in places if every[place].matches(compared)), None)


def _grams(text: str) -> set[str]:
    return {text[start : start + _GRAM] for start in range(len(text) - _GRAM + 1)}


@cache
def _index() -> dict[str, list[int]]:
    """Return the places of the rules by three characters of each that few others have.

    A reply has a hundred of such threes, and is compared with some ten rules rather than with all.
    """
    grams_of = [set().union(*map(_grams, rule.parts)) for rule in rules()]
    numbers = Counter(gram for grams in grams_of for gram in grams)
    index: dict[str, list[int]] = defaultdict(list)
    for place, grams in enumerate(grams_of):
        index[min(grams, key=lambda gram: (numbers[gram], gram))].append(place)
    return dict(index)


def reason_of(text: str, status: str, code: int | None) -> Reason:
    """Return the reason of a refusal: by its words, else by its enhanced code, else undefined."""
    if code in _REFUSES_OURSELVES:
        return Reason.SECURITY
    if code == 521 and status == "5.3.2":  # RFC 7504: the host does not accept mail
        return Reason.NOT_ACCEPTED
    if reason := reason_in_words(text, status):
        return reason
    if code == 556:  # RFC 7504: the domain does not accept mail
        return Reason.NOT_ACCEPTED
    if reason := reason_of_status(status):
        return reason
    return Reason.SYNTAX if code in {500, 501, 502, 503, 504} else Reason.UNDEFINED


def _is_ours(text: str, part: str) -> bool:
    """Return whether the words are said of an address of ours: "your mailbox does not exist"."""
    if part.startswith("recipient"):
        return False
    position = text.find(part)
    return bool(_YOUR.search(text, max(position - 20, 0), position))


@lru_cache(maxsize=64)  # each step of reading a reply compares the same text
def normalized(text: str) -> str:
    """Return a text in lower case and with single spaces, without addresses and host[ip].

    Names may hold any words: spam@shop.example is nobody's spam.
    """
    bounded = text[:LONGEST].translate(_QUOTES)
    without_ours = _OUR_ADDRESS.sub("our-sender", bounded)
    without_names = _HOST.sub("[]", _ADDRESS.sub("<>", without_ours))
    return _SPACE.sub(" ", _HEADING.sub("", without_names)).lower()
