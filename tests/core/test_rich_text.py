"""Rich text documents: which come in, which are refused and why, and what HTML becomes."""

# ruff: noqa: E501  documents and HTML read best on a line each

import json
import re
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.core import rich_text
from digest.core.rich_text import RichTextError, from_html, from_text, parse, plain_text
from tests.documents import PICTURE, block, document, link, nested, paragraph, text

FROM_WORD = """
<p class=MsoNormal><b>Agenda</b><o:p></o:p></p>
<p class=MsoListParagraphCxSpFirst style='text-indent:-18.0pt;mso-list:l0 level1 lfo1'>
<![if !supportLists]><span style='font-family:Symbol'><span style='mso-list:Ignore'>·<span
style='font:7.0pt "Times New Roman"'>&nbsp;&nbsp; </span></span></span><![endif]>Harbour<o:p></o:p></p>
<p class=MsoListParagraphCxSpLast style='mso-list:l0 level1 lfo1'><span
style='mso-list:Ignore'>·</span>Fish market</p>
<p class=MsoListParagraph style='mso-list:l1 level1 lfo2'><span
style='mso-list:Ignore'>1.<span>&nbsp;</span></span>First</p>
"""
FROM_DOCS = """
<meta charset="utf-8"><b style="font-weight:normal;" id="docs-internal-guid-1"><p dir="ltr"><span
style="font-weight:400;font-style:normal">Plain, </span><span style="font-weight:700">bold</span><span
style="font-style:italic"> and italic</span></p></b>
"""


def test_a_document_of_our_schema_stays_as_it_is() -> None:
    """Every node and mark comes out as it came in."""
    whole = document(
        {"type": "heading", "attrs": {"level": 2}, "content": [text("Head")]},
        paragraph(
            text("a "),
            text("b", link("https://example.org/x"), {"type": "bold"}, {"type": "italic"}),
            {"type": "hardBreak"},
            text("write", link("mailto:desk@example.org?subject=Hi%20there")),
        ),
        block("bulletList", block("listItem", paragraph(text("one")), nested(1))),
        {
            "type": "orderedList",
            "attrs": {"start": 3},
            "content": [block("listItem", paragraph(text("three")))],
        },
        block("blockquote", paragraph(text("said"))),
        {"type": "image", "attrs": {"picture": PICTURE, "alt": "The quay"}},
    )
    assert parse(whole) == whole
    assert rich_text.from_json(json.dumps(whole)) == whole
    assert rich_text.picture_ids(parse(whole)) == [PICTURE]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("text", 'JSON object of the type "doc"'),
        ([], 'JSON object of the type "doc"'),
        ({"type": "paragraph"}, 'JSON object of the type "doc"'),
        (document(block("table")), "The text cannot contain “table”"),
        (document("x"), 'JSON object with a "type"'),
        (document({"type": ["paragraph"]}), 'JSON object with a "type"'),
        ({"type": "doc", "content": "x"}, "“content” has to be a list"),
        (document(paragraph(block("paragraph"))), "A paragraph cannot contain “paragraph”"),
        (document(paragraph({"type": "text", "text": 5})), "A paragraph cannot contain “text”"),
        (document(text("bare")), "The text cannot contain “text”"),
        (document({"type": "heading", "attrs": {"level": 1}}), "level 2 or 3"),
        (document({"type": "heading", "attrs": {"level": True}}), "level 2 or 3"),
        (document({"type": "heading"}), "level 2 or 3"),
        (document(block("bulletList", paragraph())), "A list cannot contain “paragraph”"),
        (document(block("blockquote", block("image"))), "A quote cannot contain “image”"),
        (document({"type": "image"}), "needs a picture"),
        (document({"type": "image", "attrs": {"picture": "https://x.example/"}}), "needs a picture"),
        (document(paragraph(text("x", {"type": "code"}))), "“code” is not a formatting"),
        (document(paragraph(text("x", link("javascript:alert(1)")))), "“javascript:alert(1)” is not"),
        (document(paragraph(text("x", link("data:text/html,x")))), "is not a link"),
        (document(paragraph(text("x", link("/relative")))), "is not a link"),
        (document(paragraph(text("x", link("mailto:nobody")))), "is not a link"),
        (document(paragraph(text("x", link(5)))), "is not a link"),
        (document(paragraph(text("x", {"type": "link"}))), "is not a link"),
        (document(nested(6)), "At most 5 levels"),
        (document(paragraph(text("x" * 50_001))), "At most 50,000 characters"),
        (document(*[paragraph(text("x" * 26_000))] * 2), "At most 50,000 characters"),
        (document(*[paragraph()] * 10_001), "At most 50,000 characters"),
    ],
)  # fmt: skip
def test_what_is_no_document_is_refused_with_the_reason(value: object, reason: str) -> None:
    """Another shape, too much of it, or a link that leads elsewhere."""
    with pytest.raises(RichTextError, match=re.escape(reason)):
        parse(value)


