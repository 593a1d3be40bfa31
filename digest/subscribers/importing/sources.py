"""The systems that lists come from: how their exports are recognised, and what columns mean there.

`sources.toml` describes them by the English headings of their exports; where a system translates
its headings, `headings` reads them.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digest.subscribers.importing.causes import Cause
from digest.subscribers.importing.headings import Meaning
from digest.subscribers.importing.states import plain


@dataclass(frozen=True, slots=True)
class Source:
    """A system, the sets of headings that give its exports away, and its columns' meanings."""

    name: str
    signatures: tuple[frozenset[str], ...]
    meanings: Mapping[str, Meaning]
    terms: Mapping[str, Cause]  # states that mean another one there


def recognise(header: Sequence[str]) -> str:
    """Return the key of the system that wrote a list, or "" if it is none that we know."""
    headings = {plain(heading) for heading in header}
    matches = [
        (max(len(signature) for signature in source.signatures if signature <= headings), key)
        for key, source in SOURCES.items()
        if any(signature <= headings for signature in source.signatures)
    ]
    return max(matches, key=lambda match: match[0])[1] if matches else ""


def _source(values: Mapping[str, Any]) -> Source:
    columns, terms = values.get("columns", {}), values.get("terms", {})
    return Source(
        values["name"],
        tuple(frozenset(_split(headings)) for headings in values["signatures"]),
        {name: Meaning(key) for key, headings in columns.items() for name in _split(headings)},
        {term: Cause(cause) for term, cause in terms.items()},
    )


def _split(headings: str) -> list[str]:
    return [heading.strip() for heading in headings.split(",")]


_FILE = Path(__file__).with_name("sources.toml")
SOURCES: Mapping[str, Source] = {
    key: _source(values) for key, values in tomllib.loads(_FILE.read_text("utf-8")).items()
}
