"""Cells that hold several values, as the exports of other systems write them."""

import csv
import json
from contextlib import suppress

from digest.subscribers.errors import InvalidInputError
from digest.subscribers.profiles import MOST_TAGS, clean_tag

_BRACKETS = "[]{}"  # around the list: of Python, of PostgreSQL
_QUOTES = "\"' "


def split_cell(cell: str) -> list[str]:
    """Return the parts of a cell that separates them by commas and may quote them."""
    try:
        row = next(csv.reader([cell], skipinitialspace=True), [])
    except csv.Error:
        row = cell.split(",")
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
        name.strip(_QUOTES)
        for line in value.strip().strip(_BRACKETS).splitlines()
        for part in split_cell(line)
        for name in part.split(";")
    ]
