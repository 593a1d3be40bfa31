"""Enumerations: their labels, and values that a caller picks, such as an API token's scopes."""

from collections.abc import Iterable
from typing import Any


class LowercaseLabels:
    """Labels that follow from the names of members are in lower case, as within a sentence.

    `class State(LowercaseLabels, TextChoices)`: the label of NO_DIFFERENCE is "no difference".
    """

    @property
    def label(self) -> str:
        """The label that is written beside the value, or else the name in lower case."""
        member: Any = self
        text = member.name.replace("_", " ")
        return str(text.lower() if member._label_ == text.title() else member._label_)


def pick(
    names: Iterable[str], choices: Iterable[str], noun: str, error: type[Exception]
) -> list[str]:
    """Return the named values once each, in the order of `choices`.

    Raises `error`, with what there is to choose from, if a name is unknown or there is none. `noun`
    is what one is called, with its article: `a scope`.
    """
    selected, values = set(names), [str(choice) for choice in choices]
    if unknown := sorted(selected - set(values)):
        raise error(f"{unknown[0]!r} is not {noun}. Choose from: {', '.join(values)}.")
    if not selected:
        raise error(f"Choose at least one {noun.partition(' ')[2]}: {', '.join(values)}.")
    return [choice for choice in values if choice in selected]
