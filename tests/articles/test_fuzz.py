"""Documents that nobody wrote: no exception but ours, and none takes longer than a second.

More of them with DIGEST_FUZZ=10 in the environment: that many times as many.
"""

import os
import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.articles import cleaning, parsing
from digest.articles.errors import ParseError
from digest.articles.parsing import inspection
from digest.articles.parsing.base import Document
from tests import cpu
from tests.articles import hostile
from tests.articles.publisher import DATA

TIMES = int(os.environ.get("DIGEST_FUZZ", "1"))
SEED = 20261129
MUTATIONS = 10 * TIMES  # of each document
LONGEST = 1.0  # seconds of processor time
SIZE = 20_000  # bytes of a hostile document
URL = "https://courier.example/2026/seals"

Parse = Callable[[bytes, str, str | None], Document]
CASES = DATA.parent / "cases"
SEEDS = sorted(
    path
    for path in (*DATA.rglob("*"), *CASES.rglob("*"))
    if path.suffix in {".xml", ".json", ".html"}
)

PIECES = [
    b"<", b">", b"&", b'"', b"'", b"]]>", b"<![CDATA[", b"<!--", b"-->", b"<?", b"<!DOCTYPE a [",
    b"</item>", b"<item>", b"</title>", b"<entry>", b"&#55357;", b"&#0;", b"&#x110000;", b"\x00",
    b"\xff\xfe", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"<p>", b"</div>", b"<script>", b"<svg>", b"{",
    b"[", b"}", b"\\ud800", b"1e999", b"xmlns:a='b'", b"<a:b>", b"<table>", b"<noscript>", b"<h2>",
    b"9" * 400, b" " * 400, b"<b>" * 60, b"data:image/png;base64,", b"http://[", b"https://a:99999/",
    b"=?utf-8?b?", b"32.13.2026 25:61", b"\r", b"itemprop='articleBody'", b"charset=utf-7",
]  # fmt: skip


def read(parse: Parse, body: bytes) -> None:
    """Parse and clean as a worker's child does; only our own error may come of it."""

    def parse_and_clean() -> None:
        try:
            cleaning.cleaned(parse(body, URL, None))
        except ParseError:
            pass
        except RecursionError:
            pytest.fail("nested too deeply")

    spent = cpu.seconds_of(parse_and_clean)
    assert spent < LONGEST, f"{spent:.1f} seconds for {body[:200]!r}"


def mutated(body: bytes, chance: random.Random) -> bytes:
    """Return a document with a few bytes changed, cut, repeated or put in."""
    data = bytearray(body)
    for _ in range(chance.randint(1, 8)):
        at, length = chance.randrange(len(data) + 1), chance.randint(0, 60)
        part = bytes(data[at : at + length])
        data[at : at + length] = chance.choice(
            [b"", chance.choice(PIECES), chance.randbytes(length), part * 3, part + data[:length]]
        )
    return bytes(data)


@pytest.mark.parametrize("parse", [parsing.parse_feed, parsing.parse_page])
def test_documents_with_a_few_bytes_changed(parse: Parse) -> None:
    """All test documents, each with faults that nobody thought of."""
    assert len(SEEDS) > 20
    chance = random.Random(SEED)
    for path in SEEDS:
        body = path.read_bytes()
        for _ in range(MUTATIONS):
            read(parse, mutated(body, chance))


def documents() -> st.SearchStrategy[bytes]:
    """Documents of pieces that mean something to a parser."""
    pieces = st.lists(st.sampled_from(PIECES) | st.binary(max_size=20), max_size=40)
    starts = st.sampled_from(
        [hostile.RSS.encode(), b"<feed xmlns='http://www.w3.org/2005/Atom'><entry><title>",
         b"<rdf:RDF><item>", b'{"items":[{"id":"1","content_html":"', b"<!DOCTYPE html><html>",
         b"<html><head><script type='application/ld+json'>", b""]
    )  # fmt: skip
    return st.builds(lambda start, parts: start + b"".join(parts), starts, pieces)


@settings(
    max_examples=60 * TIMES, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
@given(body=documents())
def test_documents_of_pieces(body: bytes) -> None:
    """Whatever stands where it should not."""
    for parse in (parsing.parse_feed, parsing.parse_page):
        read(parse, body)
    with_inspection(body)


def with_inspection(body: bytes) -> None:
    """Discovery reads the same documents."""
    try:
        inspection.inspect(body, URL)
    except ParseError:
        return


@pytest.mark.parametrize("kind", sorted(hostile.FEEDS))
def test_hostile_feeds_take_no_longer(kind: str) -> None:
    """Kinds that aim at quadratic time, in feeds."""
    read(parsing.parse_feed, hostile.FEEDS[kind](SIZE))


@pytest.mark.parametrize("kind", sorted(hostile.PAGES))
def test_hostile_pages_take_no_longer(kind: str) -> None:
    """Kinds that aim at quadratic time, in pages."""
    read(parsing.parse_page, hostile.PAGES[kind](SIZE))
