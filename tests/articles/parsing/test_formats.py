"""Each format: a document, paired with the articles expected of it."""

import json
import re
from dataclasses import asdict
from datetime import datetime
from typing import Any

import pytest

from digest.articles import cleaning, parsing
from tests.articles.publisher import DATA


def plain(value: Any) -> Any:
    """Turn what parsing returns into what JSON can hold."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("rss.xml", "https://courier.example/feed"),
        ("atom.xml", "https://watt.example/feed.atom"),
        ("rdf.xml", "https://annals.example/feed"),
        ("feed.jsonfeed", "https://mud.example/feed.json"),
        ("page.html", "https://courier.example/2026/seals?utm_source=mail"),
    ],
)
def test_a_document_gives_its_articles(name: str, address: str) -> None:
    """Every field of every article, as a subscriber of the document would copy it down."""
    parse = parsing.parse_page if name.endswith(".html") else parsing.parse_feed
    document = cleaning.cleaned(parse((DATA / name).read_bytes(), address))
    actual = plain(asdict(document))
    for entry in actual["entries"]:
        entry["body_html"] = re.sub(r">\s+<", "><", entry["body_html"]).strip()
    expected = json.loads((DATA / name).with_suffix(".json").read_text())
    assert actual == expected


@pytest.mark.parametrize("tags", [5, {"a": 1}, "Harbour", None, True])
def test_tags_that_are_no_list_spoil_no_feed(tags: object) -> None:
    """The item comes without tags, and the others with it."""
    items = [{"id": "1", "title": "Tide", "tags": tags}, {"id": "2", "tags": ["Sea", 7]}]
    feed = {"version": "https://jsonfeed.org/version/1.1", "items": items}
    document = parsing.parse_feed(json.dumps(feed).encode())
    assert [entry.tags for entry in document.entries] == [(), ("Sea",)]