@pytest.mark.parametrize("source", ["{", "[" * 100_000, '{"type": "doc"', "NaN", "x" * 2_000_001])
def test_what_is_no_json_is_refused(source: str) -> None:
    """Nesting beyond what Python can read, and megabytes, cost nothing."""
    with pytest.raises(RichTextError):
        rich_text.from_json(source)


def test_what_the_editor_would_refuse_is_put_right() -> None:
    """Empty texts and lists go, equal neighbours join, an item begins with a paragraph."""
    messy = document(
        paragraph(text(""), text("a", {"type": "bold"}), text("b", {"type": "bold"}), text("\x00")),
        block("bulletList"),
        block("blockquote"),
        block("bulletList", block("listItem"), block("listItem", nested(1))),
        {"type": "orderedList", "attrs": {"start": "x", "type": None}, "content": []},
    )
    items = [
        block("listItem", {"type": "paragraph"}),
        block("listItem", {"type": "paragraph"}, nested(1)),
    ]
    assert parse(messy) == document(
        paragraph(text("ab", {"type": "bold"})), block("bulletList", *items)
    )


def test_marks_are_in_one_order_and_single() -> None:
    """The editor and the API give equal documents for equal texts."""
    marks = [{"type": "italic"}, {"type": "bold"}, {"type": "italic"}, link("http://a.example/")]
    content = parse(document(paragraph(text("x", *marks))))["content"][0]["content"]
    assert [mark["type"] for mark in content[0]["marks"]] == ["link", "bold", "italic"]


def test_characters_that_cannot_be_stored_or_mislead_are_removed() -> None:
    """NUL, lone surrogates and bidi overrides; joiners and marks of Persian and emoji stay."""
    content = parse(document(paragraph(text("a\x00\ud800\u202eb\u2028c\u200dd\n"))))
    assert plain_text(content) == "ab c\u200dd"


@pytest.mark.parametrize("value", [None, {}, {"type": "doc"}, document(), document(paragraph())])
def test_nothing_is_the_empty_document(value: object) -> None:
    """Whatever says "nothing" reads the same."""
    assert parse(value) == rich_text.empty()
    assert rich_text.is_empty(parse(value))


def test_spaces_are_nothing_and_a_picture_is_something() -> None:
    """A note with a picture alone is not empty."""
    assert rich_text.is_empty(parse(document(paragraph(text("  \u00a0"), {"type": "hardBreak"}))))
    picture = {"type": "image", "attrs": {"picture": PICTURE}}
    assert not rich_text.is_empty(parse(document(picture)))


def test_text_becomes_paragraphs_and_back() -> None:
    """Blank lines separate paragraphs, single line ends are line breaks."""
    read = from_text("One\r\ntwo\r\n \r\n\r\nThree  \n")
    assert read == document(
        paragraph(text("One"), {"type": "hardBreak"}, text("two")), paragraph(text("Three"))
    )
    assert plain_text(read) == "One\ntwo\n\nThree"
    with pytest.raises(RichTextError, match="too long"):
        from_text("x" * 50_001)


def test_a_form_without_the_editor_keeps_the_formatting_of_an_unchanged_text() -> None:
    """Without JavaScript a page shows the plain text, and most people change something else."""
    before = from_html("<p>A <b>bold</b> one</p><p>and<br>another</p>")
    assert rich_text.from_field("A bold one\r\n\r\nand\r\nanother", before) == before
    assert rich_text.from_field("New", before) == document(paragraph(text("New")))
    assert rich_text.from_field(json.dumps(before, separators=(",", ":")), from_text("")) == before


def test_html_is_read_as_it_is_meant() -> None:
    """Headings, lists in lists, quotes, breaks; what has no place becomes a paragraph."""
    read = from_html(
        "<h1>Ti<i>t</i>le</h1><div>Hello  <b>wor</b>ld<br>again<br><br>new</div>"
        "<ul><li>a<ul><li>b</ul><li><p>c<p>d</ul><blockquote><h2>q</h2>r</blockquote>"
        "<table><tr><td>1<td>2</table><h5>small</h5>bare"
    )
    assert read == document(
        {
            "type": "heading",
            "attrs": {"level": 2},
            "content": [text("Ti"), text("t", {"type": "italic"}), text("le")],
        },
        paragraph(
            text("Hello "), text("wor", {"type": "bold"}), text("ld"), {"type": "hardBreak"}, text("again")
        ),
        paragraph(text("new")),
        block(
            "bulletList",
            block("listItem", paragraph(text("a")), block("bulletList", block("listItem", paragraph(text("b"))))),
            block("listItem", paragraph(text("c")), paragraph(text("d"))),
        ),
        block("blockquote", paragraph(text("q")), paragraph(text("r"))),
        paragraph(text("1")),
        paragraph(text("2")),
        {"type": "heading", "attrs": {"level": 3}, "content": [text("small")]},
        paragraph(text("bare")),
    )  # fmt: skip


