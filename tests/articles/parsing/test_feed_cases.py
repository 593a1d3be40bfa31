"""Feeds as publishers really write them, each beside the articles that a subscriber should get."""

import json

import pytest

from digest.articles import cleaning, parsing
from digest.articles.errors import ParseError
from digest.articles.parsing.base import Entry
from tests.articles.publisher import CASES

RIGHT: dict[str, list[dict[str, object]]] = json.loads((CASES / "feeds/right.json").read_text())


def article(entry: Entry) -> dict[str, object]:
    """Return what an entry says, without what it leaves blank."""
    published = entry.published_at.isoformat().replace("+00:00", "Z") if entry.published_at else ""
    picture = entry.image
    names = ("url", "alt", "caption", "credit")
    image = {name: getattr(picture, name) for name in names if getattr(picture, name)}
    fields = {
        "summary": entry.summary,
        "byline": entry.byline,
        "published_at": published,
        "image": image,
    }
    filled = {name: value for name, value in fields.items() if value}
    return {"title": entry.title, "url": entry.url, **filled}


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_a_feed_gives_its_articles(name: str) -> None:
    """Titles, links, summaries, bylines, dates and pictures, all of them."""
    body = (CASES / "feeds" / name).read_bytes()
    document = cleaning.cleaned(parsing.parse_feed(body, "http://site.example/feed"))
    assert [article(entry) for entry in document.entries] == RIGHT[name]


def test_every_case_has_its_right_value() -> None:
    """A case that nobody compares proves nothing."""
    refused = {"17-entry-document.xml"}
    cases = {path.name for path in (CASES / "feeds").iterdir()} - {"right.json"}
    assert cases == {*RIGHT} | refused


def test_a_single_entry_is_named_for_what_it_is() -> None:
    """An Atom entry document has the same words as a feed, and is not one."""
    body = (CASES / "feeds/17-entry-document.xml").read_bytes()
    with pytest.raises(ParseError, match="an Atom entry, not a feed"):
        parsing.parse_feed(body, "http://site.example/a.atom")
