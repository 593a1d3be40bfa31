"""What rules may be about in a publication: fields, their operators, and the values they take."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from digest.newsletters.audiences.models import Attribute
from digest.newsletters.choices import BlockKind
from digest.newsletters.models import Cadence, LayoutBlock, Newsletter, Publication, Tracking
from digest.subscribers import attributes, profiles
from digest.subscribers.errors import SubscriberError
from digest.subscribers.models import Growth, Subscription
from digest.subscribers.segments.rules import (
    ATTRIBUTE,
    NEEDS_NO_VALUE,
    Group,
    Operator,
    Rule,
    RuleError,
    Value,
    read_rules,
)

MOST_DAYS = 3_660
YEARS = range(1900, 2201)  # of a moment: beyond them, calculating with it may overflow


class Input(StrEnum):
    """How a value is entered."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    CHOICE = "choice"
    DAYS = "days"
    NONE = "none"


class Field(NamedTuple):
    """What a rule may be about."""

    key: str
    label: str
    operators: tuple[Operator, ...]
    input: Input  # of operators that do not say otherwise
    choices: Sequence[tuple[str, str]] = ()  # value and label; of a text: suggestions
    attribute: Attribute | None = None

    def input_of(self, operator: Operator) -> Input:
        """Return how the value of an operator is entered."""
        if operator in NEEDS_NO_VALUE:
            return Input.NONE
        if operator in {Operator.IN_LAST, Operator.NOT_IN_LAST}:
            return Input.DAYS
        return self.input


@dataclass(frozen=True, slots=True)
class Catalog:
    """The fields of a publication, and what their conditions need to know of it."""

    publication: Publication
    fields: Mapping[str, Field]
    newsletter_ids: Mapping[str, int]  # by slug

    def read(self, document: object) -> Group:
        """Return the rules of a document; raise RuleError for what this publication lacks."""
        return self._check(read_rules(document))

    def can_read(self, document: object) -> bool:
        """Say whether this publication has all that a document of rules asks for."""
        try:
            self.read(document)
        except RuleError:
            return False
        return True

    def _check(self, group: Group) -> Group:
        return Group(
            group.match,
            tuple(
                self._check(row) if isinstance(row, Group) else self._check_rule(row)
                for row in group.rules
            ),
        )

    def _check_rule(self, rule: Rule) -> Rule:
        field = self.fields.get(rule.field)
        if field is None:
            raise RuleError(f"There is no field “{rule.field}” in {self.publication}.")
        if rule.operator not in field.operators:
            raise RuleError(f"{field.label} cannot be compared with “{rule.operator}”.")
        return Rule(rule.field, rule.operator, _read_value(field, rule))


def catalog_of(publication: Publication, *, suggests: bool = True) -> Catalog:
    """Return what rules may be about in a publication, in the order in which it is offered.

    It `suggests` tags, topics and sources that are in use, where somebody enters rules.
    """
    newsletters = list(publication.newsletters.order_by("name", "pk"))
    tags = profiles.tags_in([publication.pk]) if suggests else []
    fields = [
        *_subscription_fields(publication, newsletters, suggests=suggests),
        Field("tag", "Tag", _EQUAL, Input.TEXT, _pairs(tags)),
        *map(_attribute_field, attributes.attributes_of(publication.pk).values()),
        Field("email", "Email address", (Operator.CONTAINS, Operator.ENDS_WITH), Input.TEXT),
    ]
    if publication.tracking == Tracking.INDIVIDUAL:
        fields.append(Field("clicked", "Last click", _DAYS, Input.DAYS))
    return Catalog(
        publication,
        {field.key: field for field in fields},
        {row.slug: row.pk for row in newsletters},
    )


def _subscription_fields(
    publication: Publication, newsletters: list[Newsletter], *, suggests: bool
) -> list[Field]:
    ids = [row.pk for row in newsletters]
    titles, vias = _suggestions(publication, ids) if suggests else ([], [])
    return [
        Field(
            "newsletter",
            "Newsletter",
            _EQUAL,
            Input.CHOICE,
            [(row.slug, row.name) for row in newsletters],
        ),
        Field("state", "State", _EQUAL, Input.CHOICE, Subscription.State.choices),
        Field("joined", "Joined", (*_DAYS, Operator.BEFORE, Operator.AFTER), Input.DATE),
        Field("source", "Source of sign-up", _EQUAL, Input.TEXT, _pairs(vias)),
        Field("topic", "Topic", _EQUAL, Input.TEXT, _pairs(titles)),
        Field("cadence", "Cadence", _EQUAL, Input.CHOICE, Cadence.choices),
    ]


