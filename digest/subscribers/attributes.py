"""The attributes that a publication gives its subscribers: defined, and their values read.

Values come as text (a form, a column of a list) or as JSON (the API); both are read by the type.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.deletion import RestrictedError

from digest.core.database.statements import execute
from digest.core.database.uniqueness import refuse_duplicate
from digest.core.text import one_line
from digest.newsletters.audiences.models import LONGEST_KEY, LONGEST_LABEL, Attribute
from digest.newsletters.models import Publication
from digest.subscribers import choice_changes
from digest.subscribers.errors import InvalidInputError, SubscriberError
from digest.subscribers.segments.rules import names_attribute

MOST = 100  # of a publication
MOST_CHOICES = 200
LONGEST_VALUE = 500
LARGEST = Decimal(10) ** 15
Value = str | int | float | bool | None
Kind = Attribute.Kind

YES = frozenset(["yes", "true", "1", "on", "y", "ja", "oui", "sí", "si", "sim"])
NO = frozenset(["no", "false", "0", "off", "n", "nein", "non", "não", "nao", "nee"])


def define(
    publication: Publication,
    *,
    label: str,
    kind: str,
    now: datetime,
    key: str = "",
    choices: Sequence[str] = (),
    access: str = Attribute.Access.NONE,
) -> Attribute:
    """Create an attribute; raise SubscriberError for what cannot be.

    Without a `key` it is made from the label. Neither key nor kind can be changed later.
    """
    if publication.attributes.count() >= MOST:
        raise SubscriberError(f"A publication has {MOST} attributes at most.")
    attribute = Attribute(
        publication=publication,
        key=key or _key_of(label),
        kind=kind,
        access=access,
        created_at=now,
    )
    _set_texts(attribute, label, choices)
    with refuse_duplicate(SubscriberError(f"There is an attribute “{attribute.key}” already.")):
        attribute.save()
    return attribute


@transaction.atomic
def define_texts(publication: Publication, labels: Sequence[str], now: datetime) -> None:
    """Create an attribute of the type text for each label; SubscriberError if one cannot be."""
    for label in labels:
        define(publication, label=label, kind=Kind.TEXT, now=now)


@transaction.atomic
def change(
    attribute: Attribute,
    *,
    label: str | None = None,
    choices: Sequence[str] | None = None,
    access: str | None = None,
) -> None:
    """Change an attribute; raise SubscriberError for what cannot be.

    Subscribers keep a choice that is offered no more; while a segment asks for it, it stays. Where
    only the spelling of a choice changes, subscribers and segments get the new one.
    """
    old_choices = list(attribute.choices)
    is_tier = bool(attribute.stripe_accounts.select_for_update())  # events wait for this change
    if is_tier and access in {Attribute.Access.CHANGE, Attribute.Access.SIGN_UP}:
        raise SubscriberError(f"“{attribute}” is set by Stripe: subscribers cannot change it.")
    attribute.access = attribute.access if access is None else access
    _set_texts(
        attribute,
        attribute.label if label is None else label,
        attribute.choices if choices is None else choices,
    )
    if set(old_choices) != set(attribute.choices):
        choice_changes.apply(attribute, set(old_choices))
    attribute.save()
    if old_choices != attribute.choices:  # another order, too
        choice_changes.changed.send(Attribute, attribute=attribute)


@transaction.atomic
def delete(attribute: Attribute) -> None:
    """Delete an attribute with every value; raise SubscriberError while a segment needs it."""
    for segment in attribute.publication.segments.all():
        if names_attribute(segment.rules, attribute.key):
            raise SubscriberError(
                f"The segment “{segment}” asks for “{attribute}”. Change the segment first."
            )
    # Raw SQL: the ORM cannot remove a key from documents.
    execute(_FORGET, [attribute.key, attribute.publication_id, attribute.key])
    try:
        attribute.delete()
    except RestrictedError as cause:
        raise SubscriberError(
            f"“{attribute}” is set by Stripe. Disconnect Stripe under Memberships first."
        ) from cause


_FORGET = """
UPDATE subscribers_profile SET attributes = attributes - %s::text
WHERE publication_id = %s AND attributes ? %s
"""


def read_value(attribute: Attribute, value: object) -> Value:
    """Return a value as it is stored, None for an empty one.

    Raises InvalidInputError for what is not of the attribute's type. Text is cut to one line.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    read = _READINGS[Kind(attribute.kind)](attribute, value)
    if read is None:
        cell = one_line(str(value), 60)
        raise InvalidInputError(f"{attribute}: “{cell}” cannot be read. {_hint(attribute)}")
    return read


