"""The reason of a reply, by its words and codes. The rules are data: see the TOML files beside.

A rule has parts, which have to stand in the text in this order, whatever is between them. The first
rule that matches counts; the files are read by name, for what is about us comes first.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from digest.bounces.reading import phrases
from digest.bounces.reading.reasons import Reason
from digest.bounces.reading.rules.statuses import reason_of_status

LONGEST = 4_000  # characters of a text that are compared with the rules
_SPACE = re.compile(r"\s+")
_ADDRESS = re.compile(r"<[^<>\s]{1,320}>|[^\s<>@:;,\"']{1,64}@[^\s<>@:;,\"']{1,255}")
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

    def matches(self, text: str) -> bool:
        """Return whether the parts stand in a text (see `normalized`) in their order."""
        position = 0
        for part in self.parts:
            position = text.find(part, position)
            if position < 0:
                return False
            position += len(part)
        return True


@cache
def rules() -> tuple[Rule, ...]:
    """Return all rules, in order."""
    files = sorted(Path(__file__).parent.glob("*.toml"))
    return tuple(
        Rule(Reason(row["reason"]), tuple(row["parts"]), row["source"], row["example"])
        for file in files
        for row in tomllib.loads(file.read_text("utf-8"))["rule"]
    )


def rule_for(text: str) -> Rule | None:
    """Return the first rule that matches a server's words."""
    return _matching(normalized(text))


def reason_in_words(text: str) -> Reason | None:
    """Return the reason that a server's words give: by a rule, else by their families."""
    return _reason_in(normalized(text))


@lru_cache(maxsize=64)  # a report has one text, and may name many recipients
def _reason_in(compared: str) -> Reason | None:
    rule = _matching(compared)
    return rule.reason if rule else phrases.reason_in(compared)


def _matching(compared: str) -> Rule | None:
    return next((rule for rule in rules() if rule.matches(compared)), None)


def reason_of(text: str, status: str, code: int | None) -> Reason:
    """Return the reason of a refusal: by its words, else by its enhanced code, else undefined."""
    if code in _REFUSES_OURSELVES:
        return Reason.SECURITY
    if code == 521 and status == "5.3.2":  # RFC 7504: the host does not accept mail
        return Reason.NOT_ACCEPTED
    if reason := reason_in_words(text):
        return reason
    if code == 556:  # RFC 7504: the domain does not accept mail
        return Reason.NOT_ACCEPTED
    if reason := reason_of_status(status):
        return reason
    return Reason.SYNTAX if code in {500, 501, 502, 503, 504} else Reason.UNDEFINED


def normalized(text: str) -> str:
    """Return a text in lower case and with single spaces, without addresses and host[ip].

    Names may hold any words: spam@shop.example is nobody's spam.
    """
    bounded = text[:LONGEST].translate(_QUOTES)
    without_names = _HOST.sub("[]", _ADDRESS.sub("<>", bounded))
    return _SPACE.sub(" ", _HEADING.sub("", without_names)).lower()
