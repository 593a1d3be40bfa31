"""Cells that hold several values, as the exports of other systems write them."""

import csv
import json
import re
from contextlib import suppress

from digest.subscribers.errors import InvalidInputError
from digest.subscribers.profiles import MOST_TAGS, clean_tag

_BRACKETS = "[]{}"  # around the list: of Python, of PostgreSQL
_QUOTES = "\"'"
_QUOTED_BEFORE_SEMICOLON = re.compile(r'"\s*;')


def split_cell(cell: str, separator: str = ",") -> list[str]:
    """Return the parts of a cell that separates them and may quote them."""
    try:
        row = next(csv.reader([cell], delimiter=separator, skipinitialspace=True), [])
    except csv.Error:
        row = cell.split(separator)
    return [part.strip() for part in row if part.strip()]


def read_tags(value: object) -> tuple[str, ...]:
    """Return the tags in a cell, each once: `a, b`, `a; b`, `"a","b"`, `{a,b}`, a list in JSON.

    What cannot be a tag is left out.
    """
    tags = []
    for part in _parts(value):
        with suppress(InvalidInputError):
            tags.append(clean_tag(part))
    return tuple(dict.fromkeys(tags))[:MOST_TAGS]


def _parts(value: object) -> list[str]:
    if isinstance(value, str) and value.lstrip().startswith("["):
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    if isinstance(value, list):
        names = (part.get("name") if isinstance(part, dict) else part for part in value)
        return [name for name in names if isinstance(name, str)]
    if not isinstance(value, str):
        return []
    return [
        _unquoted(part)
        for line in value.strip().strip(_BRACKETS).splitlines()
        for part in _split_line(line)
    ]


def _split_line(line: str) -> list[str]:
    """Return the parts of a line, separated by commas or semicolons; what is quoted stays whole."""
    if '"' not in line:
        return [part for parts in split_cell(line) for part in parts.split(";")]
    return split_cell(line, ";" if _QUOTED_BEFORE_SEMICOLON.search(line) else ",")


def _unquoted(part: str) -> str:
    text = part.strip()
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES
    return text[1:-1] if is_quoted else text
