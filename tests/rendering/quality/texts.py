"""Articles in several languages, for issues that look like real ones."""

import json
from pathlib import Path
from typing import Any, NamedTuple


class Text(NamedTuple):
    """What a story says."""

    title: str
    summary: str
    byline: str
    kicker: str


_DATA = json.loads(Path(__file__).with_name("texts.json").read_text())
BANKS: dict[str, list[Text]] = {
    language: [Text(*row) for row in rows] for language, rows in _DATA["stories"].items()
}
CONTENTS: dict[str, dict[str, Any]] = _DATA["blocks"]  # by the kind of block
ENGLISH, HEBREW = BANKS["en"], BANKS["he"]
