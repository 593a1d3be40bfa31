"""Reads what is whole of a JSON Feed that is truncated, or not sound in one of its items."""

import json
import re
from contextlib import suppress
from typing import Any

from digest.articles.parsing.base import MAX_READ

_ITEMS = re.compile(r'"items"\s*:\s*\[')
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[{}]', re.DOTALL)
_BAD_ESCAPE = re.compile(r'\\(?:u(?![\da-fA-F]{4})|[^"\\/bfnrtu]|(\\|["/bfnrtu]))')
_COMMA = re.compile(r'("(?:[^"\\]|\\.)*+")|,(?=\s*[}\]])', re.DOTALL)


def whole_items(text: str) -> list[dict[str, Any]]:
    """Return the items that are whole, each mended if need be; what stays broken is left out."""
    start = _ITEMS.search(text)
    items: list[dict[str, Any]] = []
    depth = begin = 0
    for token in _TOKEN.finditer(text, start.end() if start else len(text)):
        depth += {"{": 1, "}": -1}.get(token[0], 0)
        if token[0] == "{" and depth == 1:
            begin = token.start()
        elif token[0] == "}" and depth == 0:
            items += _load(text[begin : token.end()])
        if depth < 0 or len(items) >= MAX_READ:
            break
    return items


def head(text: str) -> dict[str, Any]:
    """Return the fields of a feed that stand before its items."""
    start = _ITEMS.search(text)
    loaded = _load(text[: start.start()].rstrip().rstrip(",") + "}") if start else []
    return loaded[0] if loaded else {}


def _load(text: str) -> list[dict[str, Any]]:
    for version in (text, _COMMA.sub(r"\1", _BAD_ESCAPE.sub(_mend, text))):
        with suppress(ValueError, RecursionError):
            value = json.loads(version, strict=False)
            return [value] if isinstance(value, dict) else []
    return []


def _mend(escape: re.Match[str]) -> str:
    return escape[0] if escape[1] else rf"\{escape[0]}"
