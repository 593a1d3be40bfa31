"""Which known article an entry is, however its publisher names it."""

# ruff: noqa: E501  a case a line reads best

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.articles.canonical import canonical
from digest.articles.identity import KnownArticle, match

PUBLISHED = datetime(2026, 11, 23, 8, tzinfo=UTC)
SEALS = "https://courier.example/seals"
EBB = "https://courier.example/ebb"
FRONT = "https://courier.example/"


@dataclass(frozen=True)
class Item:
    guid: str = ""
    url: str = ""
    title: str = "Seals return"
    published_at: datetime | None = None


def matched(entries: list[Item], candidates: list[KnownArticle]) -> list[int | None]:
    """Return the articles decided on."""
    return [decision.article for decision in match(entries, candidates)]


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("HTTPS://Courier.Example:443/Seals#top", "https://courier.example/Seals"),
        ("http://courier.example:80/seals", SEALS),
        ("http://www.courier.example/seals", SEALS),
        ("https://courier.example/seals?utm_source=rss&utm_medium=feed", SEALS),
        ("https://courier.example/seals?b=2&fbclid=x&a=1&gclid=y", SEALS + "?a=1&b=2"),
        ("https://courier.example/seals?at_medium=RSS&at_campaign=rss", SEALS),
        ("https://courier.example/seals?mc_cid=1&mc_eid=2", SEALS),
        ("https://courier.example/?p=12", FRONT + "?p=12"),
        ("https://ada@courier.example:8443/seals", "https://courier.example:8443/seals"),
        ("https://bücher.example/flut", "https://xn--bcher-kva.example/flut"),
        ("https://BÜCHER.example./flut", "https://xn--bcher-kva.example/flut"),
        (f"  {SEALS} ", SEALS),
        ("https://courier.example", FRONT),
        ("https://courier.example/" + "a" * 2000, ""),
        ("mailto:ada@courier.example", ""),
        ("/seals", ""),
        ("https://", ""),
        ("https://courier.example:99999/", ""),
        ("http://[::1", ""),
        ("https://courier.example/a b", "https://courier.example/a%20b"),
        (f"{SEALS}/", SEALS),
        ("https://courier.example//news///seals//", "https://courier.example/news/seals"),
        ("https://courier.example/news/../ebb/./seals", "https://courier.example/ebb/seals"),
        (f"{SEALS}.html", SEALS),
        (f"{SEALS}/index.php", SEALS),
        ("https://courier.example/index.html", FRONT),
        ("https://courier.example/index.php?id=3", FRONT + "?id=3"),
        ("https://courier.example/caf%C3%A9", "https://courier.example/caf%C3%A9"),
        ("https://courier.example/caf%c3%a9", "https://courier.example/caf%C3%A9"),
        ("https://courier.example/café", "https://courier.example/caf%C3%A9"),
        ("https://courier.example/cafe\u0301", "https://courier.example/caf%C3%A9"),
        ("https://courier.example/caf%E9", "https://courier.example/caf%C3%A9"),
        ("https://courier.example/%73eals%7E", SEALS + "~"),
        ("https://courier.example/a%2fb", "https://courier.example/a%2Fb"),
        ("https://courier.example/a%3Fb", "https://courier.example/a%3Fb"),
        (f"{SEALS}?q=a%20b", SEALS + "?q=a+b"),
        (f"{SEALS};jsessionid=0A1B2C?id=3", SEALS + "?id=3"),
        (f"{SEALS}?PHPSESSID=abc&id=3", SEALS + "?id=3"),
        (f"{SEALS}?sid=9f8e7d6c5b4a39281706", SEALS),
        ("https://courier.example/(S(lit3py55t21z5v55vlm25s55))/seals", SEALS),
        (f"{SEALS}?ref=rss&source=newsletter", SEALS),
        # What identifies stays.
        (f"{SEALS}?id=1", SEALS + "?id=1"),
        (f"{SEALS}?sid=20061129", SEALS + "?sid=20061129"),
        (f"{SEALS}?session=12", SEALS + "?session=12"),
        (f"{SEALS}?ref=ada", SEALS + "?ref=ada"),
        (f"{SEALS}?page=2", SEALS + "?page=2"),
        ("https://courier.example/SEALS", "https://courier.example/SEALS"),
        ("https://courier.example/.html", "https://courier.example/.html"),
        ("https://news.courier.example/seals", "https://news.courier.example/seals"),
        ("", ""),
    ],
)
def test_links_are_compared_in_one_form(url: str, form: str) -> None:
    """Spelling, counters and the way of transport make no difference; what identifies stays."""
    assert canonical(url) == form


@given(
    st.text(max_size=50).map(lambda path: f"https://courier.example/{path}") | st.text(max_size=60)
)
def test_the_canonical_form_is_stable(url: str) -> None:
    """Bringing it into form a second time changes nothing, and nothing makes it fail."""
    assert canonical(canonical(url)) == canonical(url)


