"""Plain text for a window of fixed width: wrapping that knows wide characters, and headings."""

import re
from itertools import pairwise
from unicodedata import category, combining, east_asian_width

WIDTH = 72
# Characters that stay with the one before, or with the one after: punctuation and marks.
_CLOSING = {"Pe", "Pf", "Po", "Lm", "Mn", "Me", "Cf", "Zs"}
_OPENING = {"Ps", "Pi"}


def wrapped(text: str, width: int = WIDTH) -> str:
    """Return text in lines of at most `width` columns; a longer word stands on a line of its own.

    Line ends in the text count as spaces.
    """
    lines, line = [], ""
    for unit in _units(" ".join(text.split())):
        if line and columns(line) + columns(unit.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += unit
    return "\n".join([*lines, line.rstrip()])


def underlined(heading: str, with_: str = "=") -> str:
    """Return a heading with a line under it as long as itself."""
    shown = wrapped(heading)
    return f"{shown}\n{with_ * min(WIDTH, max(map(columns, shown.splitlines()), default=0))}"


def columns(text: str) -> int:
    """Return how many columns text takes in a window of fixed width."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if combining(character) or character in "\u200d\ufe0f":
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def _units(text: str) -> list[str]:
    """Split text into what must stay together."""
    units: list[str] = []
    for word in re.findall(r"\S+\s*", text):
        units += _unbroken(word)
    return units


def _unbroken(word: str) -> list[str]:
    """Break beside wide characters too: Chinese and Japanese have no spaces."""
    pieces = [word[0]]
    for before, character in pairwise(word):
        sticks = category(character) in _CLOSING or category(before) in _OPENING
        wide = 2 in {_columns(before), _columns(character)}
        if wide and not sticks:
            pieces.append(character)
        else:
            pieces[-1] += character
    return pieces
