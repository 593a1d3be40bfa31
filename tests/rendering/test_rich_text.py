"""Rich text in a mail: its HTML, its plain text, and that nothing of it runs."""

# ruff: noqa: E501  documents read best on a line each

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from digest.core.rich_text import Document, from_html, parse
from digest.rendering.rich_text import to_html, to_text
from tests.documents import PICTURE, block, document, image, link, nested, paragraph, text

HEBREW = "שלום לכל הקוראים שלנו"
TAGS = {"p", "h2", "h3", "ul", "ol", "li", "blockquote", "a", "strong", "em", "br", "div", "img"}
ATTRIBUTES = {"class", "dir", "href", "src", "width", "height", "alt", "start"}


@dataclass(frozen=True)
class Picture:
    url: str = "https://digest.example/p/quay.jpg"
    width: int = 536
    height: int = 300


def html(*blocks: Any, base: str = "ltr") -> str:
    """Render a document; every picture of it is there."""
    return to_html(parse(document(*blocks)), lambda _uuid: Picture(), base=base)


def plain(*blocks: Any, base: str = "ltr") -> str:
    """Render a document as text."""
    return to_text(parse(document(*blocks)), base=base)


def item(*content: Any) -> dict[str, Any]:
    """Return a list item."""
    return block("listItem", paragraph(*content))


def test_each_node_has_its_element_and_class() -> None:
    """The theme styles these classes."""
    link_mark = link("https://example.org/?a=1&b=2")
    assert html(
        block("heading", text("Head"), level=2),
        block("heading", text("Less"), level=3),
        paragraph(text("a & "), text("b", link_mark), text("c", link_mark, {"type": "bold"})),
        paragraph(text("d", {"type": "italic"}), {"type": "hardBreak"}, text("e")),
        block(
            "bulletList", item(text("one")), block("listItem", paragraph(text("two")), nested(1))
        ),
        block("orderedList", item(text("three")), start=3),
        block("blockquote", paragraph(text("said"))),
        image(alt='The "quay"'),
    ) == (
        '<h2 class="rt-h2">Head</h2><h3 class="rt-h3">Less</h3>'
        '<p class="rt-p">a &amp; <a class="rt-a" href="https://example.org/?a=1&amp;b=2">'
        "b<strong>c</strong></a></p>"
        '<p class="rt-p"><em>d</em><br>e</p>'
        '<ul class="rt-ul"><li class="rt-li">one</li><li class="rt-li">two<ul class="rt-ul">'
        '<li class="rt-li">x<p class="rt-p">deep</p></li></ul></li></ul>'
        '<ol class="rt-ol" start="3"><li class="rt-li">three</li></ol>'
        '<blockquote class="rt-quote"><p class="rt-p">said</p></blockquote>'
        '<div class="rt-figure"><img class="rt-img" src="https://digest.example/p/quay.jpg" '
        'width="536" height="300" alt="The &#34;quay&#34;"></div>'
    )


def test_headings_take_the_level_that_the_mail_has_for_them() -> None:
    """Below a block with a heading of its own they are one lower; the look stays."""
    read = parse(
        document(block("heading", text("a"), level=2), block("heading", text("b"), level=3))
    )
    assert to_html(read, heading=3) == '<h3 class="rt-h2">a</h3><h4 class="rt-h3">b</h4>'


def test_what_is_empty_and_a_picture_that_is_missing_leave_nothing() -> None:
    """An editor's blank lines are not gaps in the mail."""
    blank = document(paragraph(), paragraph(text("  ")), block("bulletList", item()), image())
    assert to_html(parse(blank)) == ""
    assert to_text(parse(blank)) == ""


def test_a_block_in_the_other_direction_says_so() -> None:
    """In both kinds of mail, and once only: what is inside inherits it."""
    assert html(paragraph(text(HEBREW)), paragraph(text("a"))) == (
        f'<p class="rt-p" dir="rtl">{HEBREW}</p><p class="rt-p">a</p>'
    )
    assert html(paragraph(text(HEBREW)), paragraph(text("abc")), base="rtl") == (
        f'<p class="rt-p">{HEBREW}</p><p class="rt-p" dir="ltr">abc</p>'
    )
    assert html(block("blockquote", paragraph(text(HEBREW)))) == (
        f'<blockquote class="rt-quote" dir="rtl"><p class="rt-p">{HEBREW}</p></blockquote>'
    )
    assert html(block("bulletList", item(text(HEBREW)), item(text(HEBREW)), item(text("b")))) == (
        f'<ul class="rt-ul" dir="rtl"><li class="rt-li">{HEBREW}</li>'
        f'<li class="rt-li">{HEBREW}</li><li class="rt-li" dir="ltr">b</li></ul>'
    )


def test_the_plain_text_is_good_text() -> None:
    """Underlined headings, signs of lists, quotes, addresses behind links."""
    site = link("https://example.org/tides")
    assert plain(
        block("heading", text("The tides"), level=2),
        paragraph(
            text("High water is at "), text("six", site), text(", and the harbour office asks "
            "all boats to be moored an hour before.")
        ),
        block("heading", text("Also"), level=3),
        block(
            "bulletList",
            item(text("one")),
            block("listItem", paragraph(text("two")), block("orderedList", item(text("a")), item(text("b")), start=9)),
        ),
        block("blockquote", paragraph(text("Never.")), paragraph(text("Or always."))),
        paragraph(text("example.org/tides", site), {"type": "hardBreak"}, text("desk@example.org", link("mailto:desk@example.org"))),
        image(alt="The quay"),
    ) == """\
The tides
=========

High water is at six (https://example.org/tides), and the harbour office
asks all boats to be moored an hour before.

Also
----

• one
• two
  9. a
  10. b

> Never.
>
> Or always.

example.org/tides
desk@example.org

[The quay]"""  # fmt: skip