def _suggestions(
    publication: Publication, newsletter_ids: list[int]
) -> tuple[list[str], list[str]]:
    """Return the titles of topics, and the sources of sign-ups that there were."""
    topics = LayoutBlock.objects.filter(newsletter__publication=publication, kind=BlockKind.TOPIC)
    sources = Growth.objects.filter(newsletter_id__in=newsletter_ids).exclude(source="")
    return (
        sorted(set(topics.values_list("title", flat=True))),
        list(sources.order_by("source").values_list("source", flat=True).distinct()[:100]),
    )


def _attribute_field(attribute: Attribute) -> Field:
    operators, kind = _ATTRIBUTES[Attribute.Kind(attribute.kind)]
    choices = _pairs(attribute.choices)
    if attribute.kind == Attribute.Kind.BOOLEAN:
        choices = [("yes", "Yes"), ("no", "No")]
    key = f"{ATTRIBUTE}{attribute.key}"
    return Field(key, attribute.label, operators, kind, choices, attribute)


def _pairs(values: Sequence[str]) -> list[tuple[str, str]]:
    return [(value, value) for value in values]


_EQUAL = (Operator.IS, Operator.IS_NOT)
_DAYS = (Operator.IN_LAST, Operator.NOT_IN_LAST)
_SET = (Operator.IS_SET, Operator.IS_NOT_SET)
_ATTRIBUTES = {
    Attribute.Kind.TEXT: ((*_EQUAL, Operator.CONTAINS, *_SET), Input.TEXT),
    Attribute.Kind.NUMBER: (
        (*_EQUAL, Operator.MORE_THAN, Operator.LESS_THAN, *_SET),
        Input.NUMBER,
    ),
    Attribute.Kind.DATE: (
        (Operator.IS, Operator.BEFORE, Operator.AFTER, *_DAYS, *_SET),
        Input.DATE,
    ),
    Attribute.Kind.BOOLEAN: ((*_EQUAL, *_SET), Input.CHOICE),
    Attribute.Kind.CHOICE: ((*_EQUAL, *_SET), Input.CHOICE),
}


def _read_value(field: Field, rule: Rule) -> Value:
    """Return a rule's value as it is compared; raise RuleError for one that does not fit."""
    kind = field.input_of(rule.operator)
    if kind is Input.NONE:
        return None
    if rule.value is None or rule.value == "":
        raise RuleError(f"{field.label}: a value is missing.")
    if kind is Input.DAYS:
        return _read_days(field, rule.value)
    if field.attribute and rule.operator is not Operator.CONTAINS:
        try:
            return attributes.read_value(field.attribute, rule.value)
        except SubscriberError as problem:
            raise RuleError(str(problem)) from problem
    if not isinstance(rule.value, str):
        raise RuleError(f"{field.label}: the value is a text.")
    if kind is Input.DATE:
        return _read_date(field, rule.value)
    if field.key == "tag":
        return profiles.clean_tag(rule.value)
    if kind is Input.CHOICE and rule.value not in {value for value, _ in field.choices}:
        raise RuleError(f"{field.label}: “{rule.value}” is not one of its values.")
    return rule.value


def _read_days(field: Field, value: Value) -> int:
    text = str(value).strip()
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= MOST_DAYS:
        raise RuleError(f"{field.label}: enter a number of days from 1 to {MOST_DAYS:,}.")
    return int(text)


def _read_date(field: Field, text: str) -> str:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError as problem:
        raise RuleError(f"{field.label}: enter a date like 2026-11-30.") from problem
    if day.year not in YEARS:
        raise RuleError(f"{field.label}: enter a year from {YEARS[0]} to {YEARS[-1]}.")
    return day.isoformat()
