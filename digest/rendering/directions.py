"""Texts in both directions of writing: isolates in plain text, `dir` and <bdi> in HTML.

A mail program orders a line by its first letter or from left to right, and moves marks and numbers
to the wrong end of a name or an address in the other direction (UAX #9).
"""

from markupsafe import Markup

from digest.core.languages import text_direction

_MARKS = {"rtl": "\u200f", "ltr": "\u200e"}  # RLM, LRM: the line is set in that direction
_ISOLATES = {"rtl": "\u2067", "ltr": "\u2066"}  # RLI, LRI
_FIRST_STRONG, _POP = "\u2068", "\u2069"  # FSI, PDI


def isolate(text: str) -> str:
    """Return a name for a line of plain text that may be in the other direction (FSI, PDI)."""
    return f"{_FIRST_STRONG}{text}{_POP}" if text else ""


def isolate_name(name: str, base: str) -> str:
    """Return a name for a sentence set in `base`: isolated if it is in the other direction."""
    return name if text_direction(name, base) == base else isolate(name)


def isolate_address(address: str, base: str) -> str:
    """Return an address or a link for a sentence set in `base`: it reads from left to right."""
    return f"{_ISOLATES['ltr']}{address}{_POP}" if base == "rtl" else address


def bdi(name: str, base: str) -> str:
    """Return a name for HTML set in `base`: in <bdi> if it is in the other direction."""
    own = text_direction(name, base)
    return name if own == base else Markup('<bdi dir="{}">{}</bdi>').format(own, name)


def dir_attribute(text: str, base: str) -> str:
    """Return ` dir="…"` for an element whose text is in another direction than `base`, else ""."""
    own = text_direction(text, base)
    return "" if own == base else Markup(' dir="{}"').format(own)


def set_by_letters(text: str, base: str) -> str:
    """Return plain text set in the direction of most of its letters, in a text set in `base`."""
    return set_lines(text, text_direction(text, base), base)


def set_lines(text: str, direction: str, base: str) -> str:
    """Return lines of plain text so that each is set in `direction`, in a text set in `base`.

    Lines that a mail program sets like that by itself stay as they are.
    """
    return "\n".join(_set_line(line, direction, base) for line in text.split("\n"))


def _set_line(line: str, direction: str, base: str) -> str:
    first = next((text_direction(c, "") for c in line if text_direction(c, "")), direction)
    if not line.strip() or (direction == base and first == direction):
        return line
    return f"{_MARKS[direction]}{_ISOLATES[direction]}{line}{_POP}"