def read_values(
    attributes: Mapping[str, Attribute], values: Mapping[str, object]
) -> dict[str, Value]:
    """Return values by key as they are stored; raise InvalidInputError for an unknown key too."""
    if unknown := sorted(set(values) - set(attributes)):
        raise InvalidInputError(f"There is no attribute “{one_line(unknown[0], 60)}”.")
    return {key: read_value(attributes[key], value) for key, value in values.items()}


def show_value(attribute: Attribute, value: Value) -> str:
    """Return a stored value for people."""
    if value is None:
        return ""
    if attribute.kind == Kind.BOOLEAN:
        return "Yes" if value else "No"
    return str(value)


def attributes_of(publication_id: int) -> dict[str, Attribute]:
    """Return a publication's attributes by their keys, in the order of their labels."""
    rows = Attribute.objects.filter(publication=publication_id)
    return {row.key: row for row in rows}


def _set_texts(attribute: Attribute, label: str, choices: Sequence[str]) -> None:
    attribute.label = one_line(label, LONGEST_LABEL)
    lines = [one_line(choice, LONGEST_LABEL) for choice in choices]
    attribute.choices = list(dict.fromkeys(filter(None, lines)))
    is_choice = attribute.kind == Kind.CHOICE
    if is_choice and not attribute.choices:
        raise InvalidInputError("Enter the choices, each on a line of its own.")
    if attribute.choices and not is_choice:
        raise InvalidInputError("Only a choice has choices.")
    if len({choice.casefold() for choice in attribute.choices}) < len(attribute.choices):
        raise InvalidInputError("Two choices differ only in capitals. Keep one of them.")
    if len(attribute.choices) > MOST_CHOICES:
        raise InvalidInputError(f"An attribute has {MOST_CHOICES} choices at most.")
    try:
        attribute.clean_fields(exclude=["publication"])
    except ValidationError as problem:
        name, messages = next(iter(problem.message_dict.items()))
        raise InvalidInputError(f"The {name}: {messages[0]}") from problem


def _key_of(label: str) -> str:
    key = re.sub(r"[^a-z0-9]+", "_", label.casefold()).strip("_")[:LONGEST_KEY].strip("_")
    return key if key[:1].isalpha() else f"a_{key}"[:LONGEST_KEY].strip("_")


def _read_text(_attribute: Attribute, value: object) -> Value:
    return one_line(value, LONGEST_VALUE) if isinstance(value, str) else None


def _read_number(_attribute: Attribute, value: object) -> Value:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) > LARGEST:
        return None
    return int(number) if number == number.to_integral_value() else float(number)


def _read_date(_attribute: Attribute, value: object) -> Value:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value.strip()):
        return None  # a date is read whole or not at all
    try:
        return date.fromisoformat(value.strip()).isoformat()
    except ValueError:
        return None


def _read_boolean(_attribute: Attribute, value: object) -> Value:
    if isinstance(value, bool):
        return value
    text = str(value).strip().casefold()
    return True if text in YES else False if text in NO else None


def _read_choice(attribute: Attribute, value: object) -> Value:
    text = str(value).strip().casefold()
    return next((choice for choice in attribute.choices if choice.casefold() == text), None)


_READINGS = {
    Kind.TEXT: _read_text,
    Kind.NUMBER: _read_number,
    Kind.DATE: _read_date,
    Kind.BOOLEAN: _read_boolean,
    Kind.CHOICE: _read_choice,
}


def _hint(attribute: Attribute) -> str:
    if attribute.kind == Kind.CHOICE:
        return f"Choose one of: {', '.join(attribute.choices[:20])}."
    return {
        Kind.TEXT: "Enter a text.",
        Kind.NUMBER: "Enter a number, for example 12.5.",
        Kind.DATE: "Enter a date like 2026-11-30.",
        Kind.BOOLEAN: "Enter yes or no.",
    }[Kind(attribute.kind)]
