"""What a designed form asks beside the address, in the active language."""

from typing import TypedDict

from django.utils.translation import gettext as _

from digest.newsletters.audiences.models import Attribute
from digest.selfservice.offers import Offer
from digest.subscribers.own_values import PREFIX

_TYPES = {Attribute.Kind.NUMBER: "number", Attribute.Kind.DATE: "date"}  # of HTML's input


class Question(TypedDict):
    """A field of a form: an input of a type, or a choice of values with their labels."""

    name: str
    label: str
    type: str
    choices: list[tuple[str, str]]


def questions_of(offer: Offer) -> list[Question]:
    """Return the fields for the attributes that a form asks for."""
    return [
        Question(
            name=f"{PREFIX}{attribute.key}",
            label=attribute.label,
            type=_TYPES.get(Attribute.Kind(attribute.kind), "text"),
            choices=_choices(attribute),
        )
        for attribute in offer.attributes
    ]


def _choices(attribute: Attribute) -> list[tuple[str, str]]:
    if attribute.kind == Attribute.Kind.BOOLEAN:
        return [("yes", _("Yes")), ("no", _("No"))]
    return [(choice, choice) for choice in attribute.choices]