@pytest.mark.parametrize(
    ("label", "line"),
    [("Write to us", "Write to us (desk@example.org)"), ("desk@example.org", "desk@example.org")],
)
def test_a_mail_address_is_written_without_the_subject_of_its_link(label: str, line: str) -> None:
    """`desk@example.org?subject=Hi%20there` is no address that somebody can copy."""
    assert plain(paragraph(text(label, link("mailto:desk@example.org?subject=Hi there")))) == line


def test_lines_are_at_most_72_columns_in_lists_and_quotes_too() -> None:
    """A mail program quotes them again."""
    long = paragraph(text("word " * 100))
    lines = plain(
        long, block("bulletList", block("listItem", long)), block("blockquote", long)
    ).splitlines()
    assert max(map(len, lines)) <= 72
    assert len(lines) > 20
    assert {line[:2] for line in lines if line} == {"wo", "• ", "  ", "> "}


def test_a_text_in_the_other_direction_is_set_in_it() -> None:
    """As everywhere in plain texts: a mark, and isolates around the line."""
    assert (
        plain(paragraph(text("a")), paragraph(text(HEBREW))) == f"a\n\n\u200f\u2067{HEBREW}\u2069"
    )
    assert plain(paragraph(text(HEBREW)), base="rtl") == HEBREW
    address = plain(paragraph(text(HEBREW, link("https://a.example/"))), base="rtl")
    assert address == f"{HEBREW} (\u2066https://a.example/\u2069)"


STORED: list[Any] = [
    text("x", link("javascript:alert(1)")),
    text("x", link("JaVaScRiPt:alert(1)")),
    text("x", link('https://a.example/"onmouseover="alert(1)')),
    text("x", link("data:text/html,<script>alert(1)</script>")),
    text("<script>alert(1)</script>"),
    text("x", {"type": "style"}),
    block("script", text("alert(1)")),
    block("iframe", src="https://a.example/"),
]


@pytest.mark.parametrize("node", STORED)
def test_a_stored_document_that_was_never_checked_runs_nothing(node: Any) -> None:
    """The renderer trusts no database."""
    for content in (paragraph(node), node):
        assert_harmless(to_html(stored(content)))


def test_the_address_of_a_picture_is_checked() -> None:
    """It comes from a store that is configured elsewhere."""
    read = parse(document(image()))
    assert to_html(read, lambda _uuid: Picture(url="javascript:alert(1)")) == ""
    assert (
        str(to_html(read, lambda uuid: Picture(url=f"https://a.example/{uuid}"))).count(PICTURE)
        == 1
    )


PAYLOADS = st.sampled_from(
    ["<script>alert(1)</script>", '" onload="x', "'><img src=x onerror=x>", "javascript:alert(1)",
     "java\tscript:x", "https://a.example/<b>", "https://a.example/'x", "mailto:a@b.example?x=<x>",
     "</p><style>*{}</style>", "&lt;script&gt;", "\u2028<", "https://a.example\\@b", "{{ 7*7 }}"],
)  # fmt: skip
ANY = PAYLOADS | st.text(max_size=20)
MARKS = st.lists(st.builds(link, ANY) | st.just({"type": "bold"}), max_size=2)
PARTS = st.builds(lambda value, marks: text(value, *marks), ANY, MARKS)
BLOCKS = st.recursive(
    st.builds(lambda parts: paragraph(*parts), st.lists(PARTS, max_size=3))
    | st.builds(image, ANY, ANY),
    lambda inner: st.builds(
        lambda kind, parts: block(kind, *parts),
        st.sampled_from(["bulletList", "listItem", "blockquote", "orderedList"]) | ANY,
        st.lists(inner, max_size=3),
    ),
    max_leaves=6,
)


@given(st.lists(BLOCKS, max_size=4))
def test_no_document_runs_anything(blocks: list[Any]) -> None:
    """Only our elements, only our attributes, only web and mail addresses."""
    assert_harmless(to_html(stored(*blocks), lambda _uuid: Picture()))
    to_text(stored(*blocks)).encode()


@given(st.lists(PAYLOADS, max_size=6).map("".join))
def test_no_html_runs_anything(source: str) -> None:
    """Pasted HTML, through the document, into the mail."""
    assert_harmless(to_html(from_html(source)))


def test_a_document_of_the_largest_size_costs_little() -> None:
    """Thousands of links in one paragraph are no more than thousands of links."""
    parts = [text(f"link {n} ", link(f"https://a.example/{n % 7}")) for n in range(4_000)]
    read = parse(document(paragraph(*parts)))
    assert to_html(read).count("<a ") == 4_000
    assert to_text(read).count("(https:") == 4_000


def stored(*blocks: Any) -> Document:
    """Return a document as a database might have it, whatever is in it."""
    return json.loads(json.dumps(document(*blocks)))  # type: ignore[no-any-return]


def assert_harmless(fragment: str) -> None:
    """Read the HTML again as a browser does and look at every element."""
    assert fragment == "" or fragment.startswith("<")
    for element in lxml_html.fromstring(f"<main>{fragment}</main>").iterdescendants():
        assert element.tag in TAGS
        assert set(element.attrib) <= ATTRIBUTES
        address = element.get("href") or element.get("src") or "https://"
        assert re.match(r"https?://|mailto:", address)
        assert not re.search(r"[\s\"<>\\]", address)
