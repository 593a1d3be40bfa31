"""How documents travel between us and the parsing child: as JSON, checked as it comes in."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from digest.articles.errors import ParseError
from digest.articles.parsing.base import Document, Entry
from digest.articles.parsing.inspection import Card, Inspection

Row = TypeVar("Row")

CARDS = TypeAdapter(Card)
DOCUMENTS = TypeAdapter(Document)
ENTRIES = TypeAdapter(Entry)
INSPECTIONS = TypeAdapter(Inspection)


def dump(row: Any) -> bytes:
    """Return a dataclass as JSON; times as in RFC 3339."""
    return json.dumps(asdict(row), default=_plain).encode()


def load(adapter: TypeAdapter[Row], data: bytes) -> Row:
    """Return the dataclass that JSON stands for. Raises ParseError if it is anything else."""
    try:
        return adapter.validate_json(data)
    except ValidationError as cause:
        raise ParseError("The parser's answer cannot be read.") from cause


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value))