@pytest.mark.parametrize(
    ("entry", "candidate", "article"),
    [
        pytest.param(Item("g1", SEALS), KnownArticle(1, SEALS, SEALS, "Seals return", ("g1",)), 1, id="nothing changed"),
        pytest.param(Item("g2", SEALS), KnownArticle(1, SEALS, SEALS, "Seals return", ("g1",)), 1, id="a new guid every poll"),
        pytest.param(Item("", SEALS), KnownArticle(1, SEALS, SEALS, "Other words", ()), 1, id="no guid"),
        pytest.param(Item("g1", ""), KnownArticle(1, "", "", "Other words", ("g1",)), 1, id="no link"),
        pytest.param(Item("g1", EBB), KnownArticle(1, SEALS, SEALS, "Seals return!", ("g1",)), 1, id="slug edited"),
        pytest.param(Item("g1", SEALS, "Seals are back"), KnownArticle(1, SEALS, SEALS, "Seals return", ("g1",)), 1, id="headline edited"),
        pytest.param(Item("g1", EBB, "The ebb"), KnownArticle(1, SEALS, SEALS, "Seals return", ("g1",)), None, id="guid used again"),
        pytest.param(Item("g1", EBB, "The ebb", PUBLISHED), KnownArticle(1, SEALS, SEALS, "Seals return", ("g1",), PUBLISHED), 1, id="slug and headline edited, same date"),
        pytest.param(Item("g9", SEALS + "?utm_source=b"), KnownArticle(1, SEALS, SEALS, "Seals return", ()), 1, id="another source, same link"),
        pytest.param(Item("g1", EBB), KnownArticle(1, SEALS, SEALS, "Seals return", ()), None, id="another source's guid says nothing"),
        pytest.param(Item("g2", FRONT, "The ebb"), KnownArticle(1, "", FRONT, "Seals return", ("g1",)), None, id="links all to the front page"),
        pytest.param(Item("g1", FRONT, "Seals return again"), KnownArticle(1, "", FRONT, "Seals return", ("g1",)), 1, id="front page, known guid"),
        pytest.param(Item("g3", EBB, "The ebb"), KnownArticle(1, "", EBB, "Seals return", ("g1",)), None, id="a link known to be shared"),
    ],
)  # fmt: skip
def test_an_entry_is_recognised(entry: Item, candidate: KnownArticle, article: int | None) -> None:
    """By guid within the source, then by link, with the exceptions that publishers make needful."""
    assert matched([entry], [candidate]) == [article]


def test_the_link_decides_between_articles_under_one_guid() -> None:
    """A guid used for two articles belongs to whichever has the entry's link."""
    candidates = [
        KnownArticle(1, SEALS, SEALS, "Seals", ("g",)),
        KnownArticle(2, EBB, EBB, "Ebb", ("g",)),
    ]
    assert matched([Item("g", EBB, "Ebb tide")], candidates) == [2]


@pytest.mark.parametrize(
    ("entries", "articles"),
    [
        pytest.param([Item("g1", SEALS), Item("g1", SEALS)], 1, id="twice the same"),
        pytest.param([Item("g1", SEALS), Item("g2", SEALS)], 1, id="two guids, one link, one title"),
        pytest.param([Item("", SEALS), Item("", SEALS + "#b")], 1, id="no guids, one link"),
        pytest.param([Item("g1", SEALS), Item("g1", EBB)], 1, id="one guid, one title, two links"),
        pytest.param([Item("g1", SEALS), Item("g1", EBB, "The ebb")], 2, id="one guid for two articles"),
        pytest.param([Item("g1", FRONT), Item("g2", FRONT, "The ebb")], 2, id="all link to the front page"),
        pytest.param([Item("g1", EBB), Item("g2", EBB, "The ebb"), Item("g3", EBB, "Flow")], 3, id="all link to one page"),
        pytest.param([Item("", EBB), Item("", EBB, "The ebb")], 2, id="all link to one page, no guids"),
        pytest.param([Item(), Item(title="The ebb")], 2, id="neither guid nor link"),
        pytest.param([Item(), Item()], 1, id="neither, and the same title"),
    ],
)  # fmt: skip
def test_entries_of_one_document_are_told_apart(entries: list[Item], articles: int) -> None:
    """The same article twice is one, different ones stay apart whatever they share."""
    decisions = match(entries, [])
    assert len(decisions) == articles
    assert decisions[0].entry == 0
    links = [d.canonical for d in decisions if d.canonical]
    assert len(set(links)) == len(links)


items = st.builds(
    Item,
    st.sampled_from(["", "g1", "g2", "g3"]),
    st.sampled_from(["", SEALS, EBB, FRONT, SEALS + "?utm_source=x"]),
    st.sampled_from(["Seals return", "seals  return!", "The ebb", "Flow"]),
)


@given(st.lists(items, max_size=6))
def test_polling_the_same_document_again_finds_no_news(entries: list[Item]) -> None:
    """Whatever a publisher sends: sent again unchanged, every article is known and none is lost."""
    first = match(entries, [])
    candidates = [
        KnownArticle(
            n,
            d.canonical,
            entries[d.entry].url,
            entries[d.entry].title,
            (d.guid,) if d.guid else (),
        )
        for n, d in enumerate(first)
    ]
    second = match(entries, candidates)
    assert [d.article for d in second] == list(range(len(first)))
