"""A document of rules, read and checked: conditions in groups of which all or any hold. Pure.

    {"match": "all", "rules": [
        {"field": "attribute.city", "operator": "is", "value": "Berlin"},
        {"match": "any", "rules": [{"field": "joined", "operator": "in_last", "value": 30}, …]}
    ]}

A group may stand in a group.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from digest.core.text import one_line
from digest.subscribers.errors import InvalidInputError

MOST_RULES = 50
DEEPEST = 3  # groups within groups
ATTRIBUTE = "attribute."  # before the key of an attribute
LONGEST_VALUE = 200

Value = str | int | float | bool | None
Document = Mapping[str, Any]


class Match(StrEnum):
    """How many of a group's rules have to hold."""

    ALL = "all"
    ANY = "any"


class Operator(StrEnum):
    """How a rule compares."""

    IS = "is"
    IS_NOT = "is_not"
    CONTAINS = "contains"
    ENDS_WITH = "ends_with"
    MORE_THAN = "more_than"
    LESS_THAN = "less_than"
    BEFORE = "before"
    AFTER = "after"
    IN_LAST = "in_last"  # days
    NOT_IN_LAST = "not_in_last"
    IS_SET = "is_set"
    IS_NOT_SET = "is_not_set"


NEEDS_NO_VALUE = frozenset([Operator.IS_SET, Operator.IS_NOT_SET])


class RuleError(InvalidInputError):
    """A document of rules cannot be used."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition: a field of `fields`, how it compares, and with what."""

    field: str
    operator: Operator
    value: Value = None

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        document = {"field": self.field, "operator": str(self.operator)}
        return document if self.operator in NEEDS_NO_VALUE else document | {"value": self.value}


@dataclass(frozen=True, slots=True)
class Group:
    """Rules and groups of which all, or any, have to hold; an empty group holds for everyone."""

    match: Match = Match.ALL
    rules: "tuple[Rule | Group, ...]" = ()

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"match": str(self.match), "rules": [row.document() for row in self.rules]}

    def leaves(self) -> Iterator[Rule]:
        """Yield every rule, also of the groups inside."""
        for row in self.rules:
            if isinstance(row, Group):
                yield from row.leaves()
            else:
                yield row


def read_rules(document: object) -> Group:
    """Return the rules of a document, whether or not a publication has their fields.

    Raises RuleError for what is not such a document, or is too large.
    """
    group = _read_group(document, 1)
    if sum(1 for _ in group.leaves()) > MOST_RULES:
        raise RuleError(f"A segment has {MOST_RULES} rules at most.")
    return group


def names_attribute(document: object, key: str) -> bool:
    """Say whether a document of rules asks for an attribute."""
    return any(rule.field == f"{ATTRIBUTE}{key}" for rule in read_rules(document).leaves())


def values_of(document: object, key: str) -> set[str]:
    """Return the texts that a document of rules compares an attribute with."""
    rules = (rule for rule in read_rules(document).leaves() if rule.field == f"{ATTRIBUTE}{key}")
    return {rule.value for rule in rules if isinstance(rule.value, str)}


def respell(group: Group, key: str, spellings: Mapping[str, str]) -> Group:
    """Return rules that compare an attribute with the new spellings of its choices."""

    def changed(row: Rule | Group) -> Rule | Group:
        if isinstance(row, Group):
            return Group(row.match, tuple(map(changed, row.rules)))
        is_old = row.field == f"{ATTRIBUTE}{key}" and row.value in spellings
        return replace(row, value=spellings[str(row.value)]) if is_old else row

    return Group(group.match, tuple(map(changed, group.rules)))


def _read_group(document: object, depth: int) -> Group:
    if not isinstance(document, Mapping) or not isinstance(document.get("rules"), list):
        raise RuleError('Rules are an object with "match" ("all" or "any") and a list "rules".')
    if depth > DEEPEST:
        raise RuleError(f"Groups stand in each other {DEEPEST} deep at most.")
    match = document.get("match", Match.ALL)
    if not isinstance(match, str) or match not in set(Match):
        raise RuleError('"match" is "all" or "any".')
    if len(document["rules"]) > MOST_RULES:
        raise RuleError(f"A segment has {MOST_RULES} rules at most.")
    return Group(Match(match), tuple(_read_row(row, depth) for row in document["rules"]))


def _read_row(document: object, depth: int) -> Rule | Group:
    if isinstance(document, Mapping) and "rules" in document:
        return _read_group(document, depth + 1)
    if not isinstance(document, Mapping) or not isinstance(document.get("field"), str):
        raise RuleError('A rule is an object with "field", "operator" and "value".')
    operator = document.get("operator")
    if not isinstance(operator, str) or operator not in set(Operator):
        raise RuleError(f'"operator" is one of: {", ".join(Operator)}.')
    value = document.get("value")
    if not isinstance(value, (str, int, float, bool, type(None))):
        raise RuleError('"value" is a text, a number, true or false.')
    if isinstance(value, str):
        value = one_line(value, LONGEST_VALUE)
    return Rule(one_line(document["field"], LONGEST_VALUE), Operator(operator), value)
