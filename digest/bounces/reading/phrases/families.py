"""The families of words from which sentences are made, by language: `families.toml`."""

import re
import tomllib
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_GAP = re.escape(" ~ ").replace(r"\ ", r"\s")  # as `_expression` writes it
_IDEOGRAPH = re.compile(r"[\u0e00-\u0eff\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_OTHER_LETTERS = {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "\u0131": "i"}
_OTHER_LETTERS |= {"æ": "ae", "œ": "oe", "ß": "ss"}
# Latin letters without their marks, for many servers leave them out ("Skrzynka przepelniona").
_WITHOUT_MARKS = str.maketrans(
    _OTHER_LETTERS
    | {
        letter: unicodedata.normalize("NFD", letter)[0]
        for letter in map(chr, (*range(0xDF, 0x180), *range(0x218, 0x21C), *range(0x1EA0, 0x1EFA)))
        if letter not in _OTHER_LETTERS and unicodedata.decomposition(letter)
    }
)


@dataclass(frozen=True, slots=True)
class Families:
    """The words, each family as one expression."""

    recipients: re.Pattern[str]
    domains_before: re.Pattern[str]
    domains_behind: re.Pattern[str]
    bystanders: re.Pattern[str]
    ours_before: re.Pattern[str]
    ours_behind: re.Pattern[str]
    absence: re.Pattern[str]
    closure: re.Pattern[str]
    lack: re.Pattern[str]
    clauses: re.Pattern[str]
    denial: re.Pattern[str]
    denial_alone: re.Pattern[str]
    absence_alone: re.Pattern[str]
    refusal: re.Pattern[str]
    guards: re.Pattern[str]
    conditions: re.Pattern[str]
    misspelled: re.Pattern[str]
    spelling: dict[str, str]


def without_marks(text: str) -> str:
    """Return a text in lower case with plain Latin letters: "e" for "é"."""
    return text.translate(_WITHOUT_MARKS)


@cache
def read_families() -> Families:
    """Return the families, read once."""
    text = Path(__file__).with_name("families.toml").read_text("utf-8")
    file = tomllib.loads(without_marks(text))
    denial, refusal = file.pop("denial"), file.pop("refusal")
    spelling = file.pop("spelling")
    lists = {
        name: [entry for entries in languages.values() for entry in entries]
        for name, languages in file.items()
    }
    fillers = alternatives(lists.pop("fillers"))
    alone = alternatives(lists.pop("alone"))
    senders = lists.pop("senders")
    possessors = alternatives(lists.pop("possessors") + senders)
    lists["recipients"].append("<>")  # an address, see `rules.normalized`
    recipients = alternatives(lists["recipients"])
    domains = alternatives(lists.pop("domains"))
    before, behind = alternatives(denial["before"]), alternatives(denial["behind"])
    return Families(
        ours_before=re.compile(
            rf"{possessors}(?:'s|の|的)?(?:[\s:-]{{1,2}}(?:<> ?|e-?mail ?|trial ?|free ?)?)?$"
        ),
        ours_behind=re.compile(rf"{_BEHIND}(?:{alternatives(senders)}|from\b|domain|header)"),
        domains_before=re.compile(rf"{domains}{_LINK}*$"),
        domains_behind=re.compile(rf"\W{{0,3}}{domains}"),
        denial=re.compile(rf"{before} (?:\w+ )?{recipients}(?: \w+| <>)? {behind}"),
        denial_alone=re.compile(rf"{_START}{before} (?!recipients?\b)(?:\w+ )?{recipients}{_END}"),
        absence_alone=re.compile(rf"{_START}(?:[\w.+'-]{{1,30}}:? )?{alone}"),
        refusal=_refusal(refusal),
        misspelled=re.compile(alternatives(list(spelling))),
        spelling=spelling,
        **{name: _family(entries, fillers) for name, entries in lists.items()},
    )


# Between a noun and whose it is: "address of the sender", "adresse de l'expediteur".
_BEHIND = (
    r"^(?: <>)?(?: (?:of|for|in|de|del|della|do|da|du|des|der|van|von))?"
    r"(?: (?:the|el|la|le|der|des|de))?(?: l')?(?: mail)?[ -]?"
)
# Between "recipient domain" and what is said of it: its name, a verb.
_LINK = r"(?:\W|\b(?:name|is|was|ist|est|es|e|hat|has|does|could|can|[\w-]+\.[\w.-]+)\b)"
# What may stand around a sentence that is a whole reply: codes, addresses, "sorry", "(#5.1.1)".
_START = (
    r"^(?:[\W\d]|\b(?:sorry|error|err|said|smtp|rcpt|to|dd|delivery|ldap|unfortunately"
    r"|reject(?:ed)?)\b)*"
)
_SERVER = r"(?:(?:destination|remote|mail|the) )*(?:(?:server|host|system) )?"
_END = r"(?:[\W\d]|\bhere\b)*(?:$|,\S)"


def _refusal(refusal: dict[str, list[str]]) -> re.Pattern[str]:
    """Return an expression for a reply that says no more than that a recipient is refused."""
    recipients, refused = alternatives(refusal["recipients"]), alternatives(refusal["refused"])
    noun = rf"(?:the |that |this )?(?!by )(?:\w+ )?{recipients}(?: address(?:es)?)?"
    passive = rf"{noun}[\s:'\"<>]*(?:(?:is|was|has been) )?{refused}"
    return re.compile(rf"{_START}(?:{passive}|{_SERVER}{refused} {noun}){_END}")


def _family(entries: list[str], fillers: str) -> re.Pattern[str]:
    """Return an expression for a family, with up to four fillers where an entry has "~"."""
    return re.compile(alternatives(entries).replace(_GAP, rf"\s(?:{fillers}\s){{0,4}}"))


def alternatives(entries: list[str]) -> str:
    """Return an expression for any of these words, the longest first.

    Those with the same first letter share a branch, and a word's beginning is looked for once: the
    engine passes over most places at a glance, and tries a few words at the others, not hundreds.
    """
    groups: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for entry in sorted(set(entries), key=len, reverse=True):
        bound = "" if _IDEOGRAPH.search(entry) or entry == "<>" else r"\b"
        before = "" if entry.startswith("n't") else bound
        groups[before][entry[0]].append(_expression(entry[1:]) + bound)
    return "|".join(f"{before}{_any_of(branches)}" for before, branches in groups.items()).join(
        ("(?:", ")")
    )


def _any_of(branches: dict[str, list[str]]) -> str:
    alternatives_by_letter = (
        f"{_expression(first)}(?:{'|'.join(rest)})" for first, rest in branches.items()
    )
    return "|".join(alternatives_by_letter).join(("(?:", ")"))


def _expression(entry: str) -> str:
    return re.escape(entry).replace(r"\*", r"\w*").replace(r"\ ", r"\s")
