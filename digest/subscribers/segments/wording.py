"""Rules in words, for people: what a segment is, and why somebody belongs to it."""

from datetime import date, datetime

from digest.subscribers.models import Subscriber
from digest.subscribers.segments.conditions import Context, condition_of
from digest.subscribers.segments.fields import Catalog, Field
from digest.subscribers.segments.rules import Group, Match, Operator, Rule, read_rules

EVERYONE = "Every subscriber"


def describe(catalog: Catalog, rules: Group) -> str:
    """Return rules as a sentence without a full stop: "Subscribers with the tag “vip”"."""
    if not rules.rules:
        return EVERYONE
    return f"Subscribers {_group(catalog, rules)}"


def describe_document(catalog: Catalog, document: object) -> str:
    """Return the rules of a stored document in words, also where the publication lacks a field."""
    return describe(catalog, read_rules(document))


def describe_rule(catalog: Catalog, rule: Rule) -> str:
    """Return one rule as what follows "who": "joined in the last 30 days"."""
    field = catalog.fields.get(rule.field)
    if field is None:
        return f"with {rule.field} (which this publication does not have any more)"
    if rule.field in _SENTENCES:
        return (
            _SENTENCES[rule.field]
            .get(rule.operator, _COMPARISONS[rule.operator])
            .format(value=_value(field, rule), field=field.label.lower())
        )
    comparison = _COMPARISONS[rule.operator].format(value=_value(field, rule))
    return f"whose {_lowered(field.label)} {comparison}"


def reasons(
    catalog: Catalog, rules: Group, subscriber: Subscriber, now: datetime
) -> list[tuple[str, bool]]:
    """Return each rule in words, and whether it holds for a subscriber at `now` (aware, UTC)."""
    context = Context(catalog, now)
    rows = Subscriber.objects.filter(pk=subscriber.pk)
    return [
        (describe_rule(catalog, rule), rows.filter(condition_of(rule, context)).exists())
        for rule in rules.leaves()
    ]


def _group(catalog: Catalog, group: Group) -> str:
    joint = " and " if group.match is Match.ALL else " or "
    parts = [
        f"({_group(catalog, row)})" if isinstance(row, Group) else describe_rule(catalog, row)
        for row in group.rules
        if not isinstance(row, Group) or row.rules
    ]
    return joint.join(parts) or "of any kind"


def _value(field: Field, rule: Rule) -> str:
    if rule.operator in {Operator.IN_LAST, Operator.NOT_IN_LAST}:
        return "day" if rule.value == 1 else f"{rule.value} days"
    if isinstance(rule.value, bool):
        return "yes" if rule.value else "no"
    if isinstance(rule.value, str) and rule.operator in {Operator.BEFORE, Operator.AFTER}:
        return f"{date.fromisoformat(rule.value):%-d %B %Y}"
    if isinstance(rule.value, str):
        return f"“{dict(field.choices).get(rule.value, rule.value)}”"
    return str(rule.value)


def _lowered(label: str) -> str:
    """Return a label within a sentence; abbreviations keep their capitals."""
    return label if label[1:2].isupper() else f"{label[:1].lower()}{label[1:]}"


_COMPARISONS = {
    Operator.IS: "is {value}",
    Operator.IS_NOT: "is not {value}",
    Operator.CONTAINS: "contains {value}",
    Operator.ENDS_WITH: "ends with {value}",
    Operator.MORE_THAN: "is more than {value}",
    Operator.LESS_THAN: "is less than {value}",
    Operator.BEFORE: "is before {value}",
    Operator.AFTER: "is after {value}",
    Operator.IN_LAST: "is within the last {value}",
    Operator.NOT_IN_LAST: "is more than {value} ago",
    Operator.IS_SET: "is known",
    Operator.IS_NOT_SET: "is not known",
}
_SENTENCES = {
    "newsletter": {
        Operator.IS: "subscribed to {value}",
        Operator.IS_NOT: "not subscribed to {value}",
    },
    "state": {
        Operator.IS: "with a subscription that is {value}",
        Operator.IS_NOT: "with no subscription that is {value}",
    },
    "joined": {
        Operator.IN_LAST: "who joined in the last {value}",
        Operator.NOT_IN_LAST: "who joined more than {value} ago",
        Operator.BEFORE: "who joined before {value}",
        Operator.AFTER: "who joined after {value}",
    },
    "source": {
        Operator.IS: "who signed up by {value}",
        Operator.IS_NOT: "who did not sign up by {value}",
    },
    "topic": {
        Operator.IS: "who chose the topic {value}",
        Operator.IS_NOT: "who did not choose the topic {value}",
    },
    "cadence": {
        Operator.IS: "who get a newsletter {value}",
        Operator.IS_NOT: "who get no newsletter {value}",
    },
    "tag": {
        Operator.IS: "with the tag {value}",
        Operator.IS_NOT: "without the tag {value}",
    },
    "clicked": {
        Operator.IN_LAST: "who clicked in the last {value}",
        Operator.NOT_IN_LAST: "who did not click in the last {value}",
    },
}