def test_images_of_ours_stay_and_foreign_ones_go() -> None:
    """A hot-linked picture in pasted HTML would tell its owner who opens the mail."""
    read = from_html(
        f'<p>a<img src="https://x.example/p.gif"><img data-picture="{PICTURE}" alt="Quay">'
    )
    picture = {"type": "image", "attrs": {"picture": PICTURE, "alt": "Quay"}}
    assert read == document(paragraph(text("a")), picture)


def test_word_and_google_docs_are_understood() -> None:
    """Word writes lists as paragraphs, Google Docs wraps everything in a bold that is not bold."""
    assert from_html(FROM_WORD) == document(
        paragraph(text("Agenda", {"type": "bold"})),
        block(
            "bulletList",
            block("listItem", paragraph(text("Harbour"))),
            block("listItem", paragraph(text("Fish market"))),
        ),
        {
            "type": "orderedList",
            "attrs": {"start": 1},
            "content": [block("listItem", paragraph(text("First")))],
        },
    )
    assert from_html(FROM_DOCS) == document(
        paragraph(
            text("Plain, "), text("bold", {"type": "bold"}), text(" and italic", {"type": "italic"})
        )
    )


@pytest.mark.parametrize(
    ("html", "plain"),
    [
        ("<script>x</script>a<style>b</style><!-- c --><title>d</title>", "a"),
        ("<svg><script>x</script><a href=javascript:x>y</a></svg>a", "a"),
        ("<a href='jav&#x09;ascript:alert(1)'>a</a>", "a"),
        ("<a href=' JAVASCRIPT:alert(1)'>a</a>", "a"),
        ("<a href='vbscript:x'>a</a><iframe src=x>b</iframe>", "a"),
        ("<p onclick=x style='background:url(javascript:x)'>a</p>", "a"),
        ("<?xml version='1.0' encoding='utf-16'?>a", "a"),
        ("a<textarea>b</textarea><select><option>c</select>", "a"),
        ("\ud800a\x00", "a"),
        ("<", "<"),
        ("", ""),
        ("   ", ""),
    ],
)
def test_hostile_html_leaves_its_text_alone(html: str, plain: str) -> None:
    """No link, no script, no style of it gets into a document."""
    read = from_html(html)
    assert plain_text(read) == plain
    assert "marks" not in json.dumps(read)


@pytest.mark.parametrize(
    "piece", ["<b>", "<i>a", "<div>", "<b><p>", "<ul><li>", "<table><tr><td>", "<", "<a href=x>", "a<br>",
              "<b>a</b><i>b</i>", "<pre>\n", "<p a='", "<!--", "</p>", "&amp;", "<blockquote>"],
)  # fmt: skip
def test_large_html_costs_little(piece: str) -> None:
    """Half a megabyte of anything: eight times as much costs about eight times as much."""
    small, large = (piece * (size // len(piece)) for size in (62_500, 500_000))
    seconds = [min(_seconds(html), _seconds(html)) for html in (small, large)]
    assert seconds[1] < max(24 * seconds[0], 1)


def test_larger_html_is_refused() -> None:
    """Before anything is read."""
    with pytest.raises(RichTextError, match="At most 500,000 characters"):
        from_html("x" * 5_000_000)


def _seconds(html: str) -> float:
    begin = time.thread_time()
    with suppress(RichTextError):
        from_html(html)
    return time.thread_time() - begin


KINDS = ["doc", "paragraph", "heading", "bulletList", "orderedList", "listItem", "blockquote", "image", "hardBreak", "table"]  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(KINDS)
MARKS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["bold", "italic", "link", "x"])},
        optional={
            "attrs": st.fixed_dictionaries({"href": SCALARS | st.just("https://a.example/")})
        },
    ),
    max_size=3,
)
TEXTS = st.fixed_dictionaries(
    {"type": st.just("text"), "text": st.text() | SCALARS}, optional={"marks": MARKS | SCALARS}
)
NODES = st.recursive(
    TEXTS | SCALARS,
    lambda children: st.fixed_dictionaries(
        {"type": st.sampled_from(KINDS)},
        optional={
            "content": st.lists(children, max_size=4) | SCALARS,
            "attrs": st.fixed_dictionaries({"level": SCALARS | st.just(2)}) | SCALARS,
        },
    ),
    max_leaves=12,
)


@given(st.lists(NODES, max_size=4))
def test_any_json_is_a_sound_document_or_refused(blocks: list[Any]) -> None:
    """What parse returns it returns again, and nothing but RichTextError is raised."""
    try:
        read = parse(document(*blocks))
    except RichTextError:
        return
    assert parse(json.loads(json.dumps(read))) == read
    plain_text(read).encode()


@given(st.text(alphabet=st.sampled_from("<>/=\"'&;abpuliho1 \n\x00\u202e"), max_size=200))
def test_any_html_is_a_sound_document(html: str) -> None:
    """Whatever the parser makes of it."""
    read = from_html(html)
    assert parse(read) == read
