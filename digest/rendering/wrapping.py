"""Plain text of fixed width: wrapping that respects wide characters, and headings."""

import re
from itertools import pairwise
from unicodedata import category, combining, east_asian_width

WIDTH = 72
# Categories of characters that stay with the previous or the next one: punctuation and marks.
_CLOSING = {"Pe", "Pf", "Po", "Lm", "Mn", "Me", "Cf", "Zs"}
_OPENING = {"Ps", "Pi"}


def wrap(text: str, width: int = WIDTH) -> str:
    """Return text in lines of at most `width` columns; a longer word gets a line of its own.

    Line breaks in the text count as spaces.
    """
    lines, line = [], ""
    for unit in _units(" ".join(text.split())):
        if line and columns(line) + columns(unit.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += unit
    return "\n".join([*lines, line.rstrip()])


def underline(heading: str, with_: str = "=") -> str:
    """Return a heading with a line under it as long as itself."""
    lines = wrap(heading)
    length = min(WIDTH, max(map(columns, lines.splitlines()), default=0))
    return f"{lines}\n{with_ * length}"


def columns(text: str) -> int:
    """Return how many columns a text takes in a fixed-width font."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if combining(character) or character in "\u200d\ufe0f":
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def _units(text: str) -> list[str]:
    """Split text into units that must not be broken."""
    units: list[str] = []
    for token in re.findall(r"\S+\s*", text):
        units += _split_wide(token)
    return units


def _split_wide(token: str) -> list[str]:
    """Split next to wide characters too: Chinese and Japanese have no spaces."""
    pieces = [token[0]]
    for previous, character in pairwise(token):
        is_attached = category(character) in _CLOSING or category(previous) in _OPENING
        is_wide = 2 in {_columns(previous), _columns(character)}
        if is_wide and not is_attached:
            pieces.append(character)
        else:
            pieces[-1] += character
    return pieces
